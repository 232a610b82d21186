// Tables in delimited text: comma, tab, semicolon, bar or blanks between the cells, plain or as .gz or .zst.
//
//   ReadResult penguins = read_csv("penguins.csv");
//   penguins.table.column("species").levels();   // {"Adelie", "Chinstrap", "Gentoo"}
//   penguins.schema.columns[0].reason;           // "3 distinct texts in 344 rows"
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "cairn/data/reader.h"
#include "cairn/data/table_parts.h"

namespace cairn {

// Every row is checked; the kind of a column fits all of its cells, not a sample of them. The result is the
// same for any number of threads. "-" is standard input. DataError names file and line; UsageError is about
// the options.
ReadResult read_csv(const std::string& path, const ReadOptions& options = {});

// The same for text in memory; `name` stands for the file in messages.
ReadResult read_csv_text(std::string_view text, const std::string& name, const ReadOptions& options = {});

// The same table in parts of about so many bytes of the text, which is read as a whole once to find the kinds
// and levels of all cells, in bounded memory, and a part at a time from then on. Compressed text is unpacked
// into a temporary file for that (open_mapped). Rows that take no more than `kept_bytes` together are kept,
// for take_whole(). Null for what is no file: standard input cannot be read again. ResourceError: --types
// asks for a category of more levels than memory should hold; no room on the disk.
std::unique_ptr<TableParts> csv_parts(const std::string& path, const ReadOptions& options,
                                      std::size_t part_bytes, std::uint64_t kept_bytes = 0);

extern const Reader kCsvReader;

}  // namespace cairn
