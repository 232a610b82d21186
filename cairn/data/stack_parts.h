// Tables in parts, one below the other: the files of a folder as one table in parts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/data/table_parts.h"

namespace cairn {

struct NamedParts {
  std::string name;  // the file, for messages
  std::shared_ptr<TableParts> parts;
};

// The table that stack_rows() makes of the whole tables: columns by name, in the order of the first; kinds
// and levels of all their cells, for which columns of texts and categories are passed once more. `told` is
// what the files say beside that: its table and schema are made here, and what there is to say of joined
// columns is added to its warnings. DataError: names that differ.
std::unique_ptr<TableParts> stack_parts(std::vector<NamedParts> tables, ReadResult told,
                                        const ReadOptions& options);

}  // namespace cairn
