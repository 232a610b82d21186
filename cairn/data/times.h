// What puts rows in the order of time: the numbers behind a column that --time names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cairn/data/column.h"

namespace cairn {

// Dates and numbers as they are. Text whose cells differ in nothing but whole numbers ("1-01",
// "2019-Q3", "week 7"): those from left to right, the first counting most, as one number; only its order has
// a meaning. Missing stays missing. DataError: text of another kind, whose order nothing tells.
Column times_of(const Column& column);

// The same of a column whose parts come one after another: text is of one form in all of them.
class TimesOfParts {
 public:
  // The part's first row has this number in the table, for messages.
  Column of(const Column& part, std::int64_t first_row);

 private:
  std::optional<std::string> words_;  // what stands between the numbers of the first cell
  std::string first_;                 // that cell
};

}  // namespace cairn
