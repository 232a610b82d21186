// Whether rows come in an order of time: then a model will be asked about later rows, and a random split
// judges it on rows whose neighbours it has seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cairn/data/dataset.h"

namespace cairn {

struct TimeOrder {
  std::string column;     // what --time would name
  bool is_date = false;   // else a number that grows from row to row
  bool in_order = false;  // the rows stand in its order
  // How alike the targets of neighbours in time are: of numbers the correlation of their ranks, of classes
  // by how much neighbours agree more often than chance, as a share of what is possible. NaN without a
  // target.
  double alike = 0;
  double p = 1;  // of a likeness so great by chance (normal approximation, one-sided)
};

// A date column; else a number that never falls from row to row and is called after time or grows by
// mostly even steps, where neighbours' targets are alike (p < 0.0001) and rows are not simply sorted by the
// target. Nothing with a role of time or group, or fewer than 30 rows.
std::optional<TimeOrder> find_time_order(const Dataset& data);

// The `most` rows of latest time, ascending; of one time those that stand later in the table. A row without a
// time counts as the earliest.
std::vector<std::int64_t> latest_rows(const Column& column, std::int64_t most);

}  // namespace cairn
