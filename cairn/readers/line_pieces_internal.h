// Text cut into pieces of whole lines, which are read side by side. Their shape depends on the text alone.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace cairn::readers_detail {

inline std::vector<std::string_view> line_pieces(std::string_view text,
                                                 std::size_t bytes = std::size_t{1} << 20) {
  std::vector<std::string_view> list;
  while (!text.empty()) {
    std::size_t end = text.size() <= bytes ? std::string_view::npos : text.find('\n', bytes);
    end = end == std::string_view::npos ? text.size() : end + 1;
    list.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return list;
}

// Takes the next line off the front of `text`, without its line end.
inline std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace cairn::readers_detail
