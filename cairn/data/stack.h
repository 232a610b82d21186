// Tables of the same columns, one below the other: the files of a folder as one table.
#pragma once

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
// is, and so is a category that each table declares; texts and other categories, and kinds that differ, are
// typed again over all cells, as if they stood in one file. DataError: names that differ, with all
// differences; columns of features or images.
ReadResult stack_rows(std::vector<NamedTable> tables, const ReadOptions& options);

// Tables of the same columns, kinds and levels, such as parts of one, one below the other. At least one.
Table stack_alike(std::vector<Table> tables);

}  // namespace cairn
