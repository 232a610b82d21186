// Readers: from bytes of some format to a table. One table of them (builtin/readers.cpp); the format is told
// from the content, not the name.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/progress.h"
#include "cairn/base/stop.h"
#include "cairn/data/schema.h"
#include "cairn/data/table.h"

namespace cairn {

// Everything a person can steer; an empty field means "guess, and say what was guessed".
struct ReadOptions {
  std::string header;     // "yes" | "no" | ""
  std::int64_t skip = 0;  // lines before the table begins
  std::string separator;  // one character, or "tab"
  std::string quote;      // "none", or one character; default '"'
  std::string comment;    // a line that begins with it is no row
  std::vector<std::string>
      na;  // spellings of a missing value, beside the empty field; default: NA, NaN, null, ?, ...
  std::map<std::string, ColumnKind> types;  // column -> kind
  char decimal = 0;                         // '.' or ','
  char thousands = 0;                       // the sign between groups of three digits; 0: there are none
  std::string missing = "error";   // what a cell that does not fit its type becomes: "error" | "missing"
  std::uint64_t max_memory = 0;    // bytes; 0: no limit stated
  bool sha256 = true;              // name the bytes read in the result, at the price of a pass over them
  const Schema* schema = nullptr;  // a model's: its columns are read as these kinds
  std::map<std::string, std::string> arguments;  // of `name:file?a=b&c=d`: what the reader's list names
  StopToken stop;
  Progress* progress = nullptr;
};

struct ReadResult {
  Table table;
  Schema schema;                     // with the reason for each kind
  std::vector<std::string> guesses;  // "separator: tab", "header: yes (line 1 has no numbers, line 2 has 4)"
  std::vector<Warning> warnings;
  std::string sha256;  // of the bytes read
  // What data that know it say themselves: the column to predict, the one whose equal cells belong
  // together, the columns that only name a row, and rows set apart for the test.
  std::string target, group;
  std::vector<std::string> id;
  std::optional<Table> test;
};

class TableParts;  // cairn/data/table_parts.h

struct Reader {
  const char* name;  // "csv"
  const char* doc;
  bool (*sniff)(
      std::string_view first_bytes);  // at most 64 KiB, already decompressed; null: never by content
  ReadResult (*read)(const std::string& path, const ReadOptions& options);  // "-" is standard input
  bool (*sniff_folder)(const std::string& path) = nullptr;                  // null: reads no folders
  std::vector<std::string> arguments = {};                                  // that `name:file?...` may hold
  std::string whole_argument = {};  // one that takes all behind it: SQL holds ? and & of its own
  bool many_files = false;          // `name:` may be followed by several files with commas between
  // Tables beyond memory, in parts of about so many bytes of the content; all rows are kept where they take
  // no more than so many bytes. Null, as what it returns may be: only as a whole.
  std::unique_ptr<TableParts> (*parts)(const std::string& path, const ReadOptions& options,
                                       std::size_t part_bytes, std::uint64_t kept_bytes) = nullptr;
};

}  // namespace cairn
