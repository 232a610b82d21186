#include "cairn/metrics/paired.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn {
namespace {

void require_same_rows(const Scored& first, const Scored& second) {
  if (first.task != second.task || first.size() != second.size())
    throw UsageError(
        "paired_difference",
        fmt::format(
            "the first has {} rows of a {} task, the second {} of a {} task; expected predictions on the "
            "same rows",
            first.size(), name_of(first.task), second.size(), name_of(second.task)));
  const auto same = [](auto a, auto b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); };
  if (!same(first.truth, second.truth) || !same(first.labels, second.labels) ||
      !same(first.weights, second.weights) || !same(first.groups, second.groups) ||
      first.num_classes != second.num_classes || first.positive != second.positive)
    throw UsageError(
        "paired_difference",
        "truth, classes, weights or groups of the two differ; expected predictions on the same rows");
}

}  // namespace

std::optional<Estimate> paired_difference(const Metric& metric, const Scored& first, const Scored& second,
                                          std::uint64_t seed) {
  using namespace metric_detail;
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  require_same_rows(first, second);
  const Value a = metric.compute(first), b = metric.compute(second);
  if (!a || !b) return std::nullopt;
  Estimate e{*b - *a, kNaN, kNaN, first.size()};
  const Units units = units_of(first);
  if (units.count < 2) return e;
  const ResamplePlan plan =
      resample_plan(units, first.size(), metric.needs_probabilities ? first.num_classes : 2);
  std::vector<double> resampled(kResamples);
  parallel_for(kResamples, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      Random random(seed, "bootstrap", static_cast<std::uint64_t>(r));
      const auto chosen = draw_rows(units, plan.draws, random);
      const Value x = metric.compute(Gathered(first, chosen, metric.needs_probabilities).view);
      const Value y = metric.compute(Gathered(second, chosen, metric.needs_probabilities).view);
      resampled[static_cast<std::size_t>(r)] = x && y ? *y - *x : kNaN;
    }
  });
  const Bounds bounds = percentile_interval(std::move(resampled), e.value, plan.shrink);
  e.low = std::min(bounds.low, e.value);
  e.high = std::max(bounds.high, e.value);
  if (std::isnan(bounds.low)) e.low = e.high = kNaN;
  return e;
}

}  // namespace cairn
