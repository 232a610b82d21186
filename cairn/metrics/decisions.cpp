#include <algorithm>
#include <cmath>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/metrics/curves.h"
#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"

namespace cairn {

Confusion confusion(const Scored& rows) {
  const std::int64_t k = rows.num_classes;
  const auto cells = static_cast<std::size_t>(k * k);
  CAIRN_ASSERT(rows.labels.size() == rows.decisions.size());
  const auto count = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> counts(cells);
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t truth = rows.labels[static_cast<std::size_t>(i)];
      const std::int32_t decided = rows.decisions[static_cast<std::size_t>(i)];
      CAIRN_ASSERT(truth >= 0 && truth < k && decided >= 0 && decided < k);
      counts[static_cast<std::size_t>(truth * k + decided)] += metric_detail::weight_of(rows, i);
    }
    return counts;
  };
  // A table a block must not outgrow the rows of the block.
  const std::int64_t block = std::max(metric_detail::kSumBlock, 4 * k * k);
  auto counts = parallel_reduce<std::vector<double>>(
      rows.size(), block, count, [](std::vector<double>& into, const std::vector<double>& other) {
        for (std::size_t i = 0; i < into.size(); ++i) into[i] += other[i];
      });
  counts.resize(cells);
  return {k, std::move(counts)};
}

namespace metric_detail {
namespace {

// Sums of weights by truth, by decision, and where both agree.
struct Margins {
  explicit Margins(const Confusion& c)
      : truth(static_cast<std::size_t>(c.num_classes)), decided(truth.size()), agreed(truth.size()) {
    const std::size_t k = truth.size();
    for (std::size_t t = 0; t < k; ++t)
      for (std::size_t d = 0; d < k; ++d) {
        truth[t] += c.counts[t * k + d];
        decided[d] += c.counts[t * k + d];
        total += c.counts[t * k + d];
        if (t == d) agreed[t] = c.counts[t * k + d];
      }
  }
  double f1(std::size_t k) const { return 2 * agreed[k] / (truth[k] + decided[k]); }
  double correct() const {
    double sum = 0;
    for (const double a : agreed) sum += a;
    return sum;
  }
  std::vector<double> truth, decided, agreed;
  double total = 0;
};

Value ratio(double part, double whole) { return whole > 0 ? Value(part / whole) : std::nullopt; }

bool one_class_only(const std::vector<double>& sums) {
  return std::count_if(sums.begin(), sums.end(), [](double s) { return s > 0; }) < 2;
}

// The share of hits among the rows for which `counts` holds.
template <class Counts, class Hit>
Bounds share_bounds(const Scored& rows, Counts&& counts, Hit&& hit) {
  std::vector<double> hits(static_cast<std::size_t>(rows.size())), weights(hits.size());
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const std::int32_t truth = rows.labels[at], decided = rows.decisions[at];
    weights[at] = counts(truth, decided) ? weight_of(rows, i) : 0.0;
    hits[at] = hit(truth, decided) ? 1.0 : 0.0;
  }
  return proportion_interval(rows, hits, weights);
}

bool agree(std::int32_t truth, std::int32_t decided) { return truth == decided; }

}  // namespace

Value accuracy(const Confusion& c, std::int32_t) {
  const Margins m(c);
  return ratio(m.correct(), m.total);
}

Value balanced_accuracy(const Confusion& c, std::int32_t) {
  const Margins m(c);
  double sum = 0, classes = 0;
  for (std::size_t k = 0; k < m.truth.size(); ++k)
    if (m.truth[k] > 0) sum += m.agreed[k] / m.truth[k], classes += 1;
  return ratio(sum, classes);
}

Value precision(const Confusion& c, std::int32_t positive) {
  const Margins m(c);
  const auto p = static_cast<std::size_t>(positive);
  return ratio(m.agreed[p], m.decided[p]);
}

Value recall(const Confusion& c, std::int32_t positive) {
  const Margins m(c);
  const auto p = static_cast<std::size_t>(positive);
  return ratio(m.agreed[p], m.truth[p]);
}

Value f1(const Confusion& c, std::int32_t positive) {
  const Margins m(c);
  const auto p = static_cast<std::size_t>(positive);
  return ratio(2 * m.agreed[p], m.truth[p] + m.decided[p]);
}

Value f1_macro(const Confusion& c, std::int32_t) {
  const Margins m(c);
  double sum = 0, classes = 0;
  for (std::size_t k = 0; k < m.truth.size(); ++k)
    if (m.truth[k] + m.decided[k] > 0) sum += m.f1(k), classes += 1;
  return ratio(sum, classes);
}

Value f1_weighted(const Confusion& c, std::int32_t) {
  const Margins m(c);
  double sum = 0;
  for (std::size_t k = 0; k < m.truth.size(); ++k)
    if (m.truth[k] > 0) sum += m.truth[k] * m.f1(k);
  return ratio(sum, m.total);
}

Value mcc(const Confusion& c, std::int32_t) {  // Gorodkin 2004
  const Margins m(c);
  if (one_class_only(m.truth) || one_class_only(m.decided)) return std::nullopt;
  double both = 0, truth_squares = 0, decided_squares = 0;
  for (std::size_t k = 0; k < m.truth.size(); ++k) {
    both += m.truth[k] * m.decided[k];
    truth_squares += m.truth[k] * m.truth[k];
    decided_squares += m.decided[k] * m.decided[k];
  }
  const double all = m.total * m.total;
  return (m.correct() * m.total - both) / std::sqrt((all - truth_squares) * (all - decided_squares));
}

Value cohen_kappa(const Confusion& c, std::int32_t) {
  const Margins m(c);
  double by_chance = 0;
  std::size_t shared = 0;
  for (std::size_t k = 0; k < m.truth.size(); ++k) {
    by_chance += m.truth[k] * m.decided[k];
    shared += m.truth[k] > 0 && m.decided[k] > 0;
  }
  if (!(m.total > 0) || (shared == 1 && one_class_only(m.truth) && one_class_only(m.decided)))
    return std::nullopt;
  return 1 - (m.total - m.correct()) * m.total / (m.total * m.total - by_chance);
}

Bounds accuracy_bounds(const Scored& rows, double) {
  return share_bounds(rows, [](std::int32_t, std::int32_t) { return true; }, agree);
}

Bounds precision_bounds(const Scored& rows, double) {
  return share_bounds(
      rows, [&](std::int32_t, std::int32_t decided) { return decided == rows.positive; }, agree);
}

Bounds recall_bounds(const Scored& rows, double) {
  return share_bounds(rows, [&](std::int32_t truth, std::int32_t) { return truth == rows.positive; }, agree);
}

// F1 = 2 J / (1 + J) where J, the share of hits among rows that are positive in truth or by decision, is a
// proportion.
Bounds f1_bounds(const Scored& rows, double) {
  const Bounds j = share_bounds(
      rows,
      [&](std::int32_t truth, std::int32_t decided) {
        return truth == rows.positive || decided == rows.positive;
      },
      agree);
  return {2 * j.low / (1 + j.low), 2 * j.high / (1 + j.high)};
}

// The mean of the classes' recalls from their intervals (Zou and Donner 2008): distances to the ends add as
// squares.
Bounds balanced_accuracy_bounds(const Scored& rows, double value) {
  const Margins m(confusion(rows));
  double below = 0, above = 0, classes = 0;
  for (std::size_t k = 0; k < m.truth.size(); ++k) {
    if (!(m.truth[k] > 0)) continue;
    const auto c = static_cast<std::int32_t>(k);
    const double share = m.agreed[k] / m.truth[k];
    const Bounds b =
        rows.weights.empty() && rows.groups.empty()
            ? wilson(share, m.truth[k])
            : share_bounds(rows, [&](std::int32_t truth, std::int32_t) { return truth == c; }, agree);
    below += (share - b.low) * (share - b.low);
    above += (b.high - share) * (b.high - share);
    classes += 1;
  }
  return {value - std::sqrt(below) / classes, value + std::sqrt(above) / classes};
}

OfConfusion of_confusion(const Metric& metric) {
  struct Entry {
    std::string_view name;
    OfConfusion of;
  };
  static constexpr Entry kEntries[] = {
      {"accuracy", accuracy},
      {"balanced_accuracy", balanced_accuracy},
      {"precision", precision},
      {"recall", recall},
      {"f1", f1},
      {"f1_macro", f1_macro},
      {"mcc", mcc},
      {"f1_weighted", f1_weighted},
      {"cohen_kappa", cohen_kappa},
  };
  for (const Entry& e : kEntries)
    if (e.name == metric.name) return e.of;
  return nullptr;
}

}  // namespace metric_detail
}  // namespace cairn
