#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "cairn/report/describe_internal.h"
#include "cairn/report/format_internal.h"
#include "cairn/report/report.h"
#include "cairn/report/terminal_internal.h"

namespace cairn {
namespace report {
namespace {

constexpr std::size_t kSpark = 12;  // terminal columns of a small histogram

// Heights in eighths; a bin that holds any row at all is seen.
std::string blocks(const std::vector<double>& heights) {
  constexpr std::array<const char*, 9> kBlocks{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double top = heights.empty() ? 0 : *std::max_element(heights.begin(), heights.end());
  std::string out;
  for (const double h : heights)
    out += kBlocks[top > 0 ? static_cast<std::size_t>(std::ceil(h / top * 8)) : 0];
  return out;
}

std::string scalar(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_number()) return kUnknown;
  const double v = value.get<double>();
  return number(v, v == std::floor(v) ? 0 : decimals_for(v));
}

std::string spark_of(const Json& column) {
  std::vector<double> heights;
  if (const auto levels = few_levels(column); !levels.empty()) {
    for (std::size_t i = 0; i < std::min(kSpark, levels.size()); ++i) heights.push_back(levels[i].count);
  } else if (const Json& counts = field(field(column, "histogram"), "counts");
             counts.is_array() && !counts.empty()) {
    const std::size_t bins = std::min(kSpark, counts.size());
    heights.assign(bins, 0);
    for (std::size_t i = 0; i < counts.size(); ++i)
      if (counts[i].is_number()) heights[i * bins / counts.size()] += counts[i].get<double>();
  } else if (text_at(column, "kind") != "text") {
    for (const Json& level : field(column, "levels"))
      if (heights.size() < kSpark) heights.push_back(number_at(level, "count").value_or(0));
  }
  return blocks(heights);
}

// A share of the rows; what is there at all is never said to be nothing.
std::string share_of(double count, std::int64_t rows) {
  const double share = rows > 0 ? count / static_cast<double>(rows) : 0;
  return share > 0 && share < 0.005 ? "< 1 %" : percent(share, 0);
}

}  // namespace

std::vector<LevelCount> few_levels(const Json& column) {
  std::vector<LevelCount> levels;
  if (number_at(column, "other").value_or(0) > 0 || text_at(column, "kind") == "text") return levels;
  for (const Json& level : field(column, "levels"))
    levels.push_back({text_at(level, "level"), number_at(level, "count").value_or(0)});
  if (text_at(column, "kind") == "integer")
    std::stable_sort(levels.begin(), levels.end(), [](const LevelCount& a, const LevelCount& b) {
      return std::strtod(a.level.c_str(), nullptr) < std::strtod(b.level.c_str(), nullptr);
    });
  return levels;
}

std::string distinct_in_words(const Json& column) {
  const double distinct = number_at(column, "distinct").value_or(0);
  const Json& estimated = field(column, "estimated");
  if (std::find(estimated.begin(), estimated.end(), Json("distinct")) == estimated.end())
    return count(static_cast<std::int64_t>(distinct));
  constexpr int kDigits = 3;  // that an estimate is good for
  const double unit =
      std::pow(10, std::max(0.0, std::floor(std::log10(std::max(1.0, distinct))) + 1 - kDigits));
  return "~ " + count(static_cast<std::int64_t>(std::round(distinct / unit) * unit));
}

std::string values_in_words(const Json& column, std::int64_t rows) {
  const Json& quantiles = field(column, "quantiles");
  std::string words;
  const auto add = [&](const std::string& part) { words += (words.empty() ? "" : ", ") + part; };
  if (text_at(column, "kind") == "image") {
    words = text_at(column, "reason");
  } else if (const auto levels = few_levels(column); !levels.empty()) {
    for (const LevelCount& l : levels) add(fmt::format("{}: {}", l.level, share_of(l.count, rows)));
  } else if (has(column, "low")) {
    words = fmt::format("{} to {}", scalar(field(column, "low")), scalar(field(column, "high")));
    if (has(quantiles, "0.25"))
      words += fmt::format("; half lie in {} to {}", scalar(field(quantiles, "0.25")),
                           scalar(field(quantiles, "0.75")));
  } else if (text_at(column, "kind") == "tensor") {
    words = fmt::format("{} features, {} of their values stated",
                        count(static_cast<std::int64_t>(number_at(column, "features").value_or(0))),
                        percent(number_at(column, "stated").value_or(0)));
    const char* before = ": ";
    for (const Json& name : field(column, "examples")) words += std::exchange(before, ", ") + scalar(name);
  } else if (text_at(column, "kind") == "text") {
    for (const Json& example : field(column, "examples")) add("“" + shortened(scalar(example), 40) + "”");
  } else {
    for (const Json& level : field(column, "levels"))
      add(fmt::format("{}: {}", text_at(level, "level"),
                      share_of(number_at(level, "count").value_or(0), rows)));
    if (const double other = number_at(column, "other").value_or(0); other > 0)
      add("others: " + share_of(other, rows));
  }
  return words;
}

}  // namespace report

std::string describe_text(const Json& description, bool colour, int width) {
  using namespace report;
  Terminal out(colour, width);
  const auto rows = static_cast<std::int64_t>(number_at(description, "rows").value_or(0));
  const Json& columns = field(description, "columns");
  const std::string name = text_at(description, "name");
  out.strong(fmt::format("{}{} rows, {} columns", name.empty() ? "" : name + ": ", count(rows),
                         count(static_cast<std::int64_t>(columns.size()))));
  out.blank();
  const bool with_target = has(description, "target");
  std::vector<std::string> headings{"column", "kind", "missing", "distinct"};
  if (with_target) headings.push_back("target");
  headings.insert(headings.end(), {"distribution", "values"});
  std::vector<std::vector<std::string>> cells;
  for (const Json& column : columns) {
    const double missing = number_at(column, "missing").value_or(0);
    std::vector<std::string> row{text_at(column, "name"), text_at(column, "kind"),
                                 missing > 0 && rows > 0 ? percent(missing / static_cast<double>(rows)) : "",
                                 distinct_in_words(column)};
    if (with_target) {
      const auto strength = number_at(field(column, "target"), "strength");
      row.push_back(text_at(column, "role") == "target" ? "is it" : strength ? number(*strength, 2) : "");
    }
    row.push_back(spark_of(column));
    row.push_back(values_in_words(column, rows));
    cells.push_back(std::move(row));
  }
  out.table_of_text(headings, cells, {2, 3, with_target ? 4U : 3U});
  if (with_target)
    out.more(fmt::format("target: the share of the differences in {} that the column tells by itself, 0 to 1",
                         text_at(description, "target")));
  if (has(description, "warnings")) out.heading("Warnings");
  for (const Json& w : field(description, "warnings")) out.item("!", text_at(w, "message"));
  if (has(description, "guesses")) out.heading("Inferred");
  for (const Json& g : field(description, "guesses"))
    out.item("-", fmt::format("{}: {}{}{}", text_at(g, "what"), text_at(g, "guess"),
                              has(g, "reason") ? " (" + text_at(g, "reason") + ")" : "",
                              has(g, "flag") ? "; " + text_at(g, "flag") + " settles it" : ""));
  return out.text();
}

}  // namespace cairn
