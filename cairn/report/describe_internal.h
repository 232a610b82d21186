// What the two forms of a description share.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/json.h"

namespace cairn::report {

struct LevelCount {
  std::string level;
  double count = 0;
};
// The levels of a column of few values, numbers ascending and others by how often they stand; empty for other
// columns.
std::vector<LevelCount> few_levels(const Json& column);

// How many values differ: "3", or "~ 1,230,000" where that is estimated.
std::string distinct_in_words(const Json& column);

// A column in words: "2.5 to 80; half lie in 20.1 to 38", "male: 65 %, female: 35 %", or examples of a text.
std::string values_in_words(const Json& column, std::int64_t rows);

}  // namespace cairn::report
