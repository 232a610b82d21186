// Trainings of the courses through the library's own layers, losses, schedules and optimisers, in f64: the
// rows M2W1-L2, M2W2-L2, L3, D2W2-A1b, X-1, X-2, X-3. Where the labs print numbers from NumPy's
// seeds, these numbers; where they come from another framework's seeds, the level that was reached.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/nn/activation.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/network.h"
#include "cairn/nn/norm.h"
#include "cairn/nn/sequential.h"
#include "cairn/nn/snapshot.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/momentum.h"
#include "cairn/optim/schedule.h"
#include "cairn/train/trainer.h"
#include "recipes/course_data.h"
#include "recipes/planar.h"

using namespace cairn;
using namespace cairn::recipes;

namespace {

Network parsed(const char* json) {
  Network net = Network::parse(json);
  convert(net, DType::f64);
  initialise(net, 1);
  return net;
}

double error_of(const Network& net, const Blobs& data) {
  const NoGrad no_grad;
  const Tensor decided = argmax(net(data.x), 1);
  double wrong = 0;
  for (std::int64_t i = 0; i < data.y.size(); ++i) wrong += decided.item({i}) != data.y.item({i});
  return wrong / static_cast<double>(data.y.size());
}

History fit(Network& net, Optimizer& opt, const Tensor& x, const Tensor& y, std::int64_t epochs) {
  const Loader loader(x, y, {.batch_size = 32, .shuffle = true, .seed = 1});
  return Trainer({.epochs = epochs}).fit(net, opt, loader, [&](const Batch& b) {
    return y.dtype() == DType::i64 ? cross_entropy(net(b.x), b.y) : bce_with_logits(net(b.x), b.y);
  });
}

// The courses' draw: layer after layer from one stream, biases 0.
void draw(ModuleRef net, std::uint32_t seed, double (*scale)(double inputs)) {
  numpy::RandomState random(seed);
  for (const NamedParameter& p : parameters(net))
    p.parameter->set(p.name.ends_with("weight") ? randn(random, p.parameter->shape(),
                                                        scale(static_cast<double>(p.parameter->shape()[1])))
                                                : Tensor::zeros(p.parameter->shape(), DType::f64));
}

double accuracy(const Tensor& logits, const Tensor& y) {
  double right = 0;
  for (std::int64_t i = 0; i < y.size(0); ++i) right += (logits.item({i, 0}) > 0) == (y.item({i, 0}) == 1);
  return right / static_cast<double>(y.size(0));
}

struct MoonBatches {
  Planar data = moons(300, 0.2, 3);
  double epoch(Sequential& net, Optimizer& opt, std::uint32_t number) const {
    const Planar now = in_order_of(11 + number, data);
    double total = 0;
    for (auto& [bx, by] : Loader(now.x, now.y, {.batch_size = 64})) {
      const Tensor z = net(bx);
      const Tensor cost = mean(softplus(z) - by * z);
      total += cost.item() * static_cast<double>(bx.size(0));
      opt.step(backward(cost, net));
    }
    return total / 300;
  }
};

}  // namespace

TEST_CASE("M2W1-L2: coffee roasting, trained" * doctest::test_suite("long")) {
  const Coffee data = coffee();
  const Tensor center = mean(data.x, 0, true), scale = sqrt(var(data.x, 0, true));
  const Tensor x = (data.x - center) / scale;
  std::vector<Tensor> xs(1000, x), ys(1000, data.y);  // the lab repeats the data a thousand times
  Network net = parsed(
      R"({"input": [2], "layers": [{"layer": "linear", "out": 3}, "sigmoid", {"layer": "linear", "out": 1}]})");
  Adam opt(net, {.learning_rate = 0.01});
  const History h =
      fit(net, opt, concatenate(std::span<const Tensor>(xs)), concatenate(std::span<const Tensor>(ys)), 10);
  CHECK(h.epochs.front().loss < 0.4);
  CHECK(h.epochs.back().loss < 0.02);  // the lab: 0.1782 in the first epoch, 0.0020 in the last
  const Tensor two = Tensor::from(std::vector<double>{200, 13.9, 200, 17}).reshape({2, 2});
  const Tensor p = sigmoid(net((two - center) / scale));
  CHECK(p.item({0, 0}) > 0.5);
  CHECK(p.item({1, 0}) < 0.5);
}

TEST_CASE("M2W2-L2, L3: four clouds, from logits") {
  const std::vector<std::pair<double, double>> centers{{-5, 2}, {-2, -2}, {1, 2}, {5, -2}};
  {
    const Blobs data = blobs(2000, centers, 1, 30);
    Network net =
        parsed(R"({"input": [2], "layers": [{"layer": "linear", "out": 25, "init": "he_uniform"}, "relu",
        {"layer": "linear", "out": 15, "init": "he_uniform"}, "relu", {"layer": "linear", "out": 4}]})");
    Adam opt(net, {.learning_rate = 0.001});
    const History h = fit(net, opt, data.x, data.y, 10);
    CHECK(h.epochs.back().loss < 0.5 * h.epochs.front().loss);
    CHECK(h.epochs.back().loss < 0.1);
    const Tensor p = softmax(net(data.x));
    CHECK(max(abs(sum(p, 1) - 1.0)).item() < 1e-12);
    CHECK(max(p).item() > 0.999);
    CHECK(error_of(net, data) < 0.03);
  }
  const Blobs data = blobs(100, centers, 1, 30);
  const std::vector<std::int64_t> begins{3, 3, 3, 0, 3, 3, 3, 3, 2, 0};
  for (std::size_t i = 0; i < begins.size(); ++i)
    CHECK(data.y.item({static_cast<std::int64_t>(i)}) == begins[i]);
  double best = 1;  // two rectifiers: a start may leave one dead
  for (const std::uint64_t seed : {1, 2, 3}) {
    Network net = parsed(
        R"({"input": [2], "layers": [{"layer": "linear", "out": 2}, "relu", {"layer": "linear", "out": 4}]})");
    initialise(net, seed);
    Adam opt(net, {.learning_rate = 0.01});
    best = std::min(best, fit(net, opt, data.x, data.y, 200).epochs.back().loss);
  }
  CHECK(best < 0.1);  // the lab: 0.0300
}

TEST_CASE("D2W2-A1b: learning-rate decay on the moons" * doctest::test_suite("long")) {
  CHECK(0.5 * Schedule({.kind = "inverse_time", .decay = 1}).factor(2) ==
        doctest::Approx(0.16666666666666666).epsilon(1e-15));
  const Schedule interval({.kind = "inverse_time", .every = 100, .decay = 0.3});
  CHECK(0.5 * interval.factor(100) == doctest::Approx(0.3846153846153846).epsilon(1e-15));
  CHECK(0.5 * interval.factor(10) == 0.5);
  struct Row {
    const char* name;
    std::int64_t every;
    std::vector<double> printed;
    double level;
  };
  const std::vector<Row> rows{{"descent", 1, {0.701091, 0.661884, 0.658620, 0.656765, 0.655486}, 0.6533},
                              {"descent", 1000, {0.701091, 0.127161, 0.120304, 0.117033, 0.117512}, 0.9433},
                              {"momentum", 1000, {0.702226, 0.128974, 0.125965, 0.123375, 0.123218}, 0.9533},
                              {"adam", 1000, {0.699346, 0.130074}, 0.94}};
  const MoonBatches batches;
  for (const Row& row : rows) {
    CAPTURE(std::string(row.name));
    CAPTURE(row.every);
    Sequential net{Linear({.in = 2, .out = 5}), Relu(), Linear({.in = 5, .out = 2}), Relu(),
                   Linear({.in = 2, .out = 1})};
    convert(net, DType::f64);
    draw(net, 3, [](double inputs) { return std::sqrt(2 / inputs); });
    const std::string name = row.name;
    const double rate = name == "adam" ? 0.01 : 0.1;
    std::unique_ptr<Optimizer> opt;
    if (name == "adam")
      opt = std::make_unique<Adam>(net, AdamParams{.learning_rate = rate});
    else if (name == "momentum")
      opt = std::make_unique<SgdOptimizer>(
          net, SgdOptimizerParams{.learning_rate = rate, .momentum = 0.9, .average = true});
    else
      opt = std::make_unique<SgdOptimizer>(net, SgdOptimizerParams{.learning_rate = rate});
    const Schedule schedule({.kind = "inverse_time", .every = row.every, .decay = 1});
    std::vector<double> costs;
    for (std::uint32_t epoch = 0; epoch < 5000; ++epoch) {
      const double cost = batches.epoch(net, *opt, epoch);
      if (epoch % 1000 == 0) costs.push_back(cost);
      opt->set_learning_rate(rate * schedule.factor(epoch));  // the lab decays after the epoch
    }
    for (std::size_t i = 0; i < row.printed.size(); ++i) {
      CAPTURE(i);
      CHECK(std::abs(costs[i] - row.printed[i]) < 6e-7);
    }
    const NoGrad no_grad;
    CHECK(accuracy(net(batches.data.x), batches.data.y) == doctest::Approx(row.level).epsilon(1e-4));
  }
}

TEST_CASE("X-1: the sequential and the functional way train to the same weights") {
  const Planar data = flower();
  Sequential in_code{Linear({.in = 2, .out = 1})};
  Network sequential = parsed(R"({"input": [2], "layers": [{"layer": "linear", "out": 1}]})");
  Network functional = parsed(R"({"input": [2], "output": "logit",
      "layers": [{"layer": "linear", "out": 1, "name": "logit", "from": "input"}]})");
  convert(in_code, DType::f64);
  std::vector<std::vector<double>> reached;
  const auto train = [&](auto& net) {
    draw(net, 2, [](double) { return 0.01; });
    SgdOptimizer opt(net, {.learning_rate = 0.5});
    for (int i = 0; i < 200; ++i) opt.step(backward(bce_with_logits(net(data.x), data.y), net));
    reached.emplace_back();
    for (const NamedParameter& p : parameters(net))
      for (const double v : p.parameter->value().template data<double>()) reached.back().push_back(v);
    const NoGrad no_grad;
    CHECK(std::abs(accuracy(net(data.x), data.y) - 0.47) <
          0.02);  // the course's logistic baseline on the flower
  };
  train(in_code);
  train(sequential);
  train(functional);
  CHECK(reached[0] == reached[1]);
  CHECK(reached[0] == reached[2]);
}

TEST_CASE("X-2: the flower's network declared in JSON reaches D1W3-A1's numbers") {
  const Planar data = flower();
  Network net = parsed(
      R"({"input": [2], "layers": [{"layer": "linear", "out": 4}, "tanh", {"layer": "linear", "out": 1}]})");
  draw(net, 2, [](double) { return 0.01; });
  SgdOptimizer opt(net, {.learning_rate = 1.2});
  const double printed[] = {0.693048, 0.288083, 0.254385, 0.233864};
  for (int i = 0; i <= 3000; ++i) {
    const Tensor cost = bce_with_logits(net(data.x), data.y);
    if (i % 1000 == 0) CHECK(std::abs(cost.item() - printed[i / 1000]) < 6e-7);
    opt.step(backward(cost, net));
  }
}

TEST_CASE("X-3: penalty and dropout together, batch normalisation: gradients") {
  numpy::RandomState random(5);
  const Tensor x = randn(random, {12, 3}),
               y = greater(randn(random, {12, 1}), Tensor::zeros({12, 1}, DType::f64)).to(DType::f64);
  const auto check = [&](Sequential net, double penalty) {
    convert(net, DType::f64);
    initialise(net, 4);
    const Snapshot start(net);  // with the counters from which masks follow
    const auto cost = [&] {
      Tensor total = bce_with_logits(net(x), y);
      for (const NamedParameter& p : parameters(net))
        if (p.name.ends_with("weight")) total = total + sum(square(p.parameter->value())) * (penalty / 24);
      return total;
    };
    const Gradients g = backward(cost(), net);
    std::vector<double> ours, measured;
    const auto all = parameters(net);
    for (const NamedParameter& p : all)
      for (const double v : g.of(p.parameter->value()).contiguous().data<double>()) ours.push_back(v);
    constexpr double kStep = 1e-6;
    for (const NamedParameter& p : all)
      for (std::int64_t i = 0; i < p.parameter->size(); ++i) {
        double at[2];
        for (const int side : {0, 1}) {
          start.put_back(net);
          p.parameter->mutable_data<double>()[static_cast<std::size_t>(i)] += side == 0 ? kStep : -kStep;
          at[side] = cost().item();
        }
        measured.push_back((at[0] - at[1]) / (2 * kStep));
      }
    double off = 0, size = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      off += std::pow(ours[i] - measured[i], 2);
      size += std::pow(ours[i], 2) + std::pow(measured[i], 2);
    }
    CHECK(std::sqrt(off / size) < 1e-7);
  };
  check({Linear({.in = 3, .out = 6}), Tanh(), Dropout({.rate = 0.4}), Linear({.in = 6, .out = 1})}, 0.7);
  check({Linear({.in = 3, .out = 5, .bias = false}), BatchNorm({.channels = 5}), Tanh(),
         Linear({.in = 5, .out = 1})},
        0);
}
