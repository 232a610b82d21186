// Gradients: which parameters they reach, and whether they are right.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cairn/base/random.h"
#include "cairn/check/examination_internal.h"
#include "cairn/tensor/backward.h"

namespace cairn {
namespace {

constexpr std::int64_t kBatch = 8;     // examples of a gradient check
constexpr std::int64_t kNumbers = 12;  // of each tensor
constexpr double kStep = 1e-6, kWrong = 1e-4, kKink = 1e-3;

double length_of(const std::vector<double>& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}

// Rows of a weight that are all alike, and whose gradients are too.
bool rows_alike(const std::vector<double>& v, std::size_t rows, double tolerance) {
  const std::size_t width = v.size() / rows;
  for (std::size_t r = 1; r < rows; ++r)
    for (std::size_t j = 0; j < width; ++j)
      if (std::abs(v[r * width + j] - v[j]) > tolerance) return false;
  return true;
}

void look_at_reach(Examination& e) {
  e.restart(true);
  const Tensor loss = e.loss(e.forward(e.sample_x), e.sample_y);
  const Gradients g = backward(loss);
  const auto all = parameters(e.net);
  std::size_t reached = 0;
  double total = 0;
  std::vector<double> lengths(all.size(), -1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Parameter& p = *all[i].parameter;
    if (p.frozen()) continue;
    const Tensor& gradient = g.of(p.value());
    if (!gradient.defined()) continue;
    ++reached;
    lengths[i] = length_of(as_numbers(gradient));
    total += lengths[i] * lengths[i];
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Parameter& p = *all[i].parameter;
    if (p.frozen())
      e.find("parameter_frozen", all[i].name, fmt::format("its {} numbers are frozen", p.size()),
             "If it is meant so, accept it; else freeze(net, name, false).");
    else if (lengths[i] < 0)
      e.find("parameter_unreached", all[i].name, fmt::format("no gradient reaches its {} numbers", p.size()),
             "The forward pass does not use it, or something between it and the loss has no gradient.");
    else if (lengths[i] <= 1e-14 * std::sqrt(total) && !e.useless_biases.contains(all[i].name))
      e.find("gradient_zero", all[i].name,
             fmt::format("the gradient of its {} numbers has length {:.3g}, all gradients together {:.3g}",
                         p.size(), lengths[i], std::sqrt(total)),
             "Weights of 0 in the layers after it, dead units, or a product with 0.");
    else if (p.shape().ndim() >= 2 && p.shape()[0] > 1) {
      const auto rows = static_cast<std::size_t>(p.shape()[0]);
      if (rows_alike(as_numbers(p.value()), rows, 0) &&
          rows_alike(as_numbers(g.of(p.value())), rows, 1e-9 * lengths[i]))
        e.find("symmetric_units", all[i].name,
               fmt::format("its {} units begin alike and get the same gradient", rows),
               "Draw weights at random; only biases begin at 0.");
    }
  }
  if (g.size() > reached)
    e.find("parameter_not_named", "",
           fmt::format("the loss depends on {} watched tensors beside the {} parameters that visit() names",
                       g.size() - reached, reached),
           "Name every member in visit(): no optimiser, file or checkpoint sees the others.");
}

struct Difference {
  double error = 0;
  bool kink = false;
};

// `move` adds to one number; value() is the loss then.
template <class Move, class Value>
Difference compare(double gradient, double at_rest, Move move, Value value) {
  move(kStep);
  const double up = value();
  move(-2 * kStep);
  const double down = value();
  move(kStep);
  const double measured = (up - down) / (2 * kStep);
  const double size =
      std::max({std::abs(gradient), std::abs(measured), 1e-5 * std::max(1.0, std::abs(at_rest))});
  // Both sides have other slopes: a rectifier's corner lies in between.
  if (std::abs(up + down - 2 * at_rest) / kStep > kKink * size) return {0, true};
  return {std::abs(gradient - measured) / size, false};
}

}  // namespace

void look_at_gradients(Examination& e) {
  look_at_reach(e);
  const auto rows = e.some_rows(kBatch, "gradients");
  Tensor x = e.rows_of_x(rows);
  const Tensor y = e.rows_of_y(rows);
  // The same masks and statistics at every look.
  const auto value = [&] {
    e.restart(true);
    return e.loss(e.forward(x), y).item();
  };
  const double at_rest = value();
  e.restart(true);
  const bool with_inputs = is_floating(x.dtype());
  const Tensor leaf = with_inputs ? watched(x, "input") : x;
  const Tensor loss = e.loss(e.forward(leaf), y);
  if (!loss.on_tape()) return;
  const Gradients g = backward(loss);
  Random random(static_cast<std::uint64_t>(e.options.seed), "gradient check");
  const auto all = parameters(e.net);

  const auto check_tensor = [&](const std::string& name, const std::vector<double>& gradient,
                                auto compare_at) {
    NetworkCheck::GradientCheck check{.parameter = name};
    const auto n = static_cast<std::uint64_t>(gradient.size());
    for (std::int64_t k = 0; k < std::min<std::int64_t>(kNumbers, std::ssize(gradient)); ++k) {
      const std::size_t i = std::ssize(gradient) <= kNumbers ? static_cast<std::size_t>(k) : random.below(n);
      const Difference d = compare_at(i);
      ++(d.kink ? check.skipped : check.compared);
      check.error = std::max(check.error, std::isfinite(d.error) ? d.error : 1.0);
    }
    e.result.gradients.push_back(check);
  };
  // Every restart makes new leaves: all gradients are taken out first.
  std::vector<std::vector<double>> of_parameters;
  for (const NamedParameter& p : all) {
    const Tensor gradient = p.parameter->frozen() ? Tensor() : g.of(p.parameter->value());
    of_parameters.push_back(gradient.defined() ? as_numbers(gradient) : std::vector<double>());
  }
  if (with_inputs && g.of(leaf).defined()) {
    const std::vector<double> gradient = as_numbers(g.of(leaf));
    check_tensor("input", gradient, [&](std::size_t i) {
      return compare(gradient[i], at_rest, [&](double by) { x.mutable_data<double>()[i] += by; }, value);
    });
  }
  for (std::size_t k = 0; k < all.size(); ++k) {
    const std::vector<double>& gradient = of_parameters[k];
    if (gradient.empty()) continue;
    check_tensor(all[k].name, gradient, [&](std::size_t i) {
      double moved = 0;
      return compare(
          gradient[i], at_rest, [&](double by) { moved += by; },
          [&] {
            e.restart(true);
            all[k].parameter->mutable_data<double>()[i] += moved;
            return e.loss(e.forward(x), y).item();
          });
    });
  }
  // Gradients flow from the end: the last wrong one lies next to the mistake.
  const auto& checks = e.result.gradients;
  double largest = 0;
  std::size_t wrong = checks.size();
  for (std::size_t i = 0; i < checks.size(); ++i) {
    largest = std::max(largest, checks[i].error);
    if (checks[i].error > kWrong) wrong = i;
  }
  e.measure("gradients",
            fmt::format("of {} tensors against central differences: largest relative error {:.2g}",
                        checks.size(), largest));
  if (wrong < checks.size())
    e.find("gradient_wrong", checks[wrong].parameter,
           wrong + 1 < checks.size()
               ? fmt::format("its gradient is off by {:.2g} of its size; from {} on they are right",
                             checks[wrong].error, checks[wrong + 1].parameter)
               : fmt::format("its gradient is off by {:.2g} of its size", checks[wrong].error),
           "The mistake lies in the gradient of an operation that runs on it or soon after it: compare each "
           "with "
           "central differences.");
}

}  // namespace cairn
