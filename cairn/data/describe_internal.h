// What describing a table in memory and in parts share.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/data/describe.h"

namespace cairn::describe_detail {

inline constexpr std::size_t kExamples = 3;
inline constexpr std::int64_t kFewValues =
    20;  // integers with at most this many values are listed like levels

struct Level {
  std::string_view name;
  std::int64_t count = 0;
  std::int64_t place = 0;  // where it was first met: decides among equal counts
};

Json object_of(std::size_t fields);  // with room for them: a table may have very many columns
bool is_ordered(ColumnKind kind);    // number, integer, date
std::vector<double> present_numbers(const Column& c);
Json number_json(double v);  // null where it is not finite
// A value of a column as a person would see it: numbers as numbers, dates as text.
Json value_json(ColumnKind kind, double v);
std::string shown(std::string_view text);  // long texts are cut, at the beginning of a character

// Bins of equal width from `low` to `high`; the last one is closed. Where all values are equal, there is one.
class Histogram {
 public:
  Histogram(double low, double high, int bins);
  void add(double value);
  Json json(ColumnKind kind) const;  // null where the width is beyond the range of numbers

 private:
  double low_, high_, width_;
  std::vector<std::int64_t> counts_;
};

// Adds "levels", the most frequent first, and "other", the rows of those beyond `most`.
void put_levels(std::vector<Level> levels, std::size_t most, Json& json);
// Such a list of whole numbers [value, rows], ascending.
void put_few_values(const std::vector<std::pair<double, std::int64_t>>& values, std::size_t most, Json& json);
std::int64_t characters_in(std::string_view text);  // of UTF-8
// Appends the first cells that differ, until there are kExamples of them.
void add_examples(const Column& c, std::vector<std::string>& examples);

}  // namespace cairn::describe_detail
