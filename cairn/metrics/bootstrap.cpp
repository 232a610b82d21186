#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "cairn/base/parallel.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn::metric_detail {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kValuesAResample =
    8000;  // rows times values a row: 1000 resamples take some tens of milliseconds
constexpr std::int64_t kFewestRows = 500;
constexpr std::int64_t kResamplesATask = 50;

// The confusion table of chosen rows, without copying them.
Confusion confusion_of(const Scored& rows, std::span<const std::int64_t> chosen) {
  const std::int64_t k = rows.num_classes;
  Confusion table{k, std::vector<double>(static_cast<std::size_t>(k * k))};
  for (const std::int64_t i : chosen) {
    const auto row = static_cast<std::size_t>(i);
    table.counts[static_cast<std::size_t>(rows.labels[row] * k + rows.decisions[row])] += weight_of(rows, i);
  }
  return table;
}

template <class T>
void gather(std::span<const T> from, std::span<const std::int64_t> chosen, std::int64_t width,
            std::vector<T>& to, std::span<const T>& view) {
  if (from.empty()) return;
  to.reserve(chosen.size() * static_cast<std::size_t>(width));
  for (const std::int64_t row : chosen)
    to.insert(to.end(), from.begin() + row * width, from.begin() + (row + 1) * width);
  view = to;
}

// No resample differs from a sample without mistakes. Then the interval ends at what the metric would be with
// as many mistakes as accuracy's interval allows, spread evenly over the classes.
Bounds bounds_without_mistakes(const Metric& metric, const Scored& rows, double value) {
  const double share = 1 - accuracy_bounds(rows, 1.0).low;
  if (std::string_view(metric.name) == "ece") return value == 0 ? Bounds{0, share} : Bounds{kNaN, kNaN};
  const OfConfusion of = of_confusion(metric);
  if (of == nullptr || value != metric.best || rows.num_classes < 2) return {kNaN, kNaN};
  Confusion table = confusion(rows);
  const auto k = static_cast<std::size_t>(table.num_classes);
  std::vector<double> totals(k);
  for (std::size_t c = 0; c < k; ++c) totals[c] = table.counts[c * k + c];
  for (std::size_t truth = 0; truth < k; ++truth)
    for (std::size_t decided = 0; decided < k; ++decided)
      table.counts[truth * k + decided] =
          totals[truth] * (truth == decided ? 1 - share : share / static_cast<double>(k - 1));
  const Value low = of(table, rows.positive);
  return low ? Bounds{*low, value} : Bounds{kNaN, kNaN};
}

}  // namespace

ResamplePlan resample_plan(const Units& units, std::int64_t n, std::int64_t values_a_row) {
  const double rows =
      std::max(kValuesAResample / static_cast<double>(values_a_row), static_cast<double>(kFewestRows));
  if (static_cast<double>(n) <= rows) return {units.count, 1.0};
  const double share = rows / static_cast<double>(n);
  const auto draws = std::max<std::int64_t>(2, std::llround(static_cast<double>(units.count) * share));
  return {draws, std::sqrt(static_cast<double>(draws) / static_cast<double>(units.count))};
}

std::vector<std::int64_t> draw_rows(const Units& units, std::int64_t draws, Random& random) {
  std::vector<std::int64_t> chosen;
  chosen.reserve(static_cast<std::size_t>(draws));
  for (std::int64_t d = 0; d < draws; ++d) {
    const auto unit = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(units.count)));
    if (units.members.empty()) {
      chosen.push_back(unit);
      continue;
    }
    const auto u = static_cast<std::size_t>(unit);
    chosen.insert(chosen.end(), units.members.begin() + units.starts[u],
                  units.members.begin() + units.starts[u + 1]);
  }
  return chosen;
}

Gathered::Gathered(const Scored& rows, std::span<const std::int64_t> chosen, bool with_probabilities) {
  view = {.task = rows.task,
          .levels = rows.levels,
          .predicts = rows.predicts,
          .num_classes = rows.num_classes,
          .positive = rows.positive};
  gather(rows.truth, chosen, 1, truth_, view.truth);
  gather(rows.predicted, chosen, 1, predicted_, view.predicted);
  gather(rows.labels, chosen, 1, labels_, view.labels);
  gather(rows.decisions, chosen, 1, decisions_, view.decisions);
  gather(rows.weights, chosen, 1, weights_, view.weights);
  gather(rows.quantiles, chosen, std::ssize(rows.levels), quantiles_, view.quantiles);
  gather(rows.events, chosen, 1, events_, view.events);
  number_groups(rows, chosen);
  if (with_probabilities)
    gather(rows.probabilities, chosen, rows.num_classes, probabilities_, view.probabilities);
}

// A group that is drawn twice counts as two. Its rows are ascending, so a step back begins another.
void Gathered::number_groups(const Scored& rows, std::span<const std::int64_t> chosen) {
  if (rows.groups.empty()) return;
  std::int64_t number = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto group = [&](std::size_t at) { return rows.groups[static_cast<std::size_t>(chosen[at])]; };
    if (i > 0 && (group(i) != group(i - 1) || chosen[i] <= chosen[i - 1])) ++number;
    groups_.push_back(number);
  }
  view.groups = groups_;
}

Bounds percentile_interval(std::vector<double> resampled, double value, double shrink) {
  const std::size_t drawn = resampled.size();
  std::erase_if(resampled, [](double v) { return std::isnan(v); });
  if (resampled.size() * 5 < drawn * 4 || resampled.empty()) return {kNaN, kNaN};
  std::sort(resampled.begin(), resampled.end());
  const Bounds b{quantile(resampled, {}, 0.025), quantile(resampled, {}, 0.975)};
  if (shrink == 1) return b;
  double mean = 0;
  for (const double v : resampled) mean += v / static_cast<double>(resampled.size());
  return {value + shrink * (b.low - mean), value + shrink * (b.high - mean)};
}

Bounds bootstrap(const Metric& metric, const Scored& rows, double value, std::uint64_t seed) {
  const Units units = units_of(rows);
  if (units.count < 2) return {kNaN, kNaN};
  const ResamplePlan plan =
      resample_plan(units, rows.size(), metric.needs_probabilities ? rows.num_classes : 2);
  std::vector<double> resampled(kResamples);
  const OfConfusion of = of_confusion(metric);
  parallel_for(kResamples, kResamplesATask, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      Random random(seed, "bootstrap", static_cast<std::uint64_t>(b));
      const auto chosen = draw_rows(units, plan.draws, random);
      resampled[static_cast<std::size_t>(b)] =
          (of != nullptr ? of(confusion_of(rows, chosen), rows.positive)
                         : metric.compute(Gathered(rows, chosen, metric.needs_probabilities).view))
              .value_or(kNaN);
    }
  });
  const auto [lowest, highest] = std::minmax_element(resampled.begin(), resampled.end());
  if (*lowest == *highest) return bounds_without_mistakes(metric, rows, value);
  Bounds bounds = percentile_interval(std::move(resampled), value, plan.shrink);
  if (std::string_view(metric.name) == "ece") {
    // Chance alone raises a sum of absolute gaps, in the sample and once more in its resamples: keep only
    // their width.
    const double half = (bounds.high - bounds.low) / 2;
    bounds = {value - ece_by_chance(rows) - half, value + half};
  }
  if (metric.higher_is_better) return {bounds.low, std::min(bounds.high, metric.best)};
  return {std::max(bounds.low, metric.best), bounds.high};
}

}  // namespace cairn::metric_detail
