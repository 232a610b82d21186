// Cells gathered from a file that is no delimited text (JSON lines, ARFF, a data base's rows), typed by the
// same rules as those of a text table: the same cells give the same table.
//
//   CellBlock block;
//   block.set(block.add_column("age"), "41");
//   block.end_row(17);                              // the line, for messages
//   ReadResult read = table_of_cells({std::move(block)}, {.where = "people.jsonl"}, options);
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/reader.h"

namespace cairn {

// The rows of one piece of a file, a few MB of it. A cell is text as it would stand in a text table; "" is
// missing. Filled by one thread; blocks of one file may be filled side by side.
class CellBlock {
 public:
  // Earlier rows have no value in it. Names may be given again by other blocks, in another order.
  // A row whose cell was not set has `absent` in it, where that is given; where it was set to "", nothing.
  std::size_t add_column(std::string name, std::string absent = {});
  std::size_t num_columns() const { return columns_.size(); }
  const std::string& name(std::size_t column) const { return columns_[column].name; }
  // The cell of the row that is open; false when it has one already. ResourceError when the column's text
  // passes 4 GB.
  bool set(std::size_t column, std::string_view text);
  // Cells that were not set cost nothing. `line` is the row's line in its block, or its number.
  void end_row(std::int64_t line);

  std::int64_t num_rows() const { return rows_; }
  std::string_view cell(std::size_t column, std::int64_t row) const;
  std::int64_t line(std::int64_t row) const { return lines_[static_cast<std::size_t>(row)]; }
  void move_lines(std::int64_t by);  // a block's lines begin where the one before it ended
  std::uint64_t bytes() const;       // of memory

 private:
  struct Cells {
    std::string name;
    std::string text;
    std::vector<std::uint32_t> ends;  // behind each row's cell, up to the last row that has one
    std::string absent;
    std::vector<std::int64_t> emptied;  // rows set to "", where there is an `absent`
  };
  std::vector<Cells> columns_;
  std::vector<std::int64_t> lines_;
  std::int64_t rows_ = 0;
};

// Blocks of the same columns, filled row by row: another begins after 65,536 rows or 64 MB, whichever is
// first. ResourceError as soon as all cells together are more than --max-memory, or than any input may be.
class CellBlocks {
 public:
  CellBlocks(std::vector<std::string> names, std::string where, const ReadOptions& options);
  void set(std::size_t column, std::string_view text);
  void end_row(std::int64_t line);
  std::vector<CellBlock> take() { return std::move(blocks_); }

 private:
  void begin_block();
  std::vector<std::string> names_;
  std::string where_;
  std::uint64_t most_, held_ = 0, open_ = 0;  // held: of all blocks; open: of the last one
  std::int64_t rows_ = 0;
  std::vector<CellBlock> blocks_;
};

// A column that says itself what it is. Numbers that are all whole are integers, as in a text table.
struct DeclaredColumn {
  std::string name;
  ColumnKind kind = ColumnKind::number;
  std::string by;  // "the ARFF header"
};

// The columns of all blocks in order of their first appearance, or exactly `names` where they are given.
// `where` is the file in messages, which name a row "where:line", or "where, row 17" by `row_word`. The kinds
// that the file declares give way to
// --types and a model's schema. DataError: no rows, a cell that is not what its column must be.
// ResourceError: a table far larger than what is stated, because hardly any row has a value in a column.
struct CellSource {
  std::string where;
  std::string row_word = {};
  std::vector<std::string> names = {};
  std::vector<DeclaredColumn> declared = {};
};
ReadResult table_of_cells(std::vector<CellBlock> blocks, const CellSource& source,
                          const ReadOptions& options);

// Refuses a zero byte and what is not UTF-8 (other encodings with the way out), with its line.
void require_text(std::string_view text, const std::string& where);

// As a text table would spell it: shortest digits that read back the same, always with a point or an
// exponent.
std::string decimal_text(double value);
// A cell as it would stand in a text table; empty where it is missing.
std::string cell_text(const Column& column, std::int64_t row);

// Shortened, control characters escaped: fit for a message.
std::string printable(std::string_view cell);

}  // namespace cairn
