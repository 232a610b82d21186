// M2W1-L1, L2, L3: one unit, and a network of four that judges roasted coffee.
#include <fmt/format.h>

#include "cairn/nn/activation.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/adam.h"
#include "cairn/train/trainer.h"
#include "recipes/columns.h"
#include "recipes/course_data.h"
#include "recipes/list.h"
#include "recipes/networks.h"
#include "recipes/numpy_default_rng.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

Outcome run_units(const DataFolder&) {
  Outcome o;
  const Linear price = layer_of(of({200}, {1, 1}), of({100}));
  o.checks.push_back(printed("a linear unit, w 200, b 100, of 1", price(of({1}, {1, 1})).item(), "300"));
  Linear unit = layer_of(of({2}, {1, 1}), of({-4.5}));
  o.checks.push_back(
      printed("a sigmoid unit, w 2, b -4.5, of 0", sigmoid(unit(of({0}, {1, 1}))).item(), "0.01"));
  o.checks.push_back(
      printed("parameters of a unit with one input", static_cast<double>(count_parameters(unit).total), "2"));
  const Tensor inputs = of({0, 1, 2, 3, 4, 5}, {6, 1}), p = sigmoid(unit(inputs));
  const std::vector<const char*> classes{"0", "0", "0", "1", "1", "1"};
  Series curve{.name = "the unit"}, points{.name = "examples", .kind = "points"};
  for (std::int64_t i = 0; i < 6; ++i) {
    const auto at = static_cast<std::size_t>(i);
    o.checks.push_back(printed(fmt::format("class of {}", i), p.item({i, 0}) > 0.5 ? 1 : 0, classes[at]));
    points.points.emplace_back(i, classes[at][0] - '0');
  }
  for (const double x : linspace(0, 5, 51))
    curve.points.emplace_back(x, sigmoid(unit(of({x}, {1, 1}))).item());
  o.charts.push_back(
      {.title = "A sigmoid unit", .x = "x", .y = "probability of 1", .series = {points, curve}});
  return o;
}

// Roasts as the lab scales them: with the mean and variance of its 200.
struct Roasts {
  Coffee data = coffee();
  Tensor center = mean(data.x, 0, true), variance = var(data.x, 0, true);
  Tensor scaled(const Tensor& x) const { return (x - center) / sqrt(variance); }
};

Tensor two_roasts() { return of({200, 13.9, 200, 17}, {2, 2}); }

// Good roasts, bad ones, and on a grid what the network thinks good.
Chart roast_chart(const Roasts& roasts, const std::function<Tensor(const Tensor&)>& probability) {
  constexpr std::int64_t kAcross = 45, kUp = 23;
  Values grid;
  for (const double degrees : linspace(150, 285, kAcross))
    for (const double minutes : linspace(11.5, 15.5, kUp)) grid.push_back(degrees), grid.push_back(minutes);
  const Tensor at = of(grid, {kAcross * kUp, 2}), p = probability(roasts.scaled(at));
  Series region{.name = "thought good", .kind = "points"}, good{.name = "good", .kind = "points"},
      bad{.name = "bad", .kind = "points"};
  for (std::int64_t i = 0; i < at.size(0); ++i)
    if (p.item({i, 0}) >= 0.5) region.points.emplace_back(at.item({i, 0}), at.item({i, 1}));
  for (std::int64_t i = 0; i < roasts.data.x.size(0); ++i)
    (roasts.data.y.item({i, 0}) == 1 ? good : bad)
        .points.emplace_back(roasts.data.x.item({i, 0}), roasts.data.x.item({i, 1}));
  return {.title = "Roasts", .x = "degrees Celsius", .y = "minutes", .series = {region, good, bad}};
}

void check_data(Outcome& o, const Roasts& roasts) {
  const Tensor first = of(numpy::DefaultRng(2).random(2));
  check_values(o, "NumPy's default_rng(2)", first, {"0.26161213", "0.29849114"});
  o.checks.push_back(printed("good roasts of 200", sum(roasts.data.y).item(), "43"));
  check_values(o, "largest", max(roasts.data.x, 0), {"284.99", "15.45"});
  check_values(o, "smallest", min(roasts.data.x, 0), {"151.32", "11.51"});
  check_values(o, "mean", roasts.center, {"218.66783308", "13.43068489"});
  check_values(o, "variance", roasts.variance, {"1596.93397", "1.2733253"});
  const Tensor scaled = roasts.scaled(roasts.data.x);
  check_values(o, "largest, scaled", max(scaled, 0), {"1.66", "1.79"});
  check_values(o, "smallest, scaled", min(scaled, 0), {"-1.69", "-1.70"});
}

Outcome run_coffee(const DataFolder&) {
  constexpr std::size_t kTimes = 1000;  // the lab repeats its data
  const Roasts roasts;
  const std::vector<Tensor> xs(kTimes, roasts.scaled(roasts.data.x)), ys(kTimes, roasts.data.y);
  Network net = Network::parse(
      R"({"input": [2], "layers": [{"layer": "linear", "out": 3}, "sigmoid", {"layer": "linear", "out": 1}]})");
  convert(net, DType::f64);
  initialise(net, 1);
  Outcome o;
  o.checks.push_back(printed("parameters", static_cast<double>(count_parameters(net).total), "13"));
  check_data(o, roasts);
  Adam opt(net, {.learning_rate = 0.01});
  const Loader loader(concatenate(std::span<const Tensor>(xs)), concatenate(std::span<const Tensor>(ys)),
                      {.batch_size = 32, .shuffle = true, .seed = 1});
  const History history = Trainer({.epochs = 10}).fit(net, opt, loader, [&](const Batch& b) {
    return bce_with_logits(net(b.x), b.y);
  });
  o.checks.push_back(
      level("loss of the first epoch (the course: 0.1782)", history.epochs.front().loss, "<= 0.4"));
  o.checks.push_back(
      level("loss of the last epoch (the course: 0.0020)", history.epochs.back().loss, "<= 0.02"));
  const auto probability = [&](const Tensor& x) {
    const NoGrad no_grad;
    return sigmoid(net(x));
  };
  const Tensor p = probability(roasts.scaled(two_roasts()));
  o.checks.push_back(printed("200 degrees, 13.9 minutes: decided", p.item({0, 0}) >= 0.5 ? 1 : 0, "1"));
  o.checks.push_back(printed("200 degrees, 17 minutes: decided", p.item({1, 0}) >= 0.5 ? 1 : 0, "0"));
  std::vector<double> losses;
  for (const Epoch& e : history.epochs) losses.push_back(e.loss);
  o.charts = {
      roast_chart(roasts, probability),
      {.title = "Loss against epochs", .x = "epoch", .y = "loss", .series = {loss_line("training", losses)}}};
  return o;
}

Outcome run_given(const DataFolder&) {
  const Roasts roasts;
  Sequential net{layer_of(of({-8.94, -0.17, 0.29, -7.34, 12.89, 10.79}, {3, 2}), of({-9.87, -9.28, 1.01})),
                 Sigmoid(), layer_of(of({-31.38, -27.86, -32.79}, {1, 3}), of({15.54})), Sigmoid()};
  Outcome o;
  o.checks.push_back(printed("parameters", static_cast<double>(count_parameters(net).total), "13"));
  const Tensor p = net(roasts.scaled(two_roasts()));
  check_values(o, "200 degrees, 13.9 and 17 minutes: probability", p, {"0.9625113", "3.03160128e-08"});
  const Tensor decided = greater(p, Tensor::full({1}, 0.5, DType::f64)).to(DType::f64);
  check_values(o, "decision", decided, {"1", "0"});
  o.charts.push_back(roast_chart(roasts, [&](const Tensor& x) { return net(x); }));
  return o;
}

}  // namespace

const Recipe kUnits{
    "units",
    "M2W1-L1",
    "One unit: a line, and a sigmoid",
    "A unit is a weighted sum and what is done to it; without anything it draws a line, with a "
    "sigmoid it decides.",
    "",
    run_units};
const Recipe kCoffee{"coffee-roasting",
                     "M2W1-L2",
                     "Coffee roasting: a network is trained",
                     "Three hidden units, each of which finds one way to spoil a roast.",
                     "",
                     run_coffee,
                     "a second",
                     run_coffee};
const Recipe kCoffeeGiven{"coffee-roasting-given-weights",
                          "M2W1-L3",
                          "Coffee roasting: the lab's weights",
                          "The same network with weights that somebody else has found: what a prediction "
                          "computes.",
                          "",
                          run_given};

}  // namespace cairn::recipes
