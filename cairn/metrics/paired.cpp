#include "cairn/metrics/paired.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/metrics/distributions.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

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

std::optional<PairedBootstrap> paired_bootstrap(const Metric& metric, const Scored& first,
                                                const Scored& second, std::uint64_t seed) {
  using namespace metric_detail;
  require_same_rows(first, second);
  const Value a = metric.compute(first), b = metric.compute(second);
  if (!a || !b) return std::nullopt;
  PairedBootstrap result{{*b - *a, kNaN, kNaN, first.size()}, kNaN};
  Estimate& e = result.difference;
  const Units units = units_of(first);
  if (units.count < 2) return result;
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
  double mean = 0, count = 0;
  for (const double v : resampled)
    if (!std::isnan(v)) {
      mean += v;
      ++count;
    }
  mean /= count;
  // Resamples of fewer rows than there are spread wider by 1 / shrink.
  const auto as_large = std::ranges::count_if(
      resampled, [&](double v) { return std::abs(v - mean) * plan.shrink >= std::abs(e.value); });
  const Bounds bounds = percentile_interval(std::move(resampled), e.value, plan.shrink);
  if (std::isnan(bounds.low)) return result;
  e.low = std::min(bounds.low, e.value);
  e.high = std::max(bounds.high, e.value);
  result.p = e.value == 0 ? 1 : (1 + static_cast<double>(as_large)) / (1 + count);
  return result;
}

std::optional<Estimate> paired_difference(const Metric& metric, const Scored& first, const Scored& second,
                                          std::uint64_t seed) {
  const auto both = paired_bootstrap(metric, first, second, seed);
  return both ? std::optional(both->difference) : std::nullopt;
}

double sign_test(std::int64_t wins, std::int64_t trials) {
  const std::int64_t fewer = std::min(wins, trials - wins);
  if (trials <= 0 || 2 * fewer >= trials) return 1;
  // P(X <= k) of a binomial is I_{1/2}(n - k, k + 1).
  const auto k = static_cast<double>(fewer), n = static_cast<double>(trials);
  return std::min(1.0, 2 * incomplete_beta(0.5, n - k, k + 1));
}

std::optional<McNemar> mcnemar(const Scored& first, const Scored& second) {
  require_same_rows(first, second);
  if (first.task == Task::regression || !first.groups.empty()) return std::nullopt;
  McNemar m;
  for (std::size_t r = 0; r < first.labels.size(); ++r) {
    if (!first.weights.empty() && first.weights[r] == 0) continue;
    const bool a = first.decisions[r] == first.labels[r], b = second.decisions[r] == second.labels[r];
    m.first_only += a && !b ? 1 : 0;
    m.second_only += b && !a ? 1 : 0;
  }
  m.p = sign_test(m.first_only, m.first_only + m.second_only);
  return m;
}

FiveByTwo five_by_two(std::span<const double> differences) {
  CAIRN_ASSERT(differences.size() == 10);
  FiveByTwo result;
  double squares = 0, variances = 0;
  for (std::size_t i = 0; i < 10; i += 2) {
    const double a = differences[i], b = differences[i + 1], mean = (a + b) / 2;
    result.mean += mean / 5;
    squares += a * a + b * b;
    variances += (a - mean) * (a - mean) + (b - mean) * (b - mean);
  }
  if (std::isnan(squares)) return {kNaN, kNaN, kNaN};  // the metric is not defined on some half
  if (squares == 0) return result;
  result.f = variances > 0 ? squares / (2 * variances) : std::numeric_limits<double>::infinity();
  result.p = f_tail(result.f, 10, 5);
  return result;
}

std::vector<double> holm(std::span<const double> p_values) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p_values.size(); ++i)
    if (!std::isnan(p_values[i])) order.push_back(i);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> adjusted(p_values.begin(), p_values.end());
  double largest = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    largest = std::max(largest, p_values[order[k]] * static_cast<double>(order.size() - k));
    adjusted[order[k]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace cairn
