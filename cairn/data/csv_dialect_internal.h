// How a text table is written, told from its first lines: separator, quotes, header, decimal comma.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/cells.h"
#include "cairn/data/csv_record_internal.h"
#include "cairn/data/infer.h"
#include "cairn/data/reader.h"

namespace cairn {

// What is known of a text table before its cells are converted.
struct CsvLayout {
  CsvDialect dialect;
  CellRules rules;
  std::vector<std::string> names;
  std::size_t first = 0;  // byte where the header begins, or the first row
  std::size_t body = 0;   // byte where the rows begin
  bool has_header = true;
  std::vector<std::string> guesses;
  std::vector<Warning> warnings;
  bool separator_guessed = false;
};

// Reads options and the first lines of `text` (BOM already taken off). `name` is the file in messages;
// `quote` is the quote sign to use, 0 for none. UsageError for options that cannot be; DataError for a table
// without lines or with bad names.
CsvLayout guess_layout(std::string_view text, const std::string& name, const ReadOptions& options,
                       char quote);

// Refuses what is no UTF-8 text at all: UTF-16 and UTF-32, by their marks or their zero bytes.
void refuse_other_encodings(std::string_view text, const std::string& name);

// Number of the line, from 1, on which byte `at` stands.
std::int64_t line_of(std::string_view text, std::size_t at, char newline);

char quote_option(const ReadOptions& options);  // 0 for none; '"' when not stated

}  // namespace cairn
