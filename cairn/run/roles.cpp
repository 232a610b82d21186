#include "cairn/run/roles.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"

namespace cairn {
namespace {

void append_parts(const std::string& text, std::vector<std::string>& names) {
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    if (comma > begin) names.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
}

}  // namespace

std::vector<std::string> column_list(const std::vector<std::string>& texts, const Table& table) {
  std::vector<std::string> names;
  for (const std::string& text : texts) {
    if (table.find(text))
      names.push_back(text);
    else
      append_parts(text, names);
  }
  return names;
}

std::string target_of(const std::string& asked, const ReadResult& read) {
  if (!asked.empty()) return asked;
  if (!read.target.empty()) return read.target;
  const Table& table = read.table;
  throw UsageError("--target", "no column to predict was named",
                   table.num_columns() > 0 ? fmt::format("The last column is '{}': --target {}.",
                                                         table.names().back(), table.names().back())
                                           : "");
}

}  // namespace cairn
