// What kind of values a column of cells holds: told from every cell, with the reason in words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/column.h"

namespace cairn {

// How cells are spelled.
struct CellRules {
  char decimal = '.';
  char thousands = 0;           // 0: digits are not grouped
  std::vector<std::string> na;  // spellings of a missing value, beside the empty cell

  // Index into na, na.size() for the empty cell, or -1 when the cell holds a value.
  int missing_spelling(std::string_view cell) const;
};

// What pandas takes for missing, and the question mark of the UCI archive.
const std::vector<std::string>& default_na();

// The ways to read a cell, from the narrowest to the widest; a column is read the narrowest way that fits all
// its cells.
enum class CellType : std::uint8_t {
  boolean,
  integer,
  number,
  iso_date,
  day_first_date,
  month_first_date,
  string
};
inline constexpr int kNumCellTypes = 7;
ColumnKind kind_of(CellType type);  // string: text

// A set of cell types, one bit each. The set of a column is the intersection of the sets of its cells.
using CellTypes = std::uint8_t;
inline constexpr CellTypes kAllCellTypes = (1U << kNumCellTypes) - 1;
constexpr CellTypes bit_of(CellType type) {
  return static_cast<CellTypes>(1U << static_cast<unsigned>(type));
}
constexpr bool accepts(CellTypes types, CellType type) { return (types & bit_of(type)) != 0; }
CellType narrowest(CellTypes types);                                // of a set that is not empty
CellTypes types_of(std::string_view cell, const CellRules& rules);  // of a cell that is not missing
CellTypes types_of(ColumnKind kind);  // how cells of a column that must be of this kind may be read

enum class NumberStatus : std::uint8_t {
  ok,
  not_a_number,
  not_finite
};  // not_finite: infinity, NaN, or beyond f64
// Decimal text, the nearest double (fast_float). Blanks around are not allowed.
NumberStatus parse_number(std::string_view cell, const CellRules& rules, double& value);
bool parse_integer(std::string_view cell, const CellRules& rules, std::int64_t& value);  // fits 64 bits
bool parse_boolean(std::string_view cell, std::uint8_t& value);  // true, True, TRUE, false, ...
// Seconds since 1970 in UTC. iso_date: 2024-05-31, 2024-05, 2024/05/31, 2024-05-31T12:30[:59[.5]][Z|+02:00],
// or a blank for the T; fractions of a second are dropped. day_first_date and month_first_date: 31/5/2024,
// with / . or -.
bool parse_date(std::string_view cell, CellType type, std::int64_t& seconds);

// Category or text: many distinct values, or long ones with blanks between words, are text.
struct TextFacts {
  std::int64_t rows = 0;      // not missing
  std::int64_t distinct = 0;  // exact up to kMaxLevels
  double mean_length = 0;     // bytes, of the distinct values
  double mean_words = 0;      // of the distinct values
};
inline constexpr std::int64_t kMaxLevels = 10000;
ColumnKind category_or_text(const TextFacts& facts);

// "all 344 values are numbers", "3 distinct texts in 344 rows".
std::string reason_for(ColumnKind kind, std::int64_t rows, std::int64_t distinct);

}  // namespace cairn
