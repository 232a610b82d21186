// X-3: one network with all options; each alone gives its lab's numbers, all together are searched for a
// learning rate.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/random.h"
#include "cairn/model/search_space.h"
#include "cairn/readers/mat.h"
#include "recipes/list.h"
#include "recipes/one_network.h"

namespace cairn::recipes {
namespace {

struct Alone {
  const char* name;
  OneNetworkOptions options;
  std::vector<const char*> costs;  // of passes 0, 1000, 2000, ...
};

double he(double inputs) { return std::sqrt(2 / inputs); }

// D2W2-A1 on two moons.
std::vector<Alone> on_moons() {
  const OneNetworkOptions moons{.learning_rate = 7e-4, .batch_size = 64, .scale = he};
  OneNetworkOptions momentum = moons, adam = moons;
  momentum.optimizer_params = R"({"momentum": 0.9, "average": true})";
  adam.optimizer = "adam";
  return {{"batches of 64", moons, {"0.702405", "0.668101"}},
          {"momentum", momentum, {"0.702413", "0.668167"}},
          {"Adam", adam, {"0.702166", "0.167845"}}};
}

// D2W1-A2 on the football field.
std::vector<Alone> on_the_field() {
  const OneNetworkOptions field{.sizes = {2, 20, 3, 1},
                                .scale = [](double inputs) { return 1 / std::sqrt(inputs); }};
  OneNetworkOptions penalty = field, dropout = field;
  penalty.penalty = 0.7;
  dropout.keep = 0.86;
  dropout.course_masks = true;
  return {{"no option", field, {"0.6557412523481002"}},
          {"the penalty", penalty, {"0.6974484493131264"}},
          {"dropout", dropout, {"0.6543912405149825"}}};
}

void check_alone(Outcome& o, const std::vector<Alone>& all, const Planar& points) {
  constexpr std::uint32_t kEvery = 1000;
  for (const Alone& one : all) {
    OneNetwork net(one.options, points);
    const auto passes = static_cast<std::uint32_t>(kEvery * (one.costs.size() - 1) + 1);
    const std::vector<double> costs = net.train(passes, kEvery);
    for (std::size_t i = 0; i < costs.size(); ++i)
      o.checks.push_back(
          printed(fmt::format("{} alone: cost of pass {}", one.name, kEvery * i), costs[i], one.costs[i]));
  }
}

OneNetworkOptions everything(double learning_rate) {
  return {.sizes = {2, 20, 10, 1},
          .penalty = 0.1,
          .keep = 0.9,
          .batch_norm = true,
          .optimizer = "rmsprop",
          .optimizer_params = R"({"rho": 0.9, "momentum": 0.9})",
          .learning_rate = learning_rate,
          .batch_size = 64};
}

struct Trial {
  double rate, unseen;
};

// All options at once, with learning rates drawn evenly on a logarithmic scale: as the courses advise,
// because from 0.0001 to 0.001 is as far as from 0.1 to 1.
std::vector<Trial> search(int trials, std::uint32_t passes, const Planar& train, const Planar& dev) {
  const SearchAxis rates{.name = "learning_rate",
                         .range = {.low = 1e-5, .high = 1, .scale = SearchScale::log, .values = {}}};
  Random random(1, "learning rate");
  std::vector<Trial> all;
  for (int i = 0; i < trials; ++i) {
    const double rate = std::stod(value_at(rates, random.uniform()));
    OneNetwork net(everything(rate), train);
    net.train(passes, passes);
    all.push_back({rate, net.accuracy(dev)});
  }
  return all;
}

Outcome run_with(int trials, std::uint32_t passes, const DataFolder& data) {
  const std::string file = data.file("course_dl/football_2d.mat");
  const Planar moons_seen = moons(300, 0.2, 3), dev = moons(300, 0.2, 4), test = moons(1000, 0.2, 5);
  Outcome o;
  check_alone(o, on_moons(), moons_seen);
  check_alone(o, on_the_field(), {mat_array(file, "X").to(DType::f64), mat_array(file, "y").to(DType::f64)});
  const std::vector<Trial> all = search(trials, passes, moons_seen, dev);
  const Trial& best = *std::ranges::max_element(all, {}, &Trial::unseen);
  const Trial& worst = *std::ranges::min_element(all, {}, &Trial::unseen);
  OneNetwork chosen(everything(best.rate), moons_seen);
  chosen.train(passes, passes);
  o.checks.push_back(
      level("everything, the best of the searched rates: accuracy, dev points", best.unseen, ">= 0.94"));
  o.checks.push_back(level("the same network: accuracy, test points", chosen.accuracy(test), ">= 0.94"));
  Series points{.name = "trials", .kind = "points"};
  for (const Trial& t : all) points.points.emplace_back(t.rate, t.unseen);
  o.charts = {{.title = "Accuracy against learning rate",
               .x = "learning rate",
               .y = "accuracy, dev points",
               .series = {points},
               .log_x = true},
              chosen.picture("The network of the best learning rate")};
  o.remarks.push_back(
      fmt::format("Of {} rates between 0.00001 and 1 the best is {:.2g}; the worst, {:.2g}, "
                  "reaches {:.3g}.",
                  all.size(), best.rate, worst.rate, worst.unseen));
  return o;
}

Outcome run(const DataFolder& data) { return run_with(30, 300, data); }
Outcome brief(const DataFolder& data) { return run_with(6, 60, data); }

}  // namespace

const Recipe kOneNetwork{"one-network-all-options",
                         "X-3",
                         "One network with every option, and a random search",
                         "Penalty, dropout, batch normalisation, momentum and batches in one class; a "
                         "learning rate found by drawing "
                         "on a logarithmic scale.",
                         "course_dl",
                         run,
                         "five seconds",
                         brief};

}  // namespace cairn::recipes
