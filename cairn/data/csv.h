// Tables in delimited text: comma, tab, semicolon, bar or blanks between the cells, plain or as .gz or .zst.
//
//   ReadResult penguins = read_csv("penguins.csv");
//   penguins.table.column("species").levels();   // {"Adelie", "Chinstrap", "Gentoo"}
//   penguins.schema.columns[0].reason;           // "3 distinct texts in 344 rows"
#pragma once

#include <string>
#include <string_view>

#include "cairn/data/reader.h"

namespace cairn {

// Every row is checked; the kind of a column fits all of its cells, not a sample of them. The result is the
// same for any number of threads. "-" is standard input. DataError names file and line; UsageError is about
// the options.
ReadResult read_csv(const std::string& path, const ReadOptions& options = {});

// The same for text in memory; `name` stands for the file in messages.
ReadResult read_csv_text(std::string_view text, const std::string& name, const ReadOptions& options = {});

extern const Reader kCsvReader;

}  // namespace cairn
