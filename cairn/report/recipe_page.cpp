// A recipe as a page: the course's numbers beside ours, its pictures, its remarks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/report/format_internal.h"
#include "cairn/report/recipe_internal.h"
#include "cairn/report/report.h"
#include "cairn/report/sections_internal.h"

namespace cairn {
namespace report {
namespace {

constexpr std::array kRoles{"accent", "warm", "ink", "third", "fourth"};
constexpr std::size_t kShownPoints = 40;  // of a series, in the table behind a chart

Json series_spec(const Json& series, std::size_t i, std::size_t of_kind) {
  const std::string kind = text_at(series, "kind");
  Json spec{{"label", text_at(series, "name")},
            {"role", kRoles[i % kRoles.size()]},
            {"points", drawable(series)},
            {"style", kind == "points" ? "points"
                      : kind == "bars" ? "bars"
                                       : "line"}};
  // Points of several groups are told apart by their form too: colours alone do not reach everyone.
  constexpr std::array kForms{"circle", "crossRot", "triangle", "rectRot"};
  if (kind == "points") spec["form"] = kForms[of_kind % kForms.size()];
  return spec;
}

std::string points_table(const Json& chart) {
  std::vector<Row> rows;
  for (const Json& s : field(chart, "series")) {
    const Json points = drawable(s);
    const std::size_t n = points.size(), shown = std::min(n, kShownPoints);
    for (std::size_t k = 0; k < shown; ++k) {
      const Json& p = points[shown < 2 ? 0 : k * (n - 1) / (shown - 1)];
      rows.push_back({{escaped(text_at(s, "name")), number(p[0].get<double>()), number(p[1].get<double>())}});
    }
  }
  return table({{"Series"}, {text_at(chart, "x"), true}, {text_at(chart, "y"), true}}, rows,
               text_at(chart, "title"));
}

void add_chart(Page& page, const Json& chart) {
  constexpr int kHeight = 340;
  Json series = Json::array();
  std::string names;
  std::size_t points = 0;
  for (const Json& s : field(chart, "series")) {
    series.push_back(series_spec(s, series.size(), points));
    points += text_at(s, "kind") == "points";
    names += (names.empty() ? "" : ", ") + text_at(s, "name");
  }
  const auto axis = [&](const char* key) {
    Json a{{"title", text_at(chart, key)}};
    if (flag_at(chart, std::string("log_") + key)) a = {{"title", text_at(chart, key)}, {"log", true}};
    return a;
  };
  page.chart({{"kind", "xy"}, {"x", axis("x")}, {"y", axis("y")}, {"series", std::move(series)}},
             text_at(chart, "title"),
             fmt::format("{}: {} against {}. Series: {}.", text_at(chart, "title"), text_at(chart, "y"),
                         text_at(chart, "x"), names),
             kHeight, points_table(chart));
}

// Pictures, each with its words below; photographs are wide.
void add_album(Page& page, const Json& album) {
  page.add("<h3>" + escaped(text_at(album, "title")) + "</h3>\n");
  if (const std::string about = text_at(album, "about"); !about.empty()) page.paragraph(about);
  page.add("<div class=\"pictures album\">\n");
  for (const Json& p : field(album, "pictures")) {
    const std::string words = text_at(p, "words");
    const std::string shown = words.empty() ? text_at(album, "title") : words;
    page.add(fmt::format("<div class=\"picture\">{}{}</div>\n", inline_picture(text_at(p, "png"), shown),
                         words.empty() ? "" : "<p>" + escaped(words) + "</p>"));
  }
  page.add("</div>\n");
}

}  // namespace

Json drawable(const Json& series) {
  Json points = Json::array();
  for (const Json& p : field(series, "points"))
    if (p.is_array() && p.size() == 2 && p[0].is_number() && p[1].is_number()) points.push_back(p);
  return points;
}

}  // namespace report

std::string recipe_html(const Json& recipe) {
  using namespace report;
  Page page;
  page.add("<main>\n");
  add_masthead(page, "Recipe", {{"data", text_at(recipe, "recipe") + ", " + text_at(recipe, "course")}});
  const Json& checks = field(recipe, "checks");
  const auto met =
      std::count_if(checks.begin(), checks.end(), [](const Json& c) { return flag_at(c, "met"); });
  page.add(fmt::format(
      "<div class=\"hero\"><h1>{}; <span class=\"against\">{} of {} numbers as the course has "
      "them.</span></h1><p class=\"figure\">{}</p></div>\n",
      escaped(text_at(recipe, "title")), met, checks.size(), escaped(text_at(recipe, "teaches"))));
  if (has(recipe, "charts") || has(recipe, "albums")) {
    page.open_section("pictures", "Pictures", "");
    for (const Json& album : field(recipe, "albums")) add_album(page, album);
    for (const Json& chart : field(recipe, "charts")) add_chart(page, chart);
    page.close_section();
  }
  if (has(recipe, "remarks")) {
    page.open_section("remarks", "Remarks", "");
    for (const Json& remark : field(recipe, "remarks")) page.paragraph(remark.get<std::string>());
    page.close_section();
  }
  page.open_section("numbers", "Numbers", "Ours beside what the course prints or asks for.");
  std::vector<Row> rows;
  for (const Json& c : checks) {
    const bool good = flag_at(c, "met");
    rows.push_back({{escaped(text_at(c, "what")) + (good ? "" : " (differs)"),
                     escaped(precise(number_at(c, "ours"))), escaped(text_at(c, "course"))},
                    good ? "" : "strong"});
  }
  page.add(table({{""}, {"Ours", true}, {"The course", true}}, rows, "Numbers"));
  page.close_section();
  page.open_section("again", "Again", "");
  page.command("cairn recipe run " + text_at(recipe, "recipe"));
  page.close_section();
  page.add("<footer>This page loads nothing from anywhere.</footer>\n</main>");
  return page.finish(text_at(recipe, "title") + " · cairn");
}

}  // namespace cairn
