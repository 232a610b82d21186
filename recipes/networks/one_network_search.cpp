// X-3: one network with all options; each alone gives its lab's numbers, all together are searched for a
// learning rate.
#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/random.h"
#include "cairn/model/search_space.h"
#include "recipes/list.h"
#include "recipes/ways.h"

namespace cairn::recipes {
namespace {

// To the end of the lab, or so far that the second printed cost is seen where that is soon.
void check_alone(Outcome& o, const std::string& points_are, const std::vector<Way>& ways,
                 const Planar& points, bool whole) {
  constexpr std::uint32_t kSoon = 1000;
  for (const Way& way : ways) {
    OneNetwork net(way.options, points);
    const std::uint32_t passes = whole ? way.passes : way.every <= kSoon ? way.every + 1 : 1;
    const std::string name = fmt::format("{}, {}", points_are, way.name);
    check_costs(o, name, way, net.train(passes, way.every));
    if (whole) o.checks.push_back(printed(name + ": accuracy, training", net.accuracy(points), way.train));
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
  const Field field = read_field(data);
  const Planar moons_seen = moons(300, 0.2, 3), dev = moons(300, 0.2, 4), test = moons(1000, 0.2, 5);
  Outcome o;
  check_alone(o, "moons", ways_on_moons(), moons_seen, whole);
  check_alone(o, "circles", {he_on_circles()}, circles(300, 0.05, 1), whole);
  check_alone(o, "football", ways_on_the_field(), field.train, whole);
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
