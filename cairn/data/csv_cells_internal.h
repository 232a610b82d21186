// Cells become columns: the passes that find the narrowest kind which fits every cell of a column. What text
// tables and other formats of cells share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/csv_columns_internal.h"
#include "cairn/data/reader.h"

namespace cairn {

// What one region gave.
struct CellResult {
  std::int64_t rows = 0;
  std::vector<ColumnPiece> columns;
  std::vector<std::int64_t> na_counts;  // by spelling; the last one is the empty cell
};

// What is done with the cells in one pass, the same for all regions.
struct CellPass {
  const CellRules* rules = nullptr;
  const std::vector<ColumnPlan>* plans = nullptr;
  const std::vector<std::uint8_t>* active = nullptr;  // columns whose cells are converted in this pass
  ColumnStore* store = nullptr;
  bool unfit_is_missing = false;
  bool first_pass = true;      // counts missing cells
  bool missing_first = false;  // some spelling of a missing value could be a value, such as -999
};

// Converts the cells of one region. `first_slot` is where its rows begin, `lines` how many it has at most.
class CellConverter {
 public:
  CellConverter(const CellPass& pass, std::int64_t first_slot, std::int64_t lines, CellResult& result);
  // `row` counts from the region's beginning; `position` is kept for the first cell that cannot be read.
  void convert(std::size_t column, std::int64_t row, std::string_view text, std::size_t position);

 private:
  bool take_missing(std::string_view text, std::size_t c, std::int64_t row);
  void set_missing(std::size_t c, std::int64_t row);
  bool store_value(std::size_t c, std::int64_t slot, std::string_view text);
  bool store_date(std::size_t c, std::int64_t slot, std::string_view text);
  const CellPass& pass_;
  CellResult& result_;
  std::int64_t first_slot_;
};

// The columns of a table while their kinds are found.
class ColumnTyping {
 public:
  // How the columns are read: by --types, by a model's schema, or as their cells turn out. UsageError for a
  // stated column that is not there or of a kind that cells cannot have.
  ColumnTyping(const std::vector<std::string>& names, CellRules rules, const ReadOptions& options,
               std::string name);

  std::vector<ColumnPlan>& plans() { return plans_; }
  void look_at(std::size_t column, std::string_view cell);  // narrows the first guess

  // Before the first pass over so many rows at most, of a table or of its next part. `held` are bytes that
  // stay in memory beside the columns. ResourceError beyond --max-memory.
  void start(std::int64_t slots, std::uint64_t held, const std::vector<CellResult*>& results);
  // Calls `pass` for all columns, then again for those in which some cell did not fit; until it returns false
  // or all fit. What later parts will hold is not known when `more` of them are to come: dates that may begin
  // with the day or the month then wait.
  bool run(const std::function<bool(const CellPass&)>& pass, bool more = false);
  // DataError for the first cell that is not what was asked for, or no finite number. `place` and `cell` tell
  // about the cell at a position.
  void check(const std::function<std::string(std::size_t)>& place,
             const std::function<std::string(std::size_t)>& cell) const;
  // Table, schema and the warnings about single columns. `slots`: where the rows of each region began.
  void finish(const std::vector<std::int64_t>& slots, ReadResult& result);
  // "missing: empty (3 cells)" as a guess, and warnings of cells that were made missing: in all that was
  // finished.
  void report(ReadResult& result) const;
  void forget_counts();  // of missing cells: the table is read from its beginning again

 private:
  bool widen(bool more);
  std::string name_;
  CellRules rules_;
  const ReadOptions& options_;
  std::vector<ColumnPlan> plans_;
  std::vector<std::uint8_t> active_;
  std::vector<CellResult*> results_;
  std::unique_ptr<ColumnStore> store_;
  std::vector<std::int64_t> na_counts_, unfit_;  // of the parts finished: by spelling, and by column
  bool missing_first_ = false;
};

}  // namespace cairn
