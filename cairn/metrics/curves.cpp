#include "cairn/metrics/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"
#include "cairn/metrics/ranking_internal.h"

namespace cairn {
namespace {

using metric_detail::Ranking;
using metric_detail::TieGroup;

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kRounding = 1e-15;  // of products of shares in [0, 1]

// Nothing when there is no curve: no probabilities, a NaN among them, or a class that does not occur.
std::optional<Ranking> ranked(const Scored& rows) {
  if (!metric_detail::computable(rows, true)) return std::nullopt;
  auto ranking = metric_detail::rank(rows, rows.positive);
  if (!ranking || !ranking->defined()) return std::nullopt;
  return ranking;
}

// Leaves out points on the straight line between their neighbours.
std::vector<CurvePoint> without_straight_points(std::vector<CurvePoint> curve) {
  std::vector<CurvePoint> kept;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    if (i > 0 && i + 1 < curve.size()) {
      const CurvePoint &a = kept.back(), &b = curve[i], &c = curve[i + 1];
      if (std::abs((b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x)) <= kRounding) continue;
    }
    kept.push_back(curve[i]);
  }
  return kept;
}

// At most `points` of them at even steps along the curve, both ends among them.
std::vector<CurvePoint> thinned(std::vector<CurvePoint> curve, int points) {
  curve = without_straight_points(std::move(curve));
  const auto most = static_cast<std::size_t>(std::max(points, 2));
  if (curve.size() <= most) return curve;
  std::vector<double> along(curve.size());
  for (std::size_t i = 1; i < curve.size(); ++i)
    along[i] = along[i - 1] + std::abs(curve[i].x - curve[i - 1].x) + std::abs(curve[i].y - curve[i - 1].y);
  const double step = along.back() / static_cast<double>(most - 1);
  std::vector<CurvePoint> kept{curve[0]};
  for (std::size_t i = 1; i + 1 < curve.size(); ++i) {
    const auto steps = static_cast<std::size_t>(along[i] / step);
    if (steps >= kept.size() && kept.size() + 1 < most) kept.push_back(curve[i]);
  }
  kept.push_back(curve.back());
  return kept;
}

}  // namespace

std::vector<CurvePoint> roc_curve(const Scored& rows, int points) {
  const auto ranking = ranked(rows);
  if (!ranking) return {};
  std::vector<CurvePoint> curve{{0, 0, kNever}};
  double positive = 0, negative = 0;
  for (const TieGroup& g : ranking->groups) {
    positive += g.positive;
    negative += g.negative;
    curve.push_back({negative / ranking->negative, positive / ranking->positive, g.score});
  }
  return thinned(std::move(curve), points);
}

std::vector<CurvePoint> precision_recall_curve(const Scored& rows, int points) {
  const auto ranking = ranked(rows);
  if (!ranking) return {};
  std::vector<CurvePoint> curve{{0, 1, kNever}};
  double positive = 0, all = 0;
  for (const TieGroup& g : ranking->groups) {
    positive += g.positive;
    all += g.positive + g.negative;
    curve.push_back({positive / ranking->positive, positive / all, g.score});
    if (positive == ranking->positive)
      break;  // more positives there are none: precision only falls from here
  }
  return thinned(std::move(curve), points);
}

std::vector<CalibrationBin> calibration_curve(const Scored& rows, int bins) {
  if (!metric_detail::computable(rows, true)) return {};
  const auto ranking = metric_detail::rank(rows, rows.positive);
  if (!ranking || ranking->order.empty()) return {};
  const double total = ranking->positive + ranking->negative;
  std::vector<CalibrationBin> curve;
  double done = 0, weight = 0, weight_squares = 0, positive = 0, scores = 0;
  std::int64_t at = 0, first = 0;
  for (const TieGroup& g : ranking->groups) {  // rows of one score stay in one bin
    for (; at < g.end; ++at) {
      const double w = metric_detail::weight_of(rows, ranking->order[static_cast<std::size_t>(at)]);
      weight += w;
      weight_squares += w * w;
      scores += w * g.score;
    }
    positive += g.positive;
    const double next_edge = total * static_cast<double>(curve.size() + 1) / std::max(bins, 1);
    if (done + weight < next_edge * (1 - 1e-12) && at < static_cast<std::int64_t>(ranking->order.size()))
      continue;
    const double observed = std::min(positive / weight, 1.0);
    const Bounds b = metric_detail::wilson(observed, weight * weight / weight_squares);
    curve.push_back({scores / weight, observed, b.low, b.high, at - first});
    done += weight;
    weight = weight_squares = positive = scores = 0;
    first = at;
  }
  std::reverse(curve.begin(), curve.end());
  return curve;
}

ResidualCurve residual_curve(const Scored& rows, int points) {
  ResidualCurve curve;
  const std::int64_t n = rows.size();
  if (!metric_detail::computable(rows, false)) return curve;
  std::vector<double> residuals(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < residuals.size(); ++i) residuals[i] = rows.truth[i] - rows.predicted[i];
  const std::int64_t shown = std::min<std::int64_t>(n, std::max(points, 0));
  for (std::int64_t k = 0; k < shown; ++k) {
    const auto i = static_cast<std::size_t>(k * n / shown);
    curve.predicted.push_back(rows.predicted[i]);
    curve.residual.push_back(residuals[i]);
  }
  const bool weightless =
      std::none_of(rows.weights.begin(), rows.weights.end(), [](double w) { return w > 0; });
  const std::span<const double> weights = weightless ? std::span<const double>{} : rows.weights;
  curve.low = metric_detail::quantile(residuals, weights, 0.05);
  curve.median = metric_detail::quantile(residuals, weights, 0.5);
  curve.high = metric_detail::quantile(std::move(residuals), weights, 0.95);
  return curve;
}

}  // namespace cairn
