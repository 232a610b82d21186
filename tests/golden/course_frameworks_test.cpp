// What the courses ask of networks without printing a number: shapes, sizes, symmetry, means that forget, and
// gradients of options together: D1W2-Q, D1W3-Q, D2W2-Q, D4W1-A2a, A2b, Q, X-3. The labs' numbers stand in
// the recipes.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/network.h"
#include "cairn/nn/norm.h"
#include "cairn/nn/sequential.h"
#include "cairn/nn/snapshot.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/ema.h"
#include "cairn/optim/momentum.h"
#include "recipes/networks.h"
#include "recipes/planar.h"
#include "recipes/values.h"

using namespace cairn;
using recipes::layer_of;
using recipes::of;
using recipes::randn;

TEST_CASE("D1W2-Q: broadcasting") {
  const auto zeros = [](const Shape& s) { return Tensor::zeros(s, DType::f64); };
  CHECK((zeros({2, 3}) + zeros({2, 1})).shape() == Shape{2, 3});
  CHECK_THROWS_AS(zeros({4, 3}) * zeros({3, 2}), ShapeError);
  CHECK((zeros({3, 3}) * zeros({3, 1})).shape() == Shape{3, 3});
  CHECK(matmul(zeros({12288, 150}), zeros({150, 45})).shape() == Shape{12288, 45});
  const Tensor a = of({3}), b = of({5}), c = of({7});
  CHECK((a * b + a * c - (b + c)).item() == ((a - 1.0) * (b + c)).item());
}

TEST_CASE("D1W3-Q: shapes, and units that begin alike stay alike") {
  Linear hidden({.in = 2, .out = 4}), out({.in = 4, .out = 1});
  CHECK(hidden.weight().shape() == Shape{4, 2});
  CHECK(hidden.bias().shape() == Shape{4});
  CHECK(out.weight().shape() == Shape{1, 4});
  const recipes::Planar data = recipes::flower();
  Sequential net{layer_of(Tensor::full({4, 2}, 0.1, DType::f64), Tensor::zeros({4}, DType::f64)), Tanh(),
                 layer_of(Tensor::full({1, 4}, 0.1, DType::f64), Tensor::zeros({1}, DType::f64))};
  SgdOptimizer opt(net, {.learning_rate = 1.2});
  for (int i = 0; i < 50; ++i) opt.step(backward(bce_with_logits(net(data.x), data.y), net));
  const Tensor w = parameters(net)[0].parameter->value();
  for (std::int64_t r = 1; r < 4; ++r)
    for (std::int64_t j = 0; j < 2; ++j) CHECK(w.item({r, j}) == w.item({0, j}));
  CHECK(w.item({0, 0}) != 0.1);
}

TEST_CASE("D2W2-Q: an exponential mean and its correction") {
  Linear net = layer_of(of({0}, {1, 1}), of({0}));
  Ema average(net, 0.5);
  net.weight().set(of({10}, {1, 1}));
  average.update(net);
  average.update(net);
  const double v2 = average.network().weight().value().item({0, 0});
  CHECK(v2 == 7.5);
  CHECK(v2 / (1 - 0.5 * 0.5) == 10);
}

TEST_CASE("D4W1-A2a, A2b: the two convolutional networks, their shapes and parameters") {
  Network happy = Network::parse(recipes::kHappyNetwork);
  CHECK(happy.rows()[0].output == Shape{64, 64, 32});
  CHECK(happy.rows()[0].parameters == 4736);
  CHECK(happy.rows()[3].output == Shape{32, 32, 32});
  CHECK(happy.rows()[5].parameters == 32769);
  // Keras counts the running mean and variance of batch normalisation too: 37,633.
  CHECK(count_parameters(happy).total + 2 * 32 == 37633);
  Network signs = Network::parse(recipes::kSignsNetwork);
  CHECK(signs.rows()[0].parameters == 392);
  CHECK(signs.rows()[2].output == Shape{8, 8, 8});
  CHECK(signs.rows()[5].output == Shape{2, 2, 16});
  CHECK(count_parameters(signs).total == 1310);
}

TEST_CASE("D4W1-Q: how many weights layers have") {
  const auto count = [](const char* json) {
    Network net = Network::parse(json);
    return count_parameters(net).total;
  };
  CHECK(count(R"({"input": [300, 300, 3], "layers": ["flatten", {"layer": "linear", "out": 100}]})") ==
        27000100);
  CHECK(count(R"({"input": [300, 300, 3], "layers": [{"layer": "conv2d", "out": 100, "kernel": 5}]})") ==
        7600);
  CHECK(count(R"({"input": [120, 120, 1], "layers": [{"layer": "conv2d", "out": 128, "kernel": 3}]})") ==
        1280);
  CHECK(count(R"({"input": [64, 64, 16], "layers": [{"layer": "conv2d", "out": 1, "kernel": 1}]})") == 17);
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
