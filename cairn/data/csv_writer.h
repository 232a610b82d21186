// Tables as CSV text (RFC 4180): what read_csv reads back to the same cells.
#pragma once

#include <string>

#include "cairn/data/table.h"

namespace cairn {

struct WriteOptions {
  char separator = ',';
  bool header = true;
};

// Numbers with the fewest digits that read back the same; cells are quoted when they hold the separator, a
// quote, a line end, blanks at their ends. Missing values are empty cells.
std::string csv_text(const Table& table, const WriteOptions& options = {});

// Whole or absent (AtomicFile); "-" is standard output.
void write_csv(const Table& table, const std::string& path, const WriteOptions& options = {});

}  // namespace cairn
