// What a model of a quantity offers beside its prediction when it knows the target's whole distribution.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/table.h"

namespace cairn {

// The column of a level in a table of predictions: "q_0.1".
std::string quantile_column(double level);
// The levels of a parameter `quantiles` as a person types them, ascending: "0.1,0.9" and "0.5" are three.
// UsageError names learner and level: outside (0, 1), twice, or too many.
std::vector<double> parse_levels(std::string_view learner, const std::vector<std::string>& texts);
// The prediction of a model of levels: the quantile nearest to the median, then q_<level> each. predicted
// [n * levels], row after row; quantiles that cross are put in order.
Table quantile_table(std::span<const double> levels, std::vector<double> predicted);

class QuantileModel {
 public:
  virtual ~QuantileModel() = default;
  // A column q_<level> for each level in (0, 1), in the order given: the value that the target of such a row
  // stays below with that probability. UsageError for a level outside.
  virtual Table quantiles(const Table& table, std::span<const double> levels) const = 0;
};

}  // namespace cairn
