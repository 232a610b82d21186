// D2W1-A1: how weights begin: with zeros, with large numbers, by He's rule.
#include <cmath>

#include "recipes/list.h"
#include "recipes/values.h"
#include "recipes/ways.h"

namespace cairn::recipes {
namespace {

struct Start {
  const char* name;
  double (*scale)(double inputs);
};
constexpr Start kZeros{"zeros", [](double) { return 0.0; }};
constexpr Start kLarge{"numbers about 10", [](double) { return 10.0; }};

OneNetworkOptions options_of(const Start& start) {
  OneNetworkOptions options = he_on_circles().options;
  options.scale = start.scale;
  return options;
}

void check_draws(Outcome& o) {
  numpy::RandomState large(3), he(3);
  check_values(o, "large start, 2-3: W1", randn(large, {2, 3}, 10),
               {"17.88628473", "4.36509851", "0.96497468", "-18.63492703", "-2.77388203", "-3.54758979"});
  check_values(o, "He's start, 2-4-1: W1", randn(he, {4, 2}, std::sqrt(2.0 / 2)),
               {"1.78862847", "0.43650985", "0.09649747", "-1.8634927", "-0.2773882", "-0.35475898",
                "-0.08274148", "-0.62700068"});
  check_values(o, "He's start, 2-4-1: W2", randn(he, {1, 4}, std::sqrt(2.0 / 4)),
               {"-0.03098412", "-0.33744411", "-0.92904268", "0.62552248"});
}

void check_zeros(Outcome& o, const Planar& train, const Planar& test, std::uint32_t steps) {
  OneNetwork net(options_of(kZeros), train);
  const std::vector<double> costs = net.train(steps, 1000);
  for (std::size_t i = 0; i < costs.size(); ++i)
    o.checks.push_back(
        printed("zeros: cost before step " + std::to_string(1000 * i), costs[i], "0.6931471805599453"));
  o.checks.push_back(printed("zeros: accuracy, training", net.accuracy(train), "0.5"));
  o.checks.push_back(printed("zeros: accuracy, test", net.accuracy(test), "0.5"));
}

// Weights this large make the descent chaotic: in NumPy itself the second cost is 0.62497 or, with first
// weights that differ by 1e-15, 0.62308. The course's first cost is infinite: it takes the logarithm of a
// rounded 0.
void check_large(Outcome& o, const Planar& train, const Planar& test, Chart& chart) {
  OneNetwork net(options_of(kLarge), train);
  const std::vector<double> costs = net.train(15000, 1000);
  o.checks.push_back(level("large: cost before step 0 (the course: inf)", costs[0], ">= 1"));
  o.checks.push_back(
      level("large: cost before step 1000 (chaotic)", costs[1], "about 0.6242434241539614 +- 0.003"));
  o.checks.push_back(
      level("large: cost before step 2000 (chaotic)", costs[2], "about 0.5978811277755388 +- 0.003"));
  o.checks.push_back(
      level("large: cost before step 14000 (chaotic)", costs[14], "about 0.3827489017191917 +- 0.003"));
  o.checks.push_back(level("large: accuracy, training", net.accuracy(train), "about 0.83 +- 0.02"));
  o.checks.push_back(level("large: accuracy, test", net.accuracy(test), "about 0.86 +- 0.02"));
  chart.series.push_back(loss_line(kLarge.name, costs, 1000));
  o.charts.push_back(net.picture("From numbers about 10"));
}

Outcome run(const DataFolder&) {
  const Planar train = circles(300, 0.05, 1), test = circles(100, 0.05, 2);
  Outcome o;
  check_draws(o);
  check_zeros(o, train, test, 15000);
  Chart chart{.title = "Cost against steps", .x = "step", .y = "cost"};
  check_large(o, train, test, chart);
  const Way he = he_on_circles();
  OneNetwork net(he.options, train);
  const std::vector<double> costs = net.train(he.passes, he.every);
  check_costs(o, he.name, he, costs);
  o.checks.push_back(printed("He's rule: accuracy, training", net.accuracy(train), he.train));
  o.checks.push_back(printed("He's rule: accuracy, test", net.accuracy(test), he.unseen));
  chart.series.push_back(loss_line(he.name, costs, he.every));
  o.charts.push_back(net.picture("From He's rule"));
  o.charts.push_back(std::move(chart));
  o.remarks = {"Units that begin alike stay alike: from zeros nothing is learned at all."};
  return o;
}

}  // namespace

const Recipe kCircles{
    "circles-initialisation",
    "D2W1-A1",
    "Circles: how weights begin",
    "From zeros nothing is learned, from large numbers little and late, by He's rule the circles "
    "are told apart.",
    "",
    run,
    "five seconds",
    run};

}  // namespace cairn::recipes
