// What a model of a quantity offers beside its prediction when it knows the target's whole distribution.
#pragma once

#include <span>
#include <string>

#include "cairn/data/table.h"

namespace cairn {

// The column of a level in a table of predictions: "q_0.1".
std::string quantile_column(double level);

class QuantileModel {
 public:
  virtual ~QuantileModel() = default;
  // A column q_<level> for each level in (0, 1), in the order given: the value that the target of such a row
  // stays below with that probability. UsageError for a level outside.
  virtual Table quantiles(const Table& table, std::span<const double> levels) const = 0;
};

}  // namespace cairn
