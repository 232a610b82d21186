// The columns of a table that is read in parts: what the parts tell together, and each part in the form of
// the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cairn/data/csv_columns_internal.h"
#include "cairn/data/table.h"

namespace cairn {

// Levels of a category that --types asks for: beyond these it would be no table in bounded memory.
inline constexpr std::int64_t kMostStatedLevels = 1'000'000;

// What the parts told of one column so far.
class ColumnTally {
 public:
  explicit ColumnTally(const ColumnPlan& plan);

  // A part of it. `plan` says how it was read: as strings, the column is text or category. ResourceError for
  // more levels than kMostStatedLevels.
  void add(const ColumnSpec& spec, const Column& column, const ColumnPlan& plan);
  // An earlier part was read as another kind than the column now has.
  bool stale() const { return stale_; }
  // The column of the whole table. `plan` is told the kind of strings, so that every part has the same.
  ColumnSpec spec(ColumnPlan& plan, const CellRules& rules, std::vector<Warning>& warnings) const;

 private:
  void add_strings(const Column& column, const ColumnPlan& plan);
  std::int64_t values_ = 0, missing_ = 0;
  double low_, high_;
  StringPiece strings_;
  std::vector<std::int64_t> counts_;
  bool complete_ = true, stale_ = false;
  std::optional<CellType> read_as_;
};

Column column_without_rows(const ColumnSpec& spec);

// A part of a column as `spec` says that the whole is: codes into its levels, numbers for whole numbers,
// cells as they are spelled for text and categories, and any kind for a part without a value. The levels of
// the part are among those of the whole.
Column in_form_of(const ColumnSpec& spec, const Column& part);

}  // namespace cairn
