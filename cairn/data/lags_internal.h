// Rows in the order of time, each series for itself, with the past that a model keeps put before them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/data/table.h"
#include "cairn/tensor/visitor.h"

namespace cairn::lags_detail {

// The last rows of training of one series, the earliest first.
struct History {
  std::string group;  // the group's cell; "" without groups
  std::vector<double> times;
  std::vector<double> values;  // [columns, times]
  void visit(Visitor& v);
};

// What decides which rows are a row's past.
struct Order {
  std::string time, group;  // columns; group may be ""
  double longest_step = 0;  // between neighbouring training rows; 0: there was one row a series
};

// One series of a table: the history before its first row, then its rows.
struct Series {
  const History* history = nullptr;  // null: none is kept
  std::size_t from_history = 0;      // its first so many rows lie before the table's
  std::vector<std::int64_t> rows;    // of the table, by time
  std::vector<std::size_t> reach;    // of each row, how many places before it are known without a gap
};

// DataError: a row without a time, two rows of a series with one time.
std::vector<Series> series_of(const Table& table, const Order& order, const std::vector<History>& histories);

// The longest step between neighbouring rows of a series.
double longest_step(const std::vector<Series>& series, const Column& time);

// Value `back` places before row i of the series, in column `column` (its number, and its cells); NaN where
// it is not known.
double earlier(const Series& series, std::size_t i, std::size_t back, std::size_t column,
               std::span<const double> cells);

}  // namespace cairn::lags_detail
