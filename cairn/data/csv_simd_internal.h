// The vector side of reading text tables: counting line ends, finding cells, converting plain decimal
// numbers. It takes the rows that need no rules (no quotes, as many cells as columns); every other row goes
// through RecordReader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace cairn {

// What a stretch of bytes tells without knowing whether it begins inside quotes: [0] if outside, [1] if
// inside.
struct Stretch {
  bool odd_quotes = false;
  std::int64_t line_ends[2] = {0, 0};
  std::size_t first[2] = {static_cast<std::size_t>(-1), static_cast<std::size_t>(-1)};  // the first line end
};
Stretch scan_stretch(std::string_view text, std::size_t begin, std::size_t end, char newline, char quote);

enum class PlainHow : std::uint8_t { skip, number, integer, other };

struct PlainColumn {
  PlainHow how = PlainHow::skip;
  void* to = nullptr;  // double or int64, the slot of the region's first row
};

struct PlainRows {
  // A cell that is no short decimal number, with the blanks around it.
  void* owner = nullptr;
  void (*other_cell)(void* owner, std::size_t column, std::size_t begin, std::size_t end) = nullptr;

  const char* text = nullptr;
  std::size_t size = 0;  // of the whole text: how far may be looked ahead
  char separator = ',', newline = '\n', quote = '"', decimal = '.', comment = 0;
  std::vector<PlainColumn> columns;

  std::size_t at = 0;      // the row to read next
  std::int64_t rows = 0;   // read so far, plain or not
  bool odd_bytes = false;  // zeros or bytes beyond ASCII were met

  // Reads rows from `at` until `end` or a row that is not plain.
  void read(std::size_t end);

  // Places of separators, line ends and quotes from `at` on, and which of them are line ends or quotes.
  std::vector<std::size_t> marks, breaks;
  std::size_t next_mark = 0, num_marks = 0, next_break = 0, num_breaks = 0;
  std::size_t scanned = 0;  // marks are known up to here
};

}  // namespace cairn
