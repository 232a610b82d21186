// Tables of the same columns, one below the other: the files of a folder as one table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/data/reader.h"

namespace cairn {

struct NamedTable {
  std::string name;  // the file, for messages
  Table table;
  std::vector<std::string> declared = {};  // categories by the file's word, and not by their cells
};

// Columns are found by name, in the order of the first table. A column of one kind everywhere is joined as it
// is, and so are numbers with whole numbers and a category that each table declares; texts and other
// categories, and kinds that differ, are typed again over all cells, as if they stood in one file. DataError:
// names that differ, with all differences; columns of features or images.
ReadResult stack_rows(std::vector<NamedTable> tables, const ReadOptions& options);

// DataError with all differences where the tables have other columns than each other, in whatever order.
void require_same_columns(const NamedTable& first, const NamedTable& other);

// Tables of the same columns, kinds and levels, such as parts of one, one below the other. At least one.
Table stack_alike(std::vector<Table> tables);

// Tables that grow into one without holding many small ones, each with its own list of levels.
class GrowingTable {
 public:
  void add(Table rows);  // of the columns, kinds and levels of those before
  std::int64_t num_rows() const { return num_rows_; }
  Table take() &&;  // what was added; at least one table, be it without rows

 private:
  std::vector<Table> pieces_;
  std::int64_t num_rows_ = 0;
};

// About how many bytes of memory the cells take.
std::uint64_t bytes_of(const Table& table);

}  // namespace cairn
