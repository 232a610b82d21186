// The courses' first networks through the product's own layers, tape and optimisers, in f64, digit by digit
// (the rows D1W3-A1, D1W4-A1, D2W1-A1, D2W1-A3, D2W2-A1).
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/nn/activation.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/momentum.h"
#include "cairn/train/loader.h"
#include "recipes/networks.h"
#include "recipes/planar.h"

using namespace cairn;
using namespace cairn::recipes;

namespace {

std::vector<double> numbers(const Tensor& t) {
  const Tensor wide = t.detach().contiguous();
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

void check_numbers(const Tensor& ours, const std::vector<double>& printed, double digits = 5e-9) {
  const auto v = numbers(ours);
  REQUIRE(v.size() >= printed.size());
  for (std::size_t i = 0; i < printed.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(v[i] - printed[i]) <= digits * std::max(1.0, std::abs(printed[i])));
  }
}

// -(y log p + (1 - y) log(1 - p)) of p = sigmoid(z), the mean.
Tensor binary_cost(const Tensor& z, const Tensor& y) { return mean(softplus(z) - y * z); }

// Rectifiers between the layers, a logit at the end.
template <class Between>
Sequential dense(const std::vector<std::int64_t>& sizes) {
  Sequential net;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    net.push_back(Linear({.in = sizes[i - 1], .out = sizes[i]}));
    if (i + 1 < sizes.size()) net.push_back(Between());
  }
  convert(net, DType::f64);
  return net;
}

double accuracy(const Sequential& net, const Planar& data) {
  const NoGrad no_grad;
  const Tensor z = net(data.x);
  double right = 0;
  for (std::int64_t i = 0; i < z.size(0); ++i) right += (z.item({i, 0}) > 0) == (data.y.item({i, 0}) == 1);
  return right / static_cast<double>(z.size(0));
}

// Whole-batch descent; the cost before every `every`-th step.
std::vector<double> descend(Sequential& net, const Planar& data, double rate, int steps, int every) {
  SgdOptimizer opt(net, {.learning_rate = rate});
  std::vector<double> costs;
  for (int i = 0; i < steps; ++i) {
    const Tensor cost = binary_cost(net(data.x), data.y);
    if (i % every == 0) costs.push_back(cost.item());
    opt.step(backward(cost, net));
  }
  return costs;
}

void check_printed(const std::vector<double>& ours, const std::vector<double>& printed, double half_digit) {
  REQUIRE(ours.size() == printed.size());
  for (std::size_t i = 0; i < printed.size(); ++i) {
    CAPTURE(i);
    CHECK(ours[i] == doctest::Approx(printed[i]).epsilon(1e-12).scale(half_digit / 1e-12));
  }
}

}  // namespace

TEST_CASE("D1W3-A1: one hidden layer on the flower") {
  const Planar data = flower();
  Sequential net = dense<Tanh>({2, 4, 1});
  draw(net, 2, [](double) { return 0.01; });
  check_numbers(parameters(net)[0].parameter->value(), {-0.00416758, -0.00056267, -0.02136196, 0.01640271,
                                                        -0.01793436, -0.00841747, 0.00502881, -0.01245288});
  check_numbers(parameters(net)[2].parameter->value(), {-0.01057952, -0.00909008, 0.00551454, 0.02292208});
  const auto costs = descend(net, data, 1.2, 10000, 1000);
  check_printed({costs.begin(), costs.begin() + 8},
                {0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504}, 6e-7);
  // From here on the descent is chaotic: in NumPy itself, weights that differ by 1e-17 at first give 0.219465
  // or 0.219485, by 1e-15 0.219598, where the course prints 0.219477.
  CHECK(std::abs(costs[8] - 0.219477) < 2e-4);
  CHECK(std::abs(costs[9] - 0.218613) < 2e-4);
  CHECK(accuracy(net, data) >= 0.90);
}

TEST_CASE("D1W3-A1: nn_model on three points") {
  numpy::RandomState random(1);
  Planar data;
  data.x = randn(random, {2, 3}).transpose().contiguous();
  const Tensor drawn = randn(random, {1, 3});
  data.y = greater(drawn, Tensor::zeros({1, 3}, DType::f64)).to(DType::f64).reshape({3, 1});
  Sequential net = dense<Tanh>({2, 4, 1});
  draw(net, 2, [](double) { return 0.01; });
  const auto costs = descend(net, data, 1.2, 10000, 10000);
  CHECK(costs[0] == doctest::Approx(0.692739).epsilon(1e-6));
  check_numbers(parameters(net)[0].parameter->value(), {-0.65848169, 1.21866811, -0.76204273, 1.39377573,
                                                        0.5792005, -1.10397703, 0.76773391, -1.41477129});
  check_numbers(parameters(net)[2].parameter->value(), {-2.45566237, -3.27042274, 2.00784958, 3.36773273});
  check_numbers(parameters(net)[3].parameter->value(), {0.20459656});
}

TEST_CASE("D1W3-A1: more hidden units") {
  const Planar data = flower();
  const std::vector<std::pair<std::int64_t, double>> printed{
      {1, 0.675}, {2, 0.6725}, {3, 0.9075}, {4, 0.905}, {5, 0.9125}};
  for (const auto& [hidden, level] : printed) {
    CAPTURE(hidden);
    Sequential net = dense<Tanh>({2, hidden, 1});
    draw(net, 2, [](double) { return 0.01; });
    descend(net, data, 1.2, 5000, 5000);
    CHECK(std::abs(accuracy(net, data) - level) <= 0.005 + 1e-12);
  }
}

TEST_CASE("D1W4-A1: forward and backward, unit by unit") {
  {  // linear_forward, seed 1
    numpy::RandomState random(1);
    const Tensor a = randn(random, {3, 2}).transpose(), w = randn(random, {1, 3}), b = randn(random, {1});
    Linear layer({.in = 3, .out = 1});
    convert(layer, DType::f64);
    layer.weight().set(w);
    layer.bias().set(b);
    check_numbers(layer(a), {3.26295337, -1.23429987});
  }
  {  // linear_activation_forward, seed 2
    numpy::RandomState random(2);
    const Tensor a = randn(random, {3, 2}).transpose(), w = randn(random, {1, 3}), b = randn(random, {1});
    Linear layer({.in = 3, .out = 1});
    convert(layer, DType::f64);
    layer.weight().set(w);
    layer.bias().set(b);
    check_numbers(Sigmoid()(layer(a)), {0.96890023, 0.11013289});
    check_numbers(Relu()(layer(a)), {3.43896131, 0});
  }
  {  // L_model_forward, seed 6
    numpy::RandomState random(6);
    const Tensor x = randn(random, {5, 4}).transpose();
    Sequential net = dense<Relu>({5, 4, 3, 1});
    for (const NamedParameter& p : parameters(net)) p.parameter->set(randn(random, p.parameter->shape()));
    check_numbers(sigmoid(net(x)), {0.03921668, 0.70498921, 0.19734387, 0.04728177});
  }
  // compute_cost of p [.8, .9, .4]
  const Tensor p = Tensor::from(std::vector<double>{0.8, 0.9, 0.4}),
               y = Tensor::from(std::vector<double>{1, 1, 0});
  CHECK(binary_cost(log(p / (1.0 - p)), y).item() == doctest::Approx(0.2797765635793422).epsilon(1e-14));
  {  // linear_backward, seed 1: the gradient dZ flows through the layer; the course divides by the number of
     // examples
    numpy::RandomState random(1);
    const Tensor dz = randn(random, {3, 4}), a = watched(randn(random, {5, 4}).transpose().contiguous()),
                 w = randn(random, {3, 5});
    Linear layer({.in = 5, .out = 3});
    convert(layer, DType::f64);
    layer.weight().set(w);
    const Gradients g = backward(layer(a), layer, {.gradient = dz.transpose().contiguous()});
    check_numbers(
        g.of(layer.weight()) / 4.0,
        {0.07313866, -0.0976715, -0.87585828, 0.73763362, 0.00785716, 0.85508818, 0.37530413, -0.59912655,
         0.71278189, -0.58931808, 0.97913304, -0.24376494, -0.08839671, 0.55151192, -0.10290907});
    check_numbers(g.of(layer.bias()) / 4.0, {-0.14713786, -0.11313155, -0.13209101});
    check_numbers(g.of(a).transpose(), {-1.15171336, 0.06718465, -0.3204696, 2.09812712});
  }
}

TEST_CASE("D2W2-A1: moons by descent, momentum and Adam" * doctest::test_suite("long")) {
  const Planar data = moons(300, 0.2, 3);
  struct Row {
    const char* name;
    std::vector<double> printed;
    double level;
  };
  const std::vector<Row> rows{
      {"descent",
       {0.702405, 0.668101, 0.635288, 0.600491, 0.573367, 0.551977, 0.532370, 0.514007, 0.496472, 0.468014},
       0.7967},
      {"momentum",
       {0.702413, 0.668167, 0.635388, 0.600591, 0.573444, 0.552058, 0.532458, 0.514101, 0.496652, 0.468160},
       0.7967},
      {"adam",
       {0.702166, 0.167845, 0.141316, 0.138788, 0.136066, 0.134240, 0.131127, 0.130216, 0.129623, 0.129118},
       0.94}};
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Sequential net = dense<Relu>({2, 5, 2, 1});
    draw(net, 3, [](double inputs) { return std::sqrt(2 / inputs); });
    std::unique_ptr<Optimizer> opt;
    const std::string name = row.name;
    if (name == "descent")
      opt = std::make_unique<SgdOptimizer>(net, SgdOptimizerParams{.learning_rate = 7e-4});
    if (name == "momentum")
      opt = std::make_unique<SgdOptimizer>(
          net, SgdOptimizerParams{.learning_rate = 7e-4, .momentum = 0.9, .average = true});
    if (name == "adam") opt = std::make_unique<Adam>(net, AdamParams{.learning_rate = 7e-4});
    std::vector<double> costs;
    for (std::uint32_t epoch = 0; epoch < 10000; ++epoch) {
      const Planar now = in_order_of(11 + epoch, data);
      double total = 0;
      for (auto& [bx, by] : Loader(now.x, now.y, {.batch_size = 64})) {
        const Tensor cost = binary_cost(net(bx), by);
        total += cost.item() * static_cast<double>(bx.size(0));
        opt->step(backward(cost, net));
      }
      if (epoch % 1000 == 0) costs.push_back(total / 300);
    }
    check_printed(costs, row.printed, 6e-7);
    CHECK(accuracy(net, data) == doctest::Approx(row.level).epsilon(1e-4));
  }
}

TEST_CASE("D2W1-A1: circles from zeros, large numbers and He's" * doctest::test_suite("long")) {
  const Planar train = circles(300, 0.05, 1), test = circles(100, 0.05, 2);
  const auto run = [&](double (*scale)(double), int steps) {
    Sequential net = dense<Relu>({2, 10, 5, 1});
    draw(net, 3, scale);
    auto costs = descend(net, train, 0.01, steps, 1000);
    return std::tuple{std::move(net), std::move(costs)};
  };
  {
    auto [net, costs] = run([](double) { return 0.0; }, 3001);
    for (const double c : costs) CHECK(c == doctest::Approx(0.6931471805599453).epsilon(1e-15));
  }
  {
    auto [net, costs] = run([](double) { return 10.0; }, 15000);
    // The course's first cost is infinite: it takes the logarithm of a rounded 0. Ours is finite from the
    // logits.
    CHECK(std::isfinite(costs[0]));
    // Weights this large make the descent chaotic: in NumPy itself the second cost is 0.62497 or, with first
    // weights that differ by 1e-15, 0.62308.
    CHECK(std::abs(costs[1] - 0.6242434241539614) < 3e-3);
    CHECK(std::abs(costs[2] - 0.5978811277755388) < 3e-3);
    CHECK(std::abs(costs[14] - 0.3827489017191917) < 3e-3);
    CHECK(std::abs(accuracy(net, train) - 0.83) < 0.02);
    CHECK(std::abs(accuracy(net, test) - 0.86) < 0.02);
  }
  {
    auto [net, costs] = run([](double inputs) { return std::sqrt(2 / inputs); }, 15000);
    const std::vector<double> first{0.8830537463419761, 0.6879825919728063, 0.6751286264523371,
                                    0.6526117768893807, 0.6082958970572938};
    for (std::size_t i = 0; i < first.size(); ++i)
      CHECK(costs[i] == doctest::Approx(first[i]).epsilon(1e-12));
    CHECK(costs[14] == doctest::Approx(0.07357895962677369).epsilon(1e-10));
    CHECK(accuracy(net, train) == doctest::Approx(0.9933333).epsilon(1e-6));
    CHECK(accuracy(net, test) == doctest::Approx(0.96).epsilon(1e-9));
  }
}

TEST_CASE("D2W1-A3: the gradient check finds planted mistakes and none of ours") {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {4, 3}).transpose().contiguous();
  const Tensor y = Tensor::from(std::vector<double>{1, 1, 0}).reshape({3, 1});
  Sequential net = dense<Relu>({4, 5, 3, 1});
  for (const NamedParameter& p : parameters(net)) p.parameter->set(randn(random, p.parameter->shape()));
  const Gradients g = backward(binary_cost(net(x), y), net);
  std::vector<double> ours, planted, measured;
  for (const NamedParameter& p : parameters(net))
    for (const double v : numbers(g.of(p.parameter->value()))) {
      ours.push_back(v);
      planted.push_back(p.name == "2.weight" ? 2 * v
                        : p.name == "0.bias" ? 4 * v
                                             : v);  // the course's two mistakes
    }
  constexpr double kStep = 1e-7;
  for (const NamedParameter& p : parameters(net))
    for (std::int64_t i = 0; i < p.parameter->size(); ++i) {
      double at[2];
      const double before = p.parameter->mutable_data<double>()[static_cast<std::size_t>(i)];
      for (const int side : {0, 1}) {
        p.parameter->mutable_data<double>()[static_cast<std::size_t>(i)] =
            before + (side == 0 ? kStep : -kStep);
        at[side] = binary_cost(net(x), y).item();
      }
      p.parameter->mutable_data<double>()[static_cast<std::size_t>(i)] = before;
      measured.push_back((at[0] - at[1]) / (2 * kStep));
    }
  const auto difference = [&](const std::vector<double>& a) {
    double off = 0, mine = 0, theirs = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      off += (a[i] - measured[i]) * (a[i] - measured[i]);
      mine += a[i] * a[i];
      theirs += measured[i] * measured[i];
    }
    return std::sqrt(off) / (std::sqrt(mine) + std::sqrt(theirs));
  };
  CHECK(difference(ours) < 2e-7);
  CHECK(difference(planted) == doctest::Approx(0.2850931567).epsilon(1e-6));
}
