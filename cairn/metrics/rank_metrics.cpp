#include <algorithm>
#include <cmath>

#include "cairn/metrics/interval_internal.h"
#include "cairn/metrics/metric_internal.h"
#include "cairn/metrics/ranking_internal.h"

namespace cairn::metric_detail {
namespace {

// Binary: the positive class. Multiclass: each class against the rest.
std::vector<std::int32_t> ranked_classes(const Scored& rows) {
  if (rows.task == Task::binary) return {rows.positive};
  std::vector<std::int32_t> classes(static_cast<std::size_t>(rows.num_classes));
  for (std::size_t c = 0; c < classes.size(); ++c) classes[c] = static_cast<std::int32_t>(c);
  return classes;
}

double area_under_roc(const Ranking& r) {
  double wins = 0, positives_above = 0;
  for (const TieGroup& g : r.groups) {
    wins += g.negative * (positives_above + 0.5 * g.positive);
    positives_above += g.positive;
  }
  return wins / (r.positive * r.negative);
}

// The sum of precision times the step in recall (no interpolation).
double area_under_steps(const Ranking& r) {
  double area = 0, positives = 0, all = 0;
  for (const TieGroup& g : r.groups) {
    positives += g.positive;
    all += g.positive + g.negative;
    area += g.positive * (positives / all);
  }
  return area / r.positive;
}

// The macro average over the ranked classes; nullopt when one of them has no positive (or no negative) rows.
template <class Area>
Value average_over_classes(const Scored& rows, Area&& area) {
  const auto classes = ranked_classes(rows);
  std::vector<Value> values(classes.size());
  parallel_for(static_cast<std::int64_t>(classes.size()), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      values[static_cast<std::size_t>(i)] = area(classes[static_cast<std::size_t>(i)]);
  });
  double sum = 0;
  for (const Value& v : values) {
    if (!v) return std::nullopt;
    sum += *v;
  }
  return sum / static_cast<double>(classes.size());
}

// Calls visit(row, is_positive, group) for every ranked row, best score first.
template <class Visit>
void for_each_ranked(const Scored& rows, const Ranking& r, std::int32_t c, Visit&& visit) {
  std::int64_t at = 0;
  for (std::size_t g = 0; g < r.groups.size(); ++g)
    for (; at < r.groups[g].end; ++at) {
      const std::int64_t row = r.order[static_cast<std::size_t>(at)];
      visit(row, label_of(rows, row) == c, g);
    }
}

// Adds share * the influence of each row on the area of class c: its placement less the mean of its class
// (DeLong).
void add_roc_influence(const Scored& rows, const Ranking& r, std::int32_t c, double share,
                       std::vector<double>& influence) {
  const double area = area_under_roc(r);
  std::vector<double> placement_of_positive(r.groups.size()), placement_of_negative(r.groups.size());
  double positives_above = 0, negatives_above = 0;
  for (std::size_t g = 0; g < r.groups.size(); ++g) {
    const TieGroup& group = r.groups[g];
    placement_of_positive[g] = 1 - (negatives_above + 0.5 * group.negative) / r.negative;
    placement_of_negative[g] = (positives_above + 0.5 * group.positive) / r.positive;
    positives_above += group.positive;
    negatives_above += group.negative;
  }
  for_each_ranked(rows, r, c, [&](std::int64_t row, bool is_positive, std::size_t g) {
    const double placement = is_positive ? placement_of_positive[g] : placement_of_negative[g];
    const double total = is_positive ? r.positive : r.negative;
    influence[static_cast<std::size_t>(row)] += share * weight_of(rows, row) * (placement - area) / total;
  });
}

// The same for average precision: the derivative by the row's weight of sum p_g precision_g / sum p_g over
// tie groups g, where precision_g = T_g / N_g counts the positive and all rows at or above g.
void add_precision_influence(const Scored& rows, const Ranking& r, std::int32_t c, double share,
                             std::vector<double>& influence) {
  const double area = area_under_steps(r);
  const std::size_t m = r.groups.size();
  std::vector<double> precision(m), per_row(m + 1), per_row_precision(m + 1);
  double positives = 0, all = 0;
  for (std::size_t g = 0; g < m; ++g) {
    positives += r.groups[g].positive;
    all += r.groups[g].positive + r.groups[g].negative;
    precision[g] = positives / all;
    per_row[g] = r.groups[g].positive / all;
    per_row_precision[g] = per_row[g] * precision[g];
  }
  for (std::size_t g = m; g-- > 0;) {  // a row changes the precision of every group at or below its own
    per_row[g] += per_row[g + 1];
    per_row_precision[g] += per_row_precision[g + 1];
  }
  for_each_ranked(rows, r, c, [&](std::int64_t row, bool is_positive, std::size_t g) {
    const double own = is_positive ? precision[g] - area + per_row[g] : 0.0;
    influence[static_cast<std::size_t>(row)] +=
        share * weight_of(rows, row) * (own - per_row_precision[g]) / r.positive;
  });
}

// Independent rows of the class and of the others, as far as their weights allow.
struct ClassUnits {
  double positive = 0, negative = 0;
};
ClassUnits class_units(const Scored& rows, std::int32_t c) {
  std::vector<double> of_class(static_cast<std::size_t>(rows.size())), of_rest(of_class.size());
  for (std::int64_t i = 0; i < rows.size(); ++i)
    (label_of(rows, i) == c ? of_class : of_rest)[static_cast<std::size_t>(i)] = weight_of(rows, i);
  return {effective_units(rows, of_class), effective_units(rows, of_rest)};
}

// A ranking without one mistake shows no variance. Newcombe (2006, method 5): near the value 1 the variance
// of the area is that of a proportion on so many rows.
double roc_units_at_one(const ClassUnits& u) {
  return u.positive * u.negative / (1 + (u.positive + u.negative - 2) / 4);
}

template <class AddInfluence, class UnitsAtOne>
Bounds area_bounds(const Scored& rows, double value, AddInfluence&& add_influence,
                   UnitsAtOne&& units_at_one) {
  const auto classes = ranked_classes(rows);
  std::vector<double> influence(static_cast<std::size_t>(rows.size()));
  double fewest = std::numeric_limits<double>::infinity();
  for (const std::int32_t c : classes) {
    add_influence(rows, *rank(rows, c), c, 1.0 / static_cast<double>(classes.size()), influence);
    fewest = std::min(fewest, units_at_one(class_units(rows, c)));
  }
  return bounded_interval(value, spread(rows, influence), fewest);
}

// Rows that each count once need no sorted order of rows: the integer pass gives area and variance.
bool plain_binary(const Scored& rows) {
  return rows.task == Task::binary && rows.weights.empty() && rows.size() < (std::int64_t{1} << 31);
}
std::optional<RankingArea> plain_area(const Scored& rows) {
  return ranking_area(rows.probabilities.data() + rows.positive, rows.num_classes, rows.labels.data(),
                      rows.size(), rows.positive);
}

}  // namespace

Value roc_auc(const Scored& rows) {
  if (plain_binary(rows)) {
    const auto area = plain_area(rows);
    return area ? Value(area->value) : std::nullopt;
  }
  return average_over_classes(rows, [&](std::int32_t c) -> Value {
    const auto ranking = rank(rows, c);
    return ranking && ranking->defined() ? Value(area_under_roc(*ranking)) : std::nullopt;
  });
}

Value average_precision(const Scored& rows) {
  return average_over_classes(rows, [&](std::int32_t c) -> Value {
    const auto ranking = rank(rows, c);
    return ranking && ranking->positive > 0 ? Value(area_under_steps(*ranking)) : std::nullopt;
  });
}

Bounds roc_auc_bounds(const Scored& rows, double value) {
  if (plain_binary(rows) && rows.groups.empty()) {
    const auto area = plain_area(rows);
    const ClassUnits units{static_cast<double>(area->positives), static_cast<double>(area->negatives)};
    const double variance = std::isnan(area->variance) ? 0 : area->variance;
    return bounded_interval(value, {variance, rows.size()}, roc_units_at_one(units));
  }
  return area_bounds(rows, value, add_roc_influence, roc_units_at_one);
}

Bounds average_precision_bounds(const Scored& rows, double value) {
  return area_bounds(rows, value, add_precision_influence, [](const ClassUnits& u) { return u.positive; });
}

}  // namespace cairn::metric_detail
