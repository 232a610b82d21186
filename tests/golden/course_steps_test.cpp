// Single steps of the courses' networks, forward, backward and of the optimisers, from NumPy's seeds: the
// unit tests of D1W4-A1 and D2W2-A1.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/nn/linear.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/momentum.h"
#include "cairn/tensor/backward.h"
#include "recipes/planar.h"

using namespace cairn;
using recipes::randn;

namespace {

bool begins(const Tensor& t, const std::vector<double>& expected) {
  const Tensor flat = t.detach().contiguous();
  const auto values = flat.data<double>();
  if (values.size() < expected.size()) return false;
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(std::abs(values[i] - expected[i]) <= 6e-9 * std::max(1.0, std::abs(expected[i])))) return false;
  return true;
}

struct Cache {  // what a layer of the labs keeps: its input, its parameters, what it gave before the
                // activation
  Tensor a, w, b, z;
  Cache(numpy::RandomState& random, std::int64_t in, std::int64_t out, std::int64_t n)
      : a(watched(randn(random, {in, n}).transpose().contiguous())),
        w(watched(randn(random, {out, in}))),
        b(watched(randn(random, {out}))),
        z(watched(randn(random, {out, n}).transpose().contiguous())) {}
  // Gradients of a, w and b when that of the activation's result is `g`; the labs divide by the examples.
  Gradients back(Tensor (*activation)(const Tensor&), const Tensor& g) const {
    const Tensor dz = backward(activation(z), {.gradient = g}).of(z);
    return backward(linear(a, w, b), {.gradient = dz});
  }
};

Sequential two_layers(const std::vector<Shape>& shapes, std::uint32_t seed, std::vector<Tensor>& gradients,
                      std::uint32_t gradient_seed = 0) {
  Sequential net{Linear({.in = shapes[0][1], .out = shapes[0][0]}),
                 Linear({.in = shapes[1][1], .out = shapes[1][0]})};
  convert(net, DType::f64);
  numpy::RandomState random(seed), other(gradient_seed);
  const auto all = parameters(net);
  for (const NamedParameter& p : all) p.parameter->set(randn(random, p.parameter->shape()));
  for (const NamedParameter& p : all)
    gradients.push_back(randn(gradient_seed ? other : random, p.parameter->shape()));
  return net;
}

// One step along given gradients.
void step(Sequential& net, Optimizer& opt, const std::vector<Tensor>& gradients, double times = 1) {
  Tensor loss;
  const auto all = parameters(net);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Tensor term = sum(all[i].parameter->value() * (gradients[i] * times));
    loss = loss.defined() ? loss + term : term;
  }
  opt.step(backward(loss, net));
}

}  // namespace

TEST_CASE("D1W4-A1: activation backward") {
  for (const bool sigmoidal : {true, false}) {
    numpy::RandomState random(2);
    const Tensor da = randn(random, {1, 2}).transpose().contiguous();
    const Cache c(random, 3, 1, 2);
    const Gradients g = c.back(sigmoidal ? &sigmoid : &relu, da);
    const Tensor da_before = g.of(c.a).transpose(), dw = g.of(c.w) / 2.0, db = g.of(c.b) / 2.0;
    if (sigmoidal) {
      CHECK(begins(da_before, {0.11017994, 0.01105339, 0.09466817, 0.00949723, -0.05743092, -0.00576154}));
      CHECK(begins(dw, {0.10266786, 0.09778551, -0.01968084}));
      CHECK(begins(db, {-0.05729622}));
    } else {
      CHECK(begins(da_before, {0.44090989, 0, 0.37883606, 0, -0.2298228, 0}));
      CHECK(begins(dw, {0.44513824, 0.37371418, -0.10478989}));
      CHECK(begins(db, {-0.20837892}));
    }
  }
}

TEST_CASE("D1W4-A1: backward through two layers, and the step") {
  {
    numpy::RandomState random(3);
    const Tensor p = watched(randn(random, {1, 2}).transpose().contiguous());
    const Tensor y = Tensor::from(std::vector<double>{1, 0}).reshape({2, 1});
    const Cache first(random, 4, 3, 2), second(random, 3, 1, 2);
    // The labs draw "probabilities" of any sign: y / p - (1 - y) / (1 - p) by hand.
    const Tensor dp = ((1.0 - y) / (1.0 - p.detach())) - y / p.detach();
    const Tensor da = second.back(&sigmoid, dp).of(second.a);
    CHECK(
        begins(da.transpose(), {0.12913162, -0.44014127, -0.14175655, 0.48317296, 0.01663708, -0.05670698}));
    const Gradients g = first.back(&relu, da);
    CHECK(begins(g.of(first.w) / 2.0, {0.41010002, 0.07807203, 0.13798444, 0.10502167, 0, 0, 0, 0, 0.05283652,
                                       0.01005865, 0.01777766, 0.0135308}));
    CHECK(begins(g.of(first.b) / 2.0, {-0.22007063, 0, -0.02835349}));
  }
  std::vector<Tensor> gradients;
  Sequential net = two_layers({{3, 4}, {1, 3}}, 2, gradients, 3);
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  step(net, opt, gradients);
  const auto all = parameters(net);
  CHECK(begins(all[0].parameter->value(), {-0.59562069, -0.09991781, -2.14584584, 1.82662008}));
  CHECK(begins(all[1].parameter->value(), {-0.04659241, -1.28888275, 0.53405496}));
  CHECK(begins(all[2].parameter->value(), {-0.55569196, 0.0354055, 1.32964895}));
  CHECK(begins(all[3].parameter->value(), {-0.84610769}));
}

TEST_CASE("D2W2-A1: one step of descent, momentum and Adam") {
  std::vector<Tensor> g;
  const auto fresh = [&] {
    g.clear();
    return two_layers({{2, 3}, {3, 3}}, 1, g);
  };
  {
    Sequential net = fresh();
    SgdOptimizer opt(net, {.learning_rate = 0.01});
    step(net, opt, g);
    const auto all = parameters(net);
    CHECK(begins(all[0].parameter->value(),
                 {1.63535156, -0.62320365, -0.53718766, -1.07799357, 0.85639907, -2.29470142}));
    CHECK(begins(all[1].parameter->value(), {1.74604067, -0.75184921}));
    CHECK(begins(all[2].parameter->value(), {0.32171798, -0.25467393, 1.46902454}));
    CHECK(begins(all[3].parameter->value(), {-0.88020257, 0.02561572, 0.57539477}));
  }
  {
    Sequential net = fresh();
    SgdOptimizer opt(net, {.learning_rate = 0.01, .momentum = 0.9, .average = true});
    step(net, opt, g);
    CHECK(begins(parameters(net)[0].parameter->value(), {1.62544598, -0.61290114, -0.52907334}));
  }
  {  // t = 2 with moments of 0: a step without gradients goes first
    Sequential net = fresh();
    Adam opt(net, {.learning_rate = 0.01});
    step(net, opt, g, 0);
    step(net, opt, g);
    CHECK(begins(parameters(net)[0].parameter->value(),
                 {1.63178673, -0.61919778, -0.53561312, -1.08040999, 0.85796626, -2.29409733}));
    CHECK(parameters(net)[2].parameter->value().item({2, 1}) == doctest::Approx(-1.09244991).epsilon(6e-9));
  }
  Sequential net = fresh();
  Adam opt(net, {.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.888, .epsilon = 1e-2});
  step(net, opt, g, 0);
  step(net, opt, g);
  CHECK(begins(parameters(net)[0].parameter->value(),
               {1.63942428, -0.6268425, -0.54320974, -1.08782943, 0.85036983, -2.2865723}));
  CHECK(begins(parameters(net)[3].parameter->value(), {-0.89228024, 0.02707193, 0.56782561}));
}
