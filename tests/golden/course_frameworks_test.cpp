// The courses' labs on networks that need no long training, through the library's own operations and layers:
// D1W2-A1, D1W2-Q, D1W3-Q, M2W1-L1, L3, A1, M2W2-L1, L4, L5, A1, D2W1-A1, A2, D2W2-Q, D2W3-A1, A1b, D4W1-A1,
// A2a, A2b, Q, X-4.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/network.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/ema.h"
#include "cairn/optim/momentum.h"
#include "cairn/tensor/backward.h"
#include "recipes/course_data.h"
#include "recipes/numpy_default_rng.h"
#include "recipes/planar.h"

using namespace cairn;
using recipes::randn;

namespace {

Tensor of(const std::vector<double>& values, const Shape& shape) {
  return Tensor::from(std::span<const double>(values), shape);
}
Tensor of(const std::vector<double>& values) { return Tensor::from(values); }

// As many printed digits as the numbers have.
bool is_near(const Tensor& t, const std::vector<double>& expected, double tolerance = 6e-9) {
  const Tensor flat = t.detach().contiguous();
  const auto values = flat.data<double>();
  if (values.size() != expected.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(std::abs(values[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i]))))
      return false;
  return true;
}

Linear layer_of(const Tensor& weight, const Tensor& bias) {
  Linear layer({.in = weight.size(1), .out = weight.size(0)});
  convert(layer, DType::f64);
  layer.weight().set(weight);
  layer.bias().set(bias);
  return layer;
}

}  // namespace

TEST_CASE("D1W2-A1: NumPy's basics") {
  CHECK(sigmoid(of({3})).item() == doctest::Approx(0.9525741268224334).epsilon(1e-15));
  const Tensor x = watched(of({1, 2, 3}));
  const Tensor s = sigmoid(x);
  CHECK(is_near(s, {0.73105858, 0.88079708, 0.95257413}));
  CHECK(is_near(backward(sum(s)).of(x), {0.19661193, 0.10499359, 0.04517666}));
  const Tensor rows = of({0, 3, 4, 1, 6, 4}, {2, 3});
  CHECK(is_near(rows / norm(rows, 1, true), {0, 0.6, 0.8, 0.13736056, 0.82416338, 0.54944226}));
  CHECK(is_near(softmax(of({9, 2, 5, 0, 0, 7, 5, 0, 0, 0}, {2, 5})),
                {9.80897665e-01, 8.94462891e-04, 1.79657674e-02, 1.21052389e-04, 1.21052389e-04,
                 8.78679856e-01, 1.18916387e-01, 8.01252314e-04, 8.01252314e-04, 8.01252314e-04}));
  const Tensor guess = of({.9, .2, .1, .4, .9}), truth = of({1, 0, 0, 1, 1});
  CHECK(mae(guess, truth, Reduction::sum).item() == doctest::Approx(1.1).epsilon(1e-14));
  CHECK(mse(guess, truth, Reduction::sum).item() == doctest::Approx(0.43).epsilon(1e-14));
  CHECK(Flatten()(Tensor::zeros({1, 3, 3, 2}, DType::f64)).shape() == Shape{1, 18});
}

TEST_CASE("D1W2-Q: broadcasting") {
  const auto zeros = [](const Shape& s) { return Tensor::zeros(s, DType::f64); };
  CHECK((zeros({2, 3}) + zeros({2, 1})).shape() == Shape{2, 3});
  CHECK_THROWS_AS(zeros({4, 3}) * zeros({3, 2}), ShapeError);
  CHECK((zeros({3, 3}) * zeros({3, 1})).shape() == Shape{3, 3});
  CHECK(matmul(zeros({12288, 150}), zeros({150, 45})).shape() == Shape{12288, 45});
  const Tensor a = of({3}), b = of({5}), c = of({7});
  CHECK((a * b + a * c - (b + c)).item() == ((a - 1.0) * (b + c)).item());
}

TEST_CASE("M2W1-L1: one linear and one sigmoid unit") {
  CHECK(layer_of(of({200}, {1, 1}), of({100}))(of({1}, {1, 1})).item({0, 0}) == 300);
  Linear unit = layer_of(of({2}, {1, 1}), of({-4.5}));
  CHECK(Sigmoid()(unit(of({0}, {1, 1}))).item({0, 0}) == doctest::Approx(0.01098694).epsilon(1e-6));
  CHECK(count_parameters(unit).total == 2);
  const Tensor all = sigmoid(unit(of({0, 1, 2, 3, 4, 5}, {6, 1})));
  for (std::int64_t i = 0; i < 6; ++i) CHECK((all.item({i, 0}) > 0.5) == (i >= 3));
}

TEST_CASE("M2W1-L2, L3: coffee roasting, the data and the given weights") {
  CHECK(numpy::DefaultRng(2).random() == doctest::Approx(0.26161213).epsilon(1e-7));
  const recipes::Coffee data = recipes::coffee();
  CHECK(sum(data.y).item() == 43);
  CHECK(is_near(max(data.x, 0), {284.99, 15.45}, 1e-3));
  CHECK(is_near(min(data.x, 0), {151.32, 11.51}, 1e-3));
  const Tensor center = mean(data.x, 0, true), variance = var(data.x, 0, true);
  CHECK(is_near(center, {218.66783308, 13.43068489}));
  CHECK(is_near(variance, {1596.93397, 1.2733253}, 1e-8));
  const Tensor scaled = (data.x - center) / sqrt(variance);
  CHECK(is_near(max(scaled, 0), {1.66, 1.79}, 5e-3));
  CHECK(is_near(min(scaled, 0), {-1.69, -1.70}, 5e-3));
  Sequential net{layer_of(of({-8.94, -0.17, 0.29, -7.34, 12.89, 10.79}, {3, 2}), of({-9.87, -9.28, 1.01})),
                 Sigmoid(), layer_of(of({-31.38, -27.86, -32.79}, {1, 3}), of({15.54})), Sigmoid()};
  CHECK(count_parameters(net).total == 13);
  const Tensor p = net((of({200, 13.9, 200, 17}, {2, 2}) - center) / sqrt(variance));
  CHECK(p.item({0, 0}) == doctest::Approx(0.9625113).epsilon(1e-7));
  CHECK(p.item({1, 0}) == doctest::Approx(3.03160128e-08).epsilon(1e-7));
}

TEST_CASE("M2W1-A1: a dense layer, one example and a matrix of them") {
  const Tensor w = of({1, 2, 1, 2, 1, 2, 1, 2}, {4, 2}), x = of({1, 2, 3, 4}, {1, 4});
  const auto dense = [](const Tensor& in, const Tensor& weight, const Tensor& bias) {
    return linear(in, transpose(weight), bias);
  };
  CHECK(is_near(dense(x, w, of({0, 0})), {10, 20}, 0));
  CHECK(is_near(dense(x, w, of({3, 5})), {13, 25}, 0));
  CHECK(is_near(dense(x, w, of({3, 5})) * 3.0, {39, 75}, 0));
  const Tensor wide = of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, {4, 3}),
               two = of({1, 2, 3, 4, 5, 6, 7, 8}, {2, 4});
  CHECK(is_near(dense(two, wide, of({0, 0, 0})), {70, 80, 90, 158, 184, 210}, 0));
  CHECK(is_near(dense(two, wide, of({3, 5, 6})), {73, 85, 96, 161, 189, 216}, 0));
  CHECK(is_near(dense(two, wide, of({3, 5, 6})) * 3.0, {219, 255, 288, 483, 567, 648}, 0));
  Network digits = Network::parse(R"({"input": [400], "layers": [{"layer": "linear", "out": 25}, "sigmoid",
      {"layer": "linear", "out": 15}, "sigmoid", {"layer": "linear", "out": 1}]})");
  CHECK(count_parameters(digits).total == 10431);
  CHECK(digits.rows()[0].parameters == 10025);
  CHECK(digits.rows()[2].parameters == 390);
}

TEST_CASE("M2W2-L1: rectifiers make any shape of straight pieces") {
  // Down to (1, 0), flat to (2, 0), up to (3, 3): three units, their kinks at 0, 1 and 2.
  const Linear first = layer_of(of({1, 1, 1}, {3, 1}), of({0, -1, -2})),
               last = layer_of(of({-2, 2, 3}, {1, 3}), of({2}));
  const Tensor y = last(relu(first(of({0, 0.5, 1, 1.5, 2, 2.5, 3}, {7, 1}))));
  CHECK(is_near(y, {2, 1, 0, 0, 0, 1.5, 3}, 1e-15));
}

TEST_CASE("M2W2-L4: derivatives by differences and by the tape") {
  struct Row {
    Tensor (*f)(const Tensor& w);
    double at, by_difference, step, exact;
  };
  const std::vector<Row> rows{
      {[](const Tensor& w) { return square(w); }, 3, 6.001000, 1e-3, 6},
      {[](const Tensor& w) { return square(w); }, 3, 6.000000496442226, 1e-9, 6},
      {[](const Tensor& w) { return w * 2.0; }, 2, 2, 1e-3, 2},
      {[](const Tensor& w) { return w * w * w; }, 2, 12.006000999997823, 1e-3, 12},
      {[](const Tensor& w) { return 1.0 / w; }, 2, -0.2498750624687629, 1e-3, -0.25},
      {[](const Tensor& w) { return 1.0 / (w * w); }, 4, -0.031238285155041345, 1e-3, -1.0 / 32}};
  for (const Row& r : rows) {
    const Tensor w = watched(of({r.at}));
    const double step = r.step, here = r.f(w).item(), there = r.f(of({r.at + step})).item();
    CHECK((there - here) / step == doctest::Approx(r.by_difference).epsilon(step < 1e-6 ? 1e-6 : 1e-12));
    CHECK(backward(r.f(w)).of(w).item() == doctest::Approx(r.exact).epsilon(1e-15));
  }
}

TEST_CASE("M2W2-L5: back-propagation through two graphs") {
  {
    const Tensor w = watched(of({3})), a_free = watched(of({11}));
    const Tensor a = 2.0 + w * 3.0, cost = square(a);
    CHECK(a.item() == 11);
    CHECK(cost.item() == 121);
    CHECK(backward(cost).of(w).item() == 66);
    CHECK(backward(square(a_free)).of(a_free).item() == 22);
  }
  const Tensor x = of({2}), y = of({1}), w = watched(of({-2})), b = watched(of({8}));
  const Tensor c = w * x, a = c + b, d = a - y, cost = square(d) / 2.0;
  CHECK(c.item() == -4);
  CHECK(a.item() == 4);
  CHECK(d.item() == 3);
  CHECK(cost.item() == 4.5);
  const Gradients g = backward(cost);
  CHECK(g.of(w).item() == 6);
  CHECK(g.of(b).item() == 3);
}

TEST_CASE("M2W2-A1: softmax, and the size of the digits' network") {
  CHECK(is_near(softmax(of({1, 2, 3, 4})), {0.0320586033, 0.0871443187, 0.2368828181, 0.6439142599}, 1e-10));
  CHECK(is_near(softmax(Tensor::full({10}, std::log(0.1), DType::f64)), std::vector<double>(10, 0.1), 1e-15));
  Network digits = Network::parse(R"({"input": [400], "layers": [{"layer": "linear", "out": 25}, "relu",
      {"layer": "linear", "out": 15}, "relu", {"layer": "linear", "out": 10}]})");
  CHECK(count_parameters(digits).total == 10575);
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

TEST_CASE("D2W1-A1: the three first draws") {
  {
    numpy::RandomState random(3);
    CHECK(is_near(randn(random, {2, 3}, 10),
                  {17.88628473, 4.36509851, 0.96497468, -18.63492703, -2.77388203, -3.54758979}));
  }
  numpy::RandomState random(3);
  CHECK(is_near(
      randn(random, {4, 2}, std::sqrt(2.0 / 2)),
      {1.78862847, 0.43650985, 0.09649747, -1.8634927, -0.2773882, -0.35475898, -0.08274148, -0.62700068}));
  CHECK(is_near(randn(random, {1, 4}, std::sqrt(2.0 / 4)),
                {-0.03098412, -0.33744411, -0.92904268, 0.62552248}));
}

TEST_CASE("D2W1-A2: the penalised cost, and dropout with the course's masks") {
  {
    numpy::RandomState random(1);
    std::vector<Tensor> weights;
    for (const auto& [rows, columns] : {std::pair(2, 3), std::pair(3, 2), std::pair(1, 3)}) {
      weights.push_back(randn(random, {rows, columns}));
      randn(random, {rows, 1});
    }
    Tensor cost = bce(of({0.40682402, 0.01629284, 0.16722898, 0.10118111, 0.40682402}), of({1, 1, 0, 1, 0}));
    for (const Tensor& w : weights) cost = cost + sum(square(w)) * (0.1 / (2 * 5));
    CHECK(cost.item() == doctest::Approx(1.7864859451590758).epsilon(1e-8));
  }
  numpy::RandomState random(1), masks(1);
  const Tensor x = transpose(randn(random, {3, 5}));
  Tensor a = x;
  constexpr double kKeep = 0.7;
  for (const auto& [out, in] : {std::pair(2, 3), std::pair(3, 2), std::pair(1, 3)}) {
    const Tensor w = randn(random, {out, in}), b = randn(random, {out});
    const Tensor z = linear(a, w, b);
    if (out == 1) {
      a = sigmoid(z);
      break;
    }
    const Tensor drawn = Tensor::from(masks.rand(out * 5)).reshape({out, 5});
    const Tensor mask = less(drawn, Tensor::full({out, 5}, kKeep, DType::f64)).to(DType::f64);
    a = relu(z) * transpose(mask) / kKeep;
  }
  CHECK(is_near(a, {0.36974721, 0.00305176, 0.04565099, 0.49683389, 0.36974721}));
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

TEST_CASE("D2W3-A1, A1b: linear function, losses and one-hot of the framework lab") {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {3, 1}), w = randn(random, {4, 3}), b = randn(random, {4, 1});
  CHECK(is_near(matmul(w, x) + b, {-2.15657382, 2.95891446, -1.08926781, -0.84538042}));
  CHECK(sigmoid(of({12})).item() == doctest::Approx(0.999994).epsilon(1e-6));
  CHECK(sigmoid(of({-1})).item() == doctest::Approx(0.2689414).epsilon(1e-7));
  CHECK(is_near(bce_with_logits(of({.2, .4, .7, .9}), of({0, 0, 1, 1}), {.reduction = Reduction::none}),
                {0.79813886, 0.91301525, 0.40318605, 0.34115386}, 1e-7));
  const Tensor hot = one_hot(Tensor::from(std::vector<std::int64_t>{1, 2, 3, 0, 2, 1}), 4, DType::f64);
  CHECK(is_near(transpose(hot), {0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}, 0));
  const Tensor logits = of({2.4048107, -0.7921977, 0.9447198, 1.158121, 4.768706, 6.1481323, 5.0334096,
                            -4.1523376, -0.46802214, 3.9810789, 2.3220146, 3.909829},
                           {2, 6});
  const Tensor classes = Tensor::from(std::vector<std::int64_t>{5, 0});
  CHECK(
      is_near(cross_entropy(logits, classes, {.reduction = Reduction::none}), {0.25361037, 0.5566767}, 1e-7));
  CHECK(cross_entropy(logits, classes).item() == doctest::Approx(0.4051435).epsilon(1e-7));
}

TEST_CASE("D4W1-A1: padding with zeros") {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {4, 3, 3, 2});
  const Tensor padded = pad(pad(x, 1, 3, 3), 2, 3, 3);
  CHECK(padded.shape() == Shape{4, 9, 9, 2});
  CHECK(is_near(x.slice(0, 1, 2).slice(1, 1, 2).slice(2, 0, 1), {0.90085595, -0.68372786}));
  CHECK(sum(padded).item() == doctest::Approx(sum(x).item()).epsilon(1e-13));
  CHECK(is_near(padded.slice(0, 1, 2).slice(1, 1, 2).slice(2, 0, 1), {0, 0}, 0));
}

TEST_CASE("D4W1-A2a, A2b: the two convolutional networks, their shapes and parameters") {
  Network happy = Network::parse(R"({"input": [64, 64, 3], "layers": [
      {"layer": "conv2d", "out": 32, "kernel": 7, "padding": "3"}, "batch_norm", "relu",
      {"layer": "max_pool2d", "window": 2}, "flatten", {"layer": "linear", "out": 1}]})");
  CHECK(happy.rows()[0].output == Shape{64, 64, 32});
  CHECK(happy.rows()[0].parameters == 4736);
  CHECK(happy.rows()[3].output == Shape{32, 32, 32});
  CHECK(happy.rows()[5].parameters == 32769);
  // Keras counts the running mean and variance of batch normalisation too: 37,633.
  CHECK(count_parameters(happy).total + 2 * 32 == 37633);
  Network signs = Network::parse(R"({"input": [64, 64, 3], "layers": [
      {"layer": "conv2d", "out": 8, "kernel": 4, "padding": "same"}, "relu",
      {"layer": "max_pool2d", "window": 8, "padding": "same"},
      {"layer": "conv2d", "out": 16, "kernel": 2, "padding": "same"}, "relu",
      {"layer": "max_pool2d", "window": 4, "padding": "same"}, "flatten", {"layer": "linear", "out": 6}]})");
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

TEST_CASE("X-4: the whole softmax Jacobian gives a - y under cross-entropy") {
  numpy::RandomState random(4);
  const Tensor z = randn(random, {5, 7}, 2);
  const Tensor labels = Tensor::from(std::vector<std::int64_t>{0, 3, 6, 2, 2});
  const Tensor a = softmax(z), y = one_hot(labels, 7, DType::f64);
  const Tensor jacobian = softmax_jacobian(a);
  CHECK(jacobian.shape() == Shape{5, 7, 7});
  for (std::int64_t i = 0; i < 7; ++i)
    for (std::int64_t j = 0; j < 7; ++j)
      CHECK(jacobian.item({1, i, j}) ==
            doctest::Approx(a.item({1, i}) * ((i == j) - a.item({1, j}))).epsilon(1e-15).scale(1));
  // dA of -sum y log a is -y / a; dZ = J dA.
  const Tensor da = (y / a * -1.0).reshape({5, 7, 1});
  const Tensor dz = matmul(jacobian, da).reshape({5, 7});
  CHECK(max(abs(dz - (a - y))).item() < 1e-12);
  const Tensor leaf = watched(z);
  const Tensor by_tape = backward(cross_entropy(leaf, labels, {.reduction = Reduction::sum})).of(leaf);
  CHECK(max(abs(dz - by_tape)).item() < 1e-12);
}
