// D2W1-A3: gradients against differences; the story is a network that looks for fraud.
#include <algorithm>
#include <cmath>
#include <functional>

#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "recipes/list.h"
#include "recipes/networks.h"
#include "recipes/planar.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

constexpr double kStep = 1e-7;

double length(const std::vector<double>& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}

// |a - b| / (|a| + |b|)
double difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> apart;
  for (std::size_t i = 0; i < a.size(); ++i) apart.push_back(a[i] - b[i]);
  return length(apart) / (length(a) + length(b));
}

void check_line(Outcome& o) {
  const Tensor x = of({2}), theta = watched(of({4}));
  const auto cost = [&](double at) { return (of({at}) * x).item(); };
  const double slope = backward(theta * x).of(theta).item();
  const double measured = (cost(4 + kStep) - cost(4 - kStep)) / (2 * kStep);
  o.checks.push_back(printed("J = theta x: J at 4, x 2", cost(4), "8"));
  o.checks.push_back(printed("J = theta x: dtheta", slope, "2"));
  o.checks.push_back(
      printed("J = theta x: difference", difference({slope}, {measured}), "2.919335883291695e-10"));
}

struct Lab {
  Network net = dense_network({4, 5, 3, 1});
  Tensor x, y = of({1, 1, 0}, {3, 1});
  Lab() {
    numpy::RandomState random(1);
    x = randn(random, {4, 3}).transpose().contiguous();
    for (const NamedParameter& p : parameters(net)) p.parameter->set(randn(random, p.parameter->shape()));
  }
  // As the lab writes it: logarithms of the rounded probability, which cost digits.
  double rounded_cost() const {
    const NoGrad no_grad;
    const Tensor p = sigmoid(net(x));
    return sum(log(p) * negative(y) + log(1.0 - p) * negative(1.0 - y)).item() * (1.0 / 3);
  }
  double exact_cost() const {
    const NoGrad no_grad;
    return bce_with_logits(net(x), y).item();
  }
};

// The slope of the cost by every number of every parameter, by central differences.
std::vector<double> measured(Lab& lab, const std::function<double()>& cost) {
  std::vector<double> all;
  for (const NamedParameter& p : parameters(lab.net))
    for (std::size_t i = 0; i < static_cast<std::size_t>(p.parameter->size()); ++i) {
      const double before = p.parameter->mutable_data<double>()[i];
      p.parameter->mutable_data<double>()[i] = before + kStep;
      const double up = cost();
      p.parameter->mutable_data<double>()[i] = before - kStep;
      const double down = cost();
      p.parameter->mutable_data<double>()[i] = before;
      all.push_back((up - down) / (2 * kStep));
    }
  return all;
}

Outcome run(const DataFolder&) {
  Outcome o;
  check_line(o);
  Lab lab;
  const Gradients g = backward(bce_with_logits(lab.net(lab.x), lab.y), lab.net);
  std::vector<double> ours, planted;
  for (const NamedParameter& p : parameters(lab.net)) {
    const Tensor gradient = g.of(p.parameter->value()).contiguous();
    // The lab's two mistakes: dW2 twice, db1 four times.
    const double times = p.name == "linear2.weight" ? 2 : p.name == "linear1.bias" ? 4 : 1;
    for (const double v : gradient.data<double>()) ours.push_back(v), planted.push_back(times * v);
  }
  const std::vector<double> rounded = measured(lab, [&] { return lab.rounded_cost(); });
  const std::vector<double> exact = measured(lab, [&] { return lab.exact_cost(); });
  o.checks.push_back(
      printed("network: difference with two planted mistakes", difference(planted, rounded), "0.28509316"));
  o.checks.push_back(printed("network: difference, the lab's cost", difference(ours, rounded), "1.189e-07"));
  o.checks.push_back(level("network: difference, the cost from logits", difference(ours, exact), "<= 1e-8"));
  o.remarks = {
      "The lab's 1e-7 is no error of a gradient: its cost takes the logarithm of 1 - 0.998..., which rounds. "
      "From "
      "logits a hundredth of it is left."};
  return o;
}

}  // namespace

const Recipe kGradientCheck{
    "gradient-check",
    "D2W1-A3",
    "Gradient checking: is the derivative right?",
    "Move each number a little and see what the cost does: two planted mistakes cannot "
    "hide.",
    "",
    run};

}  // namespace cairn::recipes
