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
  std::uint32_t every;             // passes between two printed costs
  std::vector<const char*> costs;  // of passes 0, every, 2 every, ...
  std::uint32_t passes;            // of the lab
  const char* accuracy;            // after them, %
};

double he(double inputs) { return std::sqrt(2 / inputs); }

// D2W2-A1 on two moons.
std::vector<Alone> on_moons() {
  const OneNetworkOptions moons{.learning_rate = 7e-4, .batch_size = 64, .scale = he};
  OneNetworkOptions momentum = moons, adam = moons;
  momentum.optimizer_params = R"({"momentum": 0.9, "average": true})";
  adam.optimizer = "adam";
  return {{"batches of 64",
           moons,
           1000,
           {"0.702405", "0.668101", "0.635288", "0.600491", "0.573367", "0.551977", "0.532370", "0.514007",
            "0.496472", "0.468014"},
           10000,
           "79.67"},
          {"momentum",
           momentum,
           1000,
           {"0.702413", "0.668167", "0.635388", "0.600591", "0.573444", "0.552058", "0.532458", "0.514101",
            "0.496652", "0.468160"},
           10000,
           "79.67"},
          {"Adam",
           adam,
           1000,
           {"0.702166", "0.167845", "0.141316", "0.138788", "0.136066", "0.134240", "0.131127", "0.130216",
            "0.129623", "0.129118"},
           10000,
           "94"}};
}

// D2W1-A2 on the football field.
std::vector<Alone> on_the_field() {
  const OneNetworkOptions field{.sizes = {2, 20, 3, 1},
                                .scale = [](double inputs) { return 1 / std::sqrt(inputs); }};
  OneNetworkOptions penalty = field, dropout = field;
  penalty.penalty = 0.7;
  dropout.keep = 0.86;
  dropout.course_masks = true;
  return {{"no option",
           field,
           10000,
           {"0.6557412523481002", "0.163299875257", "0.138516424233"},
           30000,
           "94.7867"},
          {"the penalty",
           penalty,
           10000,
           {"0.6974484493131264", "0.268491887328", "0.268091633713"},
           30000,
           "93.8389"},
          {"dropout",
           dropout,
           10000,
           {"0.6543912405149825", "0.061016986574906", "0.060582435798513"},
           30000,
           "92.8910"}};
}

// D2W1-A1's start on the circles: He's rule alone.
std::vector<Alone> on_circles() {
  return {{"He's start",
           {.sizes = {2, 10, 5, 1}, .learning_rate = 0.01, .scale = he},
           1000,
           {"0.8830537463419761", "0.6879825919728", "0.6751286264523", "0.6526117768894", "0.6082958970573"},
           15000,
           "99.33"}};
}

// To the end of the lab, or so far that the second printed cost is seen where that is soon.
void check_alone(Outcome& o, const std::vector<Alone>& all, const Planar& points, bool whole) {
  constexpr std::uint32_t kSoon = 1000;
  for (const Alone& one : all) {
    OneNetwork net(one.options, points);
    const std::uint32_t passes = whole ? one.passes : one.every <= kSoon ? one.every + 1 : 1;
    const std::vector<double> costs = net.train(passes, one.every);
    for (std::size_t i = 0; i < costs.size() && i < one.costs.size(); ++i)
      o.checks.push_back(
          printed(fmt::format("{} alone: cost of pass {}", one.name, one.every * i), costs[i], one.costs[i]));
    if (whole)
      o.checks.push_back(printed(fmt::format("{} alone: accuracy, training, %", one.name),
                                 100 * net.accuracy(points), one.accuracy));
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

Outcome run_with(int trials, std::uint32_t passes, bool whole, const DataFolder& data) {
  const std::string file = data.file("course_dl/football_2d.mat");
  const Planar moons_seen = moons(300, 0.2, 3), dev = moons(300, 0.2, 4), test = moons(1000, 0.2, 5);
  Outcome o;
  check_alone(o, on_moons(), moons_seen, whole);
  check_alone(o, on_circles(), circles(300, 0.05, 1), whole);
  check_alone(o, on_the_field(), {mat_array(file, "X").to(DType::f64), mat_array(file, "y").to(DType::f64)},
              whole);
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

Outcome run(const DataFolder& data) { return run_with(30, 300, true, data); }
Outcome brief(const DataFolder& data) { return run_with(6, 60, false, data); }

}  // namespace

const Recipe kOneNetwork{"one-network-all-options",
                         "X-3",
                         "One network with every option, and a random search",
                         "Penalty, dropout, batch normalisation, momentum and batches in one class; a "
                         "learning rate found by drawing "
                         "on a logarithmic scale.",
                         "course_dl",
                         run,
                         "half a minute",
                         brief};

}  // namespace cairn::recipes
