// The items of a list that a person types in one word or in several: {"a,b", "c"} are three.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace cairn {

inline std::vector<std::string> split_commas(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts)
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t comma = std::min(text.find(',', begin), text.size());
      items.push_back(text.substr(begin, comma - begin));
      begin = comma + 1;
    }
  return items;
}

}  // namespace cairn
