#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "cairn/metrics/loss_internal.h"

namespace cairn::metric_detail {
namespace {

// scikit-learn's clip: a certain and wrong prediction costs 36.04 nats, not infinity.
constexpr double kSmallest = std::numeric_limits<double>::epsilon();

double log_loss_of(const Scored& rows, std::int64_t i) {
  const double p = score_of(rows, i, label_of(rows, i));
  return -std::log(std::isnan(p) ? p : std::clamp(p, kSmallest, 1 - kSmallest));
}

double brier_of(const Scored& rows, std::int64_t i) {
  if (rows.task == Task::binary) {
    const double miss = (label_of(rows, i) == rows.positive ? 1.0 : 0.0) - score_of(rows, i, rows.positive);
    return miss * miss;
  }
  double sum = 0;
  for (std::int32_t c = 0; c < rows.num_classes; ++c) {
    const double miss = (label_of(rows, i) == c ? 1.0 : 0.0) - score_of(rows, i, c);
    sum += miss * miss;
  }
  return sum;
}

// Certain and right on every row: no loss was seen, but as many rows as accuracy's interval allows may cost
// the most.
Bounds certain_bounds(const Scored& rows, double worst) {
  const std::vector<double> hits(static_cast<std::size_t>(rows.size()), 1.0);
  std::vector<double> weights(hits);
  if (!rows.weights.empty()) weights.assign(rows.weights.begin(), rows.weights.end());
  return {0, worst * (1 - proportion_interval(rows, hits, weights).low)};
}

constexpr std::size_t kBins = 15;
struct ConfidenceBins {
  std::array<double, kBins> confidence{}, correct{}, variance{};  // sums; variance of `correct` if calibrated
  double weight = 0;
};

// Guo, Pleiss, Sun, Weinberger 2017: the most probable class, bins ((b-1)/15, b/15] of its probability.
ConfidenceBins confidence_bins(const Scored& rows) {
  return parallel_reduce<ConfidenceBins>(
      rows.size(), kSumBlock,
      [&](std::int64_t begin, std::int64_t end) {
        ConfidenceBins part;
        for (std::int64_t i = begin; i < end; ++i) {
          const double w = weight_of(rows, i);
          if (!(w > 0)) continue;
          std::int32_t top = 0;
          for (std::int32_t c = 1; c < rows.num_classes; ++c)
            if (score_of(rows, i, c) > score_of(rows, i, top)) top = c;
          const double p = score_of(rows, i, top);
          const double bin = std::clamp(std::ceil(p * kBins) - 1, 0.0, kBins - 1.0);
          const auto b = static_cast<std::size_t>(std::isnan(bin) ? 0.0 : bin);
          part.confidence[b] += w * p;
          part.correct[b] += top == label_of(rows, i) ? w : 0.0;
          part.variance[b] += w * w * p * (1 - p);
          part.weight += w;
        }
        return part;
      },
      [](ConfidenceBins& into, const ConfidenceBins& other) {
        for (std::size_t b = 0; b < kBins; ++b) {
          into.confidence[b] += other.confidence[b];
          into.correct[b] += other.correct[b];
          into.variance[b] += other.variance[b];
        }
        into.weight += other.weight;
      });
}

}  // namespace

Value log_loss(const Scored& rows) {
  return weighted_sum(rows, [&](std::int64_t i) { return log_loss_of(rows, i); }).mean();
}

Value brier(const Scored& rows) {
  return weighted_sum(rows, [&](std::int64_t i) { return brier_of(rows, i); }).mean();
}

Bounds log_loss_bounds(const Scored& rows, double value) {
  if (value <= 2 * kSmallest) return certain_bounds(rows, -std::log(kSmallest));
  return mean_loss_bounds(rows, value, [&](std::int64_t i) { return log_loss_of(rows, i); });
}

Bounds brier_bounds(const Scored& rows, double value) {
  const double worst = rows.task == Task::binary ? 1 : 2;
  if (value == 0) return certain_bounds(rows, worst);
  const Bounds b = mean_loss_bounds(rows, value, [&](std::int64_t i) { return brier_of(rows, i); });
  return {b.low, b.high > worst ? worst : b.high};
}

Value ece(const Scored& rows) {
  const ConfidenceBins bins = confidence_bins(rows);
  if (!(bins.weight > 0)) return std::nullopt;
  double gap = 0;
  for (std::size_t b = 0; b < kBins; ++b) gap += std::abs(bins.confidence[b] - bins.correct[b]);
  return gap / bins.weight;
}

double ece_by_chance(const Scored& rows) {
  const ConfidenceBins bins = confidence_bins(rows);
  double added = 0;
  for (std::size_t b = 0; b < kBins; ++b) {
    const double seen = std::abs(bins.confidence[b] - bins.correct[b]), variance = bins.variance[b];
    if (!(variance > 0)) continue;
    const double gap = std::sqrt(std::max(0.0, seen * seen - variance));
    const double mean_seen =
        std::sqrt(2 * variance / std::numbers::pi) * std::exp(-gap * gap / (2 * variance)) +
        gap * std::erf(gap / std::sqrt(2 * variance));
    added += mean_seen - gap;
  }
  return added / bins.weight;
}

}  // namespace cairn::metric_detail
