#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/report/describe_internal.h"
#include "cairn/report/format_internal.h"
#include "cairn/report/report.h"
#include "cairn/report/sections_internal.h"

namespace cairn {
namespace report {
namespace {

constexpr std::size_t kMostCharts =
    60;  // a page of more charts is slow to open; the table names every column

// Labels of a histogram's bins: where each begins.
Json bin_labels(const Json& histogram, std::size_t bins) {
  Json labels = Json::array();
  const auto low = number_at(histogram, "low"), high = number_at(histogram, "high");
  for (std::size_t i = 0; i < bins; ++i) {
    if (low && high) {
      // As many decimals as tell one bin from the next.
      const double width = (*high - *low) / static_cast<double>(bins);
      const int decimals = width > 0 ? std::clamp(static_cast<int>(std::ceil(-std::log10(width))), 0, 12) : 0;
      labels.push_back(number(*low + width * static_cast<double>(i), decimals));
    } else {
      labels.push_back(i == 0 ? text_at(histogram, "low") : i + 1 == bins ? text_at(histogram, "high") : "");
    }
  }
  return labels;
}

void add_distribution(Page& page, const Json& column) {
  constexpr int kHeight = 110;
  const std::string name = text_at(column, "name");
  std::vector<LevelCount> levels = few_levels(column);
  if (levels.empty() && text_at(column, "kind") == "category")
    for (const Json& level : field(column, "levels"))
      levels.push_back({text_at(level, "level"), number_at(level, "count").value_or(0)});
  if (levels.size() > 1) {
    Json labels = Json::array(), values = Json::array();
    for (const LevelCount& l : levels) {
      labels.push_back(l.level);
      values.push_back(l.count);
    }
    page.chart(
        {{"kind", "bins"}, {"labels", labels}, {"values", values}, {"gap", true}, {"series", Json::array()}},
        "", fmt::format("Rows of each level of {}.", name), kHeight, "");
  } else if (const Json& counts = field(field(column, "histogram"), "counts");
             counts.is_array() && counts.size() > 1) {
    page.chart({{"kind", "bins"},
                {"labels", bin_labels(field(column, "histogram"), counts.size())},
                {"values", counts},
                {"series", Json::array()}},
               "", fmt::format("Histogram of {} in {} bins.", name, counts.size()), kHeight, "");
  }
}

void add_columns(Page& page, const Json& description, std::int64_t rows) {
  const Json& columns = field(description, "columns");
  if (!columns.is_array() || columns.empty()) return;
  page.open_section("columns", "Columns",
                    columns.size() <= kMostCharts
                        ? std::string("What each holds, and why it was taken for its kind.")
                        : fmt::format("The first {} of {}.", kMostCharts, columns.size()));
  page.add("<div class=\"columns\">\n");
  for (std::size_t i = 0; i < std::min(columns.size(), kMostCharts); ++i) {
    const Json& column = columns[i];
    std::string about = text_at(column, "kind");
    if (has(column, "reason")) about += fmt::format(" ({})", text_at(column, "reason"));
    if (has(column, "distinct")) about += fmt::format(", {} distinct", distinct_in_words(column));
    if (const double missing = number_at(column, "missing").value_or(0); missing > 0 && rows > 0)
      about += fmt::format(", {} missing", percent(missing / static_cast<double>(rows)));
    page.add(fmt::format("<article><h3 class=\"name\">{}</h3><p>{}</p>\n", escaped(text_at(column, "name")),
                         escaped(about)));
    add_distribution(page, column);
    if (const std::string words = values_in_words(column, rows); !words.empty())
      page.add("<p class=\"name\">" + escaped(words) + "</p>\n");
    page.add("</article>\n");
  }
  page.add("</div>\n");
  page.close_section();
}

void add_target(Page& page, const Json& description) {
  struct Tie {
    std::string name;
    double strength;
  };
  std::vector<Tie> ties;
  for (const Json& column : field(description, "columns"))
    if (const auto strength = number_at(field(column, "target"), "strength"))
      ties.push_back({text_at(column, "name"), *strength});
  if (ties.empty()) return;
  std::stable_sort(ties.begin(), ties.end(),
                   [](const Tie& a, const Tie& b) { return a.strength > b.strength; });
  if (ties.size() > kShownRows) ties.resize(kShownRows);
  const std::string target = text_at(description, "target");
  page.open_section("target", "What goes with " + target,
                    fmt::format("The share of the differences in {} that a column tells by itself, 0 to 1. "
                                "Near 1 is a suspect: it may "
                                "know the answer.",
                                target));
  Json labels = Json::array(), values = Json::array();
  std::vector<Row> rows;
  for (const Tie& tie : ties) {
    labels.push_back(tie.name);
    values.push_back(tie.strength);
    rows.push_back({{escaped(tie.name), number(tie.strength, 3)}});
  }
  page.chart(
      {{"kind", "rows"},
       {"labels", labels},
       {"x", {{"title", "strength"}, {"zero", true}}},
       {"series", {{{"label", "strength"}, {"style", "bar"}, {"role", "accent"}, {"values", values}}}}},
      "", fmt::format("Bars: how much each column tells of {} by itself.", target),
      60 + 27 * static_cast<int>(labels.size()),
      table({{"Column"}, {"Strength", true}}, rows, "Strength by column"));
  page.close_section();
}

}  // namespace
}  // namespace report

std::string describe_html(const Json& description) {
  using namespace report;
  Page page;
  const auto rows = static_cast<std::int64_t>(number_at(description, "rows").value_or(0));
  const std::string name = text_at(description, "name");
  page.add("<main>\n");
  add_masthead(page, "Description", {{"data", name}, {"target", text_at(description, "target")}});
  std::int64_t incomplete = 0;
  for (const Json& column : field(description, "columns"))
    if (number_at(column, "missing").value_or(0) > 0) ++incomplete;
  page.add(fmt::format(
      "<div class=\"hero\"><h1>{} rows, {} columns; <span class=\"against\">{}.</span></h1></div>\n",
      count(rows), count(static_cast<std::int64_t>(field(description, "columns").size())),
      incomplete == 0   ? "nothing is missing"
      : incomplete == 1 ? "one column has missing values"
                        : count(incomplete) + "\u00a0columns have missing values"));
  add_data_remarks(page, description);
  add_target(page, description);
  add_pictures(page, description);
  add_columns(page, description, rows);
  page.add("<footer>This page loads nothing from anywhere.</footer>\n</main>");
  return page.finish(name.empty() ? "description · cairn" : name + " · cairn");
}

}  // namespace cairn
