// M2W3-A1b: a network too large, one small enough, and one held back by a penalty.
#include <fmt/format.h>

#include <array>

#include "cairn/nn/network.h"
#include "cairn/ops/loss.h"
#include "cairn/optim/adam.h"
#include "cairn/train/trainer.h"
#include "recipes/course_data.h"
#include "recipes/list.h"
#include "recipes/networks.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {
namespace {

struct Parts {
  Examples train, validation, test;  // 400, 320, 80
};

Parts six_clouds() {
  const Blobs all = blobs(800, {{-1, 0}, {1, 0}, {0, 1}, {0, -1}, {-2, 1}, {-2, -1}}, 0.4, 2);
  const auto outer = numpy::train_test_split(800, 0.50, 1);
  const auto inner = numpy::train_test_split(400, 0.20, 1);
  const auto part = [&](const std::vector<std::int64_t>& rows) {
    const Blobs b = rows_of(all, rows);
    return Examples{b.x.to(DType::f32), b.y};
  };
  std::vector<std::int64_t> validation, test;
  for (const auto r : inner.train) validation.push_back(outer.test[static_cast<std::size_t>(r)]);
  for (const auto r : inner.test) test.push_back(outer.test[static_cast<std::size_t>(r)]);
  return {part(outer.train), part(validation), part(test)};
}

constexpr const char* kComplex =
    R"({"input": [2], "layers": [{"layer": "linear", "out": 120}, "relu", {"layer": "linear", "out": 40}, "relu",
        {"layer": "linear", "out": 6, "name": "out"}]})";
constexpr const char* kSimple =
    R"({"input": [2], "layers": [{"layer": "linear", "out": 6}, "relu", {"layer": "linear", "out": 6, "name": "out"}]})";

struct Errors {
  double train, validation, test;
};

// lambda times the sum of squared weights of the hidden layers joins the loss, so 2 lambda w the gradient.
Errors errors(const char* network, double lambda, const Parts& parts) {
  Network net = Network::parse(network);
  initialise(net, 1);
  Adam opt(
      net, {.learning_rate = 0.01},
      {.l2 = 2 * lambda, .groups = {{.match = "*.bias", .penalty = 0}, {.match = "out.*", .penalty = 0}}});
  const Loader loader(parts.train.x, parts.train.y, {.batch_size = 32, .shuffle = true, .seed = 1});
  Trainer({.epochs = 1000}).fit(net, opt, loader, [&](const Batch& b) {
    return cross_entropy(net(b.x), b.y);
  });
  return {1 - accuracy(net, parts.train), 1 - accuracy(net, parts.validation), 1 - accuracy(net, parts.test)};
}

Outcome run_with(std::span<const double> lambdas) {
  const Parts parts = six_clouds();
  Outcome o;
  Network complex = Network::parse(kComplex), simple = Network::parse(kSimple);
  o.checks = {printed("complex: parameters", static_cast<double>(count_parameters(complex).total), "5446"),
              printed("simple: parameters", static_cast<double>(count_parameters(simple).total), "60")};
  const Errors large = errors(kComplex, 0, parts), small = errors(kSimple, 0, parts),
               held = errors(kComplex, 0.1, parts);
  o.checks.push_back(level("complex: error, training (the course: 0.003)", large.train, "<= 0.04"));
  o.checks.push_back(
      level("complex: error, validation less training (0.119)", large.validation - large.train, ">= 0.05"));
  o.checks.push_back(level("simple: error, training (0.062)", small.train, "about 0.062 +- 0.02"));
  o.checks.push_back(level("simple: error, validation (0.087)", small.validation, "<= 0.09"));
  o.checks.push_back(
      level("complex, penalty 0.1: error, training (0.072)", held.train, "about 0.072 +- 0.02"));
  o.checks.push_back(level("complex, penalty 0.1: error, validation (0.066)", held.validation, "<= 0.09"));
  o.remarks.push_back(
      fmt::format("On the 80 test points: complex {:.4g}, simple {:.4g}, with the penalty {:.4g}.",
                  large.test, small.test, held.test));
  if (lambdas.empty()) return o;
  Series train{.name = "training"}, validation{.name = "validation"};
  for (const double lambda : lambdas) {
    const Errors e = errors(kComplex, lambda, parts);
    train.points.emplace_back(lambda, e.train);
    validation.points.emplace_back(lambda, e.validation);
  }
  o.charts.push_back({.title = "Error against the penalty",
                      .x = "lambda",
                      .y = "share of wrong classes",
                      .series = {train, validation}});
  return o;
}

Outcome run(const DataFolder&) {
  constexpr std::array kLambdas{0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3};
  return run_with(kLambdas);
}
Outcome brief(const DataFolder&) { return run_with({}); }

}  // namespace

const Recipe kNetworkAdvice{
    "network-advice",
    "M2W3-A1b",
    "Advice: a network too large, small enough, or held back",
    "A large network learns the training points by heart; a penalty makes it as good as a "
    "small one on the others, without a choice of size.",
    "",
    run,
    "five seconds",
    brief};

}  // namespace cairn::recipes
