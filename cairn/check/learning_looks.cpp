// Does it learn: one batch by heart, the rate at which it does, and the rate that is meant to be used.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "cairn/base/error.h"
#include "cairn/check/examination_internal.h"
#include "cairn/optim/optimizer_table.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostByHeart = 32;

std::unique_ptr<Optimizer> optimizer_of(const Examination& e, double rate) {
  return optimizer_named(e.options.optimizer).make(e.net, Json{{"learning_rate", rate}}, {});
}

// Rows whose inputs differ: equal ones with other targets cannot be learned by heart.
std::vector<std::int64_t> distinct_rows(const Examination& e) {
  std::set<std::string> seen;
  std::vector<std::int64_t> rows;
  for (const std::int64_t r : e.some_rows(e.rows(), "by heart")) {
    if (std::ssize(rows) >= std::min(kMostByHeart, e.options.batch_size)) break;
    const Tensor row = e.x.slice(0, r, r + 1).contiguous();
    const auto bytes = static_cast<std::size_t>(row.size()) * size_of(row.dtype());
    if (seen.insert(std::string(reinterpret_cast<const char*>(row.raw()), bytes)).second) rows.push_back(r);
  }
  return rows;
}

struct ByHeart {
  double first = 0, best = 0, rate = 0;
  double accuracy = -1, chance = 0;  // of classes, at the end; -1: not known
  std::int64_t steps = 0;
  bool learned = false;
};

// Dropout would keep it from being learned: then in evaluation.
ByHeart learn_by_heart(Examination& e, const Tensor& x, const Tensor& y, double rate) {
  constexpr double kShare = 0.05;  // of the first loss, or of the targets' variance
  e.restart(e.own_dtype(), !e.trace.has("dropout"));
  const auto opt = optimizer_of(e, rate);
  ByHeart b{.rate = rate};
  double bar = 0;
  if (!e.classes()) {
    const LayerStatistics s = statistics_of(y, "");
    bar = kShare * s.stddev * s.stddev;
  }
  try {
    for (std::int64_t i = 0; i <= e.options.steps; ++i) {
      e.stop.throw_if_requested("check");
      const Tensor output = e.forward(x);
      const Tensor loss = e.loss(output, y);
      const double value = loss.item();
      if (!std::isfinite(value)) break;
      const bool whole = e.classes() && output.size(0) == y.size() && output.size() > y.size();
      if (whole) {
        b.accuracy = e.accuracy(output, y);
        b.chance = static_cast<double>(y.size()) / static_cast<double>(output.size());
      }
      if (i == 0) {
        b.first = b.best = value;
        if (e.classes()) bar = kShare * value;
        if (!e.known_loss()) bar = value > 0 ? kShare * value : -HUGE_VAL;
      }
      b.best = std::min(b.best, value);
      b.steps = i;
      if (value <= bar) {
        b.learned = true;
        break;
      }
      opt->step(backward(loss, e.net));
    }
  } catch (const FitError&) {
    b.learned = false;  // this rate leaves the range of numbers
  }
  return b;
}

void look_at_updates(Examination& e) {
  e.restart(e.own_dtype(), true);
  const auto rows = e.some_rows(e.options.batch_size, "updates");
  std::vector<std::pair<std::string, Tensor>> before;
  const auto opt = optimizer_of(e, 0.01);
  const Gradients g = backward(e.loss(e.forward(e.rows_of_x(rows)), e.rows_of_y(rows)));
  for (const NamedParameter& p : parameters(e.net)) {
    if (p.parameter->frozen()) continue;
    const Tensor& gradient = g.of(p.parameter->value());
    if (gradient.defined() && statistics_of(gradient, "").largest > 0)
      before.emplace_back(p.name, p.parameter->value().detach());
  }
  opt->step(g);
  e.forward(e.rows_of_x(rows));
  for (const NamedParameter& p : parameters(e.net))
    for (const auto& [name, old] : before)
      if (name == p.name && as_numbers(old) == as_numbers(p.parameter->value()))
        e.find("parameter_not_updated", name, "it has a gradient, and a step has not moved it",
               "Something sets it back: look for weights that the forward pass writes.");
}

void look_at_rate(Examination& e) {
  e.restart(e.own_dtype(), true);
  int drawn = 0;
  const auto batch = [&] {
    const auto rows = e.some_rows(e.options.batch_size, fmt::format("batch {}", drawn++));
    return e.loss(e.forward(e.rows_of_x(rows)), e.rows_of_y(rows));
  };
  {
    const auto opt = optimizer_of(e, 1e-6);
    e.result.rates = rate_test(e.net, *opt, batch, {.low = 1e-6, .high = 10, .steps = 100});
  }
  const double suggestion = e.result.rates.suggestion;
  e.measure("learning rate",
            fmt::format("{:.2g} by the range test with {}", suggestion, e.options.optimizer));
  const double rate = e.options.learning_rate;
  if (rate == 0) return;
  constexpr int kSteps = 50, kTail = 10;
  const auto descend = [&](double with) {  // mean of the first losses, and of the last
    e.restart(e.own_dtype(), true);
    const auto opt = optimizer_of(e, with);
    double first = 0, last = 0;
    try {
      for (int i = 0; i < kSteps; ++i) {
        const Tensor loss = batch();
        const double value = loss.item();
        if (!std::isfinite(value)) return std::pair(first, HUGE_VAL);
        if (i == 0) first = value;
        if (i >= kSteps - kTail) last += value / kTail;
        opt->step(backward(loss, e.net));
      }
    } catch (const FitError&) {
      last = HUGE_VAL;
    }
    return std::pair(first, last);
  };
  const auto [first, last] = descend(rate);
  const double better = descend(suggestion).second;
  e.measure("at the given rate",
            fmt::format("{} steps of {:g} bring the loss from {:.4g} to {:.4g}; steps of {:.2g} to {:.4g}",
                        kSteps, rate, first, last, suggestion, better));
  if (last > 1.5 * first)
    e.find("learning_rate_high", "",
           fmt::format(
               "{} steps of {:g} bring the loss from {:.4g} to {:.4g}; steps of {:.2g} bring it to {:.4g}",
               kSteps, rate, first, last, suggestion, better),
           fmt::format("Try a learning rate of {:.2g}.", suggestion));
  else if (first - last < 0.1 * (first - better) && rate < suggestion / 10)
    e.find("learning_rate_low", "",
           fmt::format(
               "{} steps of {:g} bring the loss from {:.4g} to {:.4g}; steps of {:.2g} bring it to {:.4g}",
               kSteps, rate, first, last, suggestion, better),
           fmt::format("Try a learning rate of {:.2g}.", suggestion));
}

}  // namespace

void look_at_learning(Examination& e) {
  look_at_updates(e);
  const auto rows = distinct_rows(e);
  if (rows.size() >= 2) {
    e.restart(e.own_dtype(), true);
    const Tensor x = e.rows_of_x(rows), y = e.rows_of_y(rows);
    ByHeart best;
    for (const double rate : {0.01, 0.1, 0.001}) {
      const ByHeart b = learn_by_heart(e, x, y, rate);
      if (best.rate == 0 || b.learned || b.best < best.best) best = b;
      if (b.learned) break;
    }
    constexpr double kAll = 0.99;
    const bool fell = best.first - best.best > 0.5 * std::abs(best.first);
    const bool guessing = best.accuracy >= 0 && best.accuracy < 1.5 * best.chance;
    e.measure("one batch by heart",
              fmt::format("{} examples: the loss falls from {:.4g} to {:.4g} in {} steps of {:g}",
                          rows.size(), best.first, best.best, best.steps, best.rate));
    if (fell && guessing)
      e.find("loss_disagrees", "",
             fmt::format(
                 "on one batch the loss falls from {:.4g} to {:.4g}, and {:.1f} % of the answers are right "
                 "then; chance gives {:.1f} %",
                 best.first, best.best, 100 * best.accuracy, 100 * best.chance),
             "Look at the sign of the loss and at the order of its arguments.");
    else if (!best.learned || (best.accuracy >= 0 && best.accuracy < kAll))
      e.find("does_not_overfit", "",
             fmt::format("{} steps at three learning rates bring the loss of {} examples from {:.4g} to "
                         "{:.4g}, no further",
                         e.options.steps, rows.size(), best.first, best.best),
             "A network that can learn can learn a few examples by heart: look at what was found above, at "
             "its size, "
             "or give more --steps.");
  }
  look_at_rate(e);
}

}  // namespace cairn
