// D1W4-A1: a deep network step by step. The lab's arrays have an example a column; ours a row, so its inputs
// and their gradients are turned.
#include "cairn/nn/sequential.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/momentum.h"
#include "cairn/tensor/backward.h"
#include "recipes/list.h"
#include "recipes/networks.h"
#include "recipes/planar.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

// What the lab keeps of a layer: its input, its parameters, what it gave before the activation.
struct Cache {
  Tensor a, w, b, z;
  Cache(numpy::RandomState& random, std::int64_t in, std::int64_t out, std::int64_t n)
      : a(watched(randn(random, {in, n}).transpose().contiguous())),
        w(watched(randn(random, {out, in}))),
        b(watched(randn(random, {out}))),
        z(watched(randn(random, {out, n}).transpose().contiguous())) {}
  // Gradients of a, w and b when that of the activation's result is `g`; the lab divides by the examples.
  Gradients back(Tensor (*activation)(const Tensor&), const Tensor& g) const {
    const Tensor dz = backward(activation(z), {.gradient = g}).of(z);
    return backward(linear(a, w, b), {.gradient = dz});
  }
};

void check_starts(Outcome& o) {
  Network two = dense_network({3, 2, 1}), deep = dense_network({5, 4, 3});
  draw(two, 1, hundredth);
  draw(deep, 3, hundredth);
  check_values(o, "start of two layers: W1", parameters(two)[0].parameter->value(),
               {"0.01624345", "-0.00611756", "-0.00528172", "-0.01072969", "0.00865408", "-0.02301539"});
  check_values(o, "start of two layers: W2", parameters(two)[2].parameter->value(),
               {"0.01744812", "-0.00761207"});
  check_values(o, "start of a deep one: W1", parameters(deep)[0].parameter->value(),
               {"0.01788628", "0.0043651", "0.00096497", "-0.01863493", "-0.00277388"});
  check_values(o, "start of a deep one: W2", parameters(deep)[2].parameter->value(),
               {"-0.01185047", "-0.0020565", "0.01486148", "0.00236716"});
}

void check_forward(Outcome& o) {
  {
    numpy::RandomState random(1);
    const Tensor a = randn(random, {3, 2}).transpose(), w = randn(random, {1, 3}), b = randn(random, {1});
    check_values(o, "linear forward", linear(a, w, b), {"3.26295337", "-1.23429987"});
  }
  {
    numpy::RandomState random(2);
    const Tensor a = randn(random, {3, 2}).transpose(), w = randn(random, {1, 3}), b = randn(random, {1});
    check_values(o, "linear and sigmoid", linear(a, w, b, LinearActivation::sigmoid),
                 {"0.96890023", "0.11013289"});
    check_values(o, "linear and rectifier", linear(a, w, b, LinearActivation::relu),
                 {"3.43896131", "0.00000000"});
  }
  numpy::RandomState random(6);
  const Tensor x = randn(random, {5, 4}).transpose();
  Network net = dense_network({5, 4, 3, 1});
  for (const NamedParameter& p : parameters(net)) p.parameter->set(randn(random, p.parameter->shape()));
  check_values(o, "forward through three layers", sigmoid(net(x)),
               {"0.03921668", "0.70498921", "0.19734387", "0.04728177"});
  o.checks.push_back(printed("cost", bce(of({.8, .9, .4}), of({1, 1, 0})).item(), "0.2797765635793422"));
}

void check_linear_backward(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor dz = randn(random, {3, 4}), a = watched(randn(random, {5, 4}).transpose().contiguous()),
               w = watched(randn(random, {3, 5})), b = watched(randn(random, {3}));
  const Gradients g = backward(linear(a, w, b), {.gradient = dz.transpose().contiguous()});
  check_values(o, "linear backward: dA_prev", g.of(a).transpose(),
               {"-1.15171336", "0.06718465", "-0.3204696", "2.09812712"});
  check_values(o, "linear backward: dW", g.of(w) / 4.0,
               {"0.07313866", "-0.0976715", "-0.87585828", "0.73763362", "0.00785716", "0.85508818",
                "0.37530413", "-0.59912655", "0.71278189", "-0.58931808", "0.97913304", "-0.24376494",
                "-0.08839671", "0.55151192", "-0.10290907"});
  check_values(o, "linear backward: db", g.of(b) / 4.0, {"-0.14713786", "-0.11313155", "-0.13209101"});
}

void check_activation_backward(Outcome& o, const std::string& name, Tensor (*activation)(const Tensor&),
                               const std::vector<const char*>& da, const std::vector<const char*>& dw,
                               const char* db) {
  numpy::RandomState random(2);
  const Tensor given = randn(random, {1, 2}).transpose().contiguous();
  const Cache layer(random, 3, 1, 2);
  const Gradients g = layer.back(activation, given);
  check_values(o, name + " backward: dA_prev", g.of(layer.a).transpose(), da);
  check_values(o, name + " backward: dW", g.of(layer.w) / 2.0, dw);
  check_values(o, name + " backward: db", g.of(layer.b) / 2.0, {db});
}

void check_model_backward(Outcome& o) {
  numpy::RandomState random(3);
  const Tensor p = randn(random, {1, 2}).transpose().contiguous();
  const Tensor y = of({1, 0}, {2, 1});
  const Cache first(random, 4, 3, 2), second(random, 3, 1, 2);
  // The lab draws "probabilities" of any sign, so the cost's derivative is written out: (1 - y) / (1 - p) - y
  // / p.
  const Tensor dp = (1.0 - y) / (1.0 - p) - y / p;
  const Tensor da = second.back(&sigmoid, dp).of(second.a);
  const Gradients g = first.back(&relu, da);
  check_values(o, "two layers backward: dA1", da.transpose(),
               {"0.12913162", "-0.44014127", "-0.14175655", "0.48317296", "0.01663708", "-0.05670698"});
  check_values(o, "two layers backward: dW1", g.of(first.w) / 2.0,
               {"0.41010002", "0.07807203", "0.13798444", "0.10502167", "0.00000000", "0.00000000",
                "0.00000000", "0.00000000", "0.05283652", "0.01005865", "0.01777766", "0.0135308"});
  check_values(o, "two layers backward: db1", g.of(first.b) / 2.0,
               {"-0.22007063", "0.00000000", "-0.02835349"});
}

void check_step(Outcome& o) {
  Sequential net{Linear({.in = 4, .out = 3}), Linear({.in = 3, .out = 1})};
  convert(net, DType::f64);
  numpy::RandomState weights(2), slopes(3);
  std::vector<Tensor> along;
  for (const NamedParameter& p : parameters(net)) {
    p.parameter->set(randn(weights, p.parameter->shape()));
    along.push_back(randn(slopes, p.parameter->shape()));
  }
  SgdOptimizer opt(net, {.learning_rate = 0.1});
  step_along(net, opt, along);
  const auto all = parameters(net);
  check_values(o, "step: W1", all[0].parameter->value(),
               {"-0.59562069", "-0.09991781", "-2.14584584", "1.82662008"});
  check_values(o, "step: b1", all[1].parameter->value(), {"-0.04659241", "-1.28888275", "0.53405496"});
  check_values(o, "step: W2", all[2].parameter->value(), {"-0.55569196", "0.0354055", "1.32964895"});
  check_values(o, "step: b2", all[3].parameter->value(), {"-0.84610769"});
}

Outcome run(const DataFolder&) {
  Outcome o;
  check_starts(o);
  check_forward(o);
  check_linear_backward(o);
  check_activation_backward(
      o, "sigmoid", &sigmoid,
      {"0.11017994", "0.01105339", "0.09466817", "0.00949723", "-0.05743092", "-0.00576154"},
      {"0.10266786", "0.09778551", "-0.01968084"}, "-0.05729622");
  check_activation_backward(
      o, "rectifier", &relu,
      {"0.44090989", "0.00000000", "0.37883606", "0.00000000", "-0.2298228", "0.00000000"},
      {"0.44513824", "0.37371418", "-0.10478989"}, "-0.20837892");
  check_model_backward(o);
  check_step(o);
  return o;
}

}  // namespace

const Recipe kDeepNetwork{
    "deep-network-steps",
    "D1W4-A1",
    "A deep network, step by step",
    "Start, forward, cost, backward and step of any number of layers, on the lab's drawn "
    "arrays.",
    "",
    run};

}  // namespace cairn::recipes
