// Columns as a person names them on the command line.
#pragma once

#include <string>
#include <vector>

#include "cairn/data/reader.h"

namespace cairn {

// "a,b" twice is four names; a name that itself holds a comma is taken whole where the table has it.
std::vector<std::string> column_list(const std::vector<std::string>& texts, const Table& table);

// The column to predict: as said, or as the data themselves say. UsageError when neither does.
std::string target_of(const std::string& asked, const ReadResult& read);

}  // namespace cairn
