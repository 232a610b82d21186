// The loss that a person wrote, as an objective.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/objective/expression_internal.h"
#include "cairn/tree/objective/objectives_internal.h"

namespace cairn::tree {
namespace {

constexpr double kLeastCurve = 1e-16;  // where the loss curves down or not at all

double shown(double v) { return std::isnan(v) ? std::abs(v) : v; }  // not "-nan"

}  // namespace

// The best constant that Newton's method finds from where a loss of differences, or one of logarithms,
// begins.
void expression_start(const Truth& t, std::span<double> base) {
  const Expression& e = *t.params.expression;
  const Objective& objective = objective_for("expression", Task::regression);
  double mean = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) mean += t.weight(r) * t.y[at(r)] / t.total_weight();
  double best = INFINITY;
  for (const double guess : {mean, mean > 0 ? std::log(mean) : 0, 0.0}) {
    const double value = best_constant(t, objective, guess);
    double loss = 0;
    for (std::int64_t r = 0; r < t.rows; ++r) loss += t.weight(r) * e.at(t.y[at(r)], value).v;
    if (loss < best) best = loss, base[0] = value;
  }
  if (!std::isfinite(best)) base[0] = 0;
  bool curves = false;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    const Jet j = e.at(t.y[at(r)], base[0]);
    if (!std::isfinite(j.v) || !std::isfinite(j.d) || !std::isfinite(j.dd))
      throw FitError("gradient_boosting.expression",
                     fmt::format("at y = {}, score = {:.6g} the loss is {}, its derivatives {} and {}",
                                 t.y[at(r)], base[0], shown(j.v), shown(j.d), shown(j.dd)),
                     "Every row needs finite ones where it begins.");
    curves = curves || j.dd > 0;
  }
  if (!curves)
    throw FitError(
        "gradient_boosting.expression",
        fmt::format("in none of {} rows the loss curves upwards at score = {:.6g}, so nothing tells how "
                    "far a step should go",
                    t.rows, base[0]),
        "A smooth form has a curve, such as sqrt((score - y)^2 + 1) for abs(score - y).");
}

void expression_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                          std::span<double> g, std::span<double> h) {
  for (std::int64_t r = b; r < e; ++r) {
    const Jet j = t.params.expression->at(t.y[at(r)], raw[at(r)]);
    g[at(r)] = t.weight(r) * j.d;
    h[at(r)] = t.weight(r) * (j.dd > kLeastCurve || std::isnan(j.dd) ? j.dd : kLeastCurve);
  }
}

double expression_loss(const Truth& t, std::span<const double> raw, std::int64_t r) {
  return t.params.expression->at(t.y[at(r)], raw[at(r)]).v;
}

}  // namespace cairn::tree
