// D1W4-A2a, D1W4-A2b: cat or not, by networks of two and of four layers.
#include <fmt/format.h>

#include <array>

#include "cairn/optim/momentum.h"
#include "recipes/cats.h"
#include "recipes/list.h"

namespace cairn::recipes {
namespace {

constexpr double kRate = 0.0075;
constexpr int kEvery = 100, kSteps = 2500, kBriefSteps = 201;

struct Run {
  Network net;
  std::vector<double> costs;
};

Run descended(Network net, const Cats& cats, int steps) {
  SgdOptimizer opt(net, {.learning_rate = kRate});
  std::vector<double> costs = descend(net, opt, cats.train, steps, kEvery);
  return {std::move(net), std::move(costs)};
}

void add_costs(Outcome& o, const Run& run, std::span<const char* const> printed_costs) {
  for (std::size_t i = 0; i < run.costs.size() && i < printed_costs.size(); ++i)
    o.checks.push_back(printed(fmt::format("cost before step {}", kEvery * static_cast<int>(i)), run.costs[i],
                               printed_costs[i]));
}

// The whole exercise: the course's start, then one of ours.
void finish(Outcome& o, Run run, const Cats& cats, const char* train_accuracy, const char* test_accuracy) {
  const auto wrong = wrong_rows(run.net, cats.test);
  o.checks.push_back(printed("accuracy, training", accuracy(run.net, cats.train), train_accuracy));
  o.checks.push_back(printed("accuracy, test", accuracy(run.net, cats.test), test_accuracy));
  o.remarks.push_back("Test pictures that it takes for the other kind, by number: " + listed(wrong, 20) +
                      ".");
  o.albums = {judged_cats(run.net, cats), wrong_cats(wrong, cats)};
  Series line = loss_line("the course's start", run.costs, kEvery);
  initialise(run.net, 1);
  const Run ours = descended(std::move(run.net), cats, kSteps);
  o.checks.push_back(
      level("accuracy, test, from our own start (seed 1)", accuracy(ours.net, cats.test), ">= 0.7"));
  o.charts.push_back({.title = "Cost against steps",
                      .x = "step",
                      .y = "cost",
                      .series = {std::move(line), loss_line("our own start", ours.costs, kEvery)}});
}

Run two_layers(const Cats& cats, int steps) {
  Network net = dense_network({12288, 7, 1});
  draw(net, 1, hundredth);
  return descended(std::move(net), cats, steps);
}

Run four_layers(const Cats& cats, int steps) {
  Network net = dense_network({12288, 20, 7, 5, 1});
  draw(net, 1, root_scale);
  return descended(std::move(net), cats, steps);
}

constexpr std::array kTwoLayerCosts{
    "0.6930497356599891", "0.6464320953428849", "0.6325140647912678", "0.601502492035", "0.560196631161",
    "0.515830477276",     "0.475490131394",     "0.433916315123",     "0.400797753620", "0.358070501132",
    "0.339428153837",     "0.305275363620",     "0.274913772821",     "0.246817682106", "0.198507350375",
    "0.174483181126",     "0.170807629781",     "0.113065245622",     "0.096294268459", "0.083426179597",
    "0.074390787043",     "0.066307481323",     "0.059193295010",     "0.053361403486", "0.0485547856287702"};
constexpr std::array kFourLayerCosts{
    "0.7717493284237686", "0.6720534400822913", "0.648263", "0.611507", "0.567047",
    "0.540138",           "0.527930",           "0.465477", "0.369126", "0.391747",
    "0.315187",           "0.272700",           "0.237419", "0.199601", "0.189263",
    "0.161189",           "0.148214",           "0.137775", "0.129740", "0.121225",
    "0.113821",           "0.107839",           "0.102855", "0.100897", "0.09287821526472"};

Outcome brief_two(const DataFolder& data) {
  Outcome o;
  add_costs(o, two_layers(read_cats(data), kBriefSteps), kTwoLayerCosts);
  return o;
}

Outcome run_two(const DataFolder& data) {
  const Cats cats = read_cats(data);
  Outcome o;
  Run run = two_layers(cats, kSteps);
  add_costs(o, run, kTwoLayerCosts);
  finish(o, std::move(run), cats, "1.00", "0.72");
  return o;
}

Outcome brief_four(const DataFolder& data) {
  Outcome o;
  add_costs(o, four_layers(read_cats(data), kBriefSteps), kFourLayerCosts);
  return o;
}

Outcome run_four(const DataFolder& data) {
  const Cats cats = read_cats(data);
  Outcome o;
  Run run = four_layers(cats, kSteps);
  add_costs(o, run, kFourLayerCosts);
  finish(o, std::move(run), cats, "0.985645933014", "0.80");
  return o;
}

}  // namespace

const Recipe kCatsTwoLayers{
    "cats-two-layers",
    "D1W4-A2a",
    "Cat or not: a network of two layers",
    "One hidden layer sees shapes where logistic regression adds up pixels; with 209 pictures it learns them "
    "all by heart.",
    "course_dl",
    run_two,
    "a minute",
    brief_two};

const Recipe kCatsFourLayers{"cats-four-layers",
                             "D1W4-A2b",
                             "Cat or not: a network of four layers",
                             "The same pictures and steps through three hidden layers: four more of the "
                             "fifty test pictures are right.",
                             "course_dl",
                             run_four,
                             "two minutes",
                             brief_four};

}  // namespace cairn::recipes
