// The statistics of a linear model: its coefficients with errors and tests, the rows that move it, and
// pictures of its residuals.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {
namespace {

constexpr double kHighVif = 10;  // Marquardt (1970)
constexpr double kSmallP = 0.05;

std::string p_value(std::optional<double> p) {
  if (!p) return kUnknown;
  return *p < 0.0001 ? "&lt; 0.0001" : number(*p, 4);
}

void add_coefficient_table(Page& page, const Json& inference) {
  const Json& list = field(inference, "coefficients");
  const std::string statistic = text_at(inference, "statistic", "t");
  std::vector<Row> rows;
  const std::size_t shown = std::min<std::size_t>(list.size(), 3 * kShownRows);
  for (std::size_t i = 0; i < shown; ++i) {
    const Json& c = list[i];
    Row row{{escaped(text_at(c, "feature")), number(number_at(c, "estimate")), number(number_at(c, "error")),
             interval_of(figure_of(c, "estimate")), number(number_at(c, "statistic")),
             p_value(number_at(c, "p")), number(number_at(c, "vif"))}};
    if (number_at(c, "p").value_or(1) >= kSmallP) row.kind = "faded";
    rows.push_back(std::move(row));
  }
  page.add(table({{"Feature"},
                  {"Estimate", true},
                  {"Standard error", true},
                  {"95 % interval", true},
                  {statistic, true},
                  {"p", true},
                  {"VIF", true}},
                 rows, "Coefficients with standard errors"));
  std::string note = fmt::format(
      "{} degrees of freedom are left. A row is pale where its interval at 95 % holds 0. Intervals and "
      "p-values "
      "take the model as right and chosen before the data were seen.",
      count(static_cast<std::int64_t>(number_at(inference, "df_residual").value_or(0))));
  double worst = 0;
  for (const Json& c : list) worst = std::max(worst, number_at(c, "vif").value_or(0));
  if (worst > kHighVif)
    note += fmt::format(
        " The largest variance inflation (VIF) is {}: columns tell much the same, and which of them gets the "
        "weight is hardly determined.",
        number(worst));
  if (const Json& aliased = field(inference, "aliased"); !aliased.empty()) {
    std::string names;
    for (const Json& name : aliased)
      if (name.is_string()) names += (names.empty() ? "" : ", ") + name.get<std::string>();
    note += fmt::format(
        " Determined by the columns before them, and therefore what those are counted from: {}.", names);
  }
  if (shown < list.size()) note += " result.json has the others.";
  page.add("<p class=\"soft\">" + escaped(note) + "</p>\n");
}

void add_fit(Page& page, const Json& inference) {
  std::vector<Row> rows;
  for (const auto& [name, value] : field(inference, "fit").items())
    if (value.is_number()) rows.push_back({{escaped(learner_label(name)), number(value.get<double>())}});
  page.add("<h3>The fit as a whole</h3>\n" +
           table({{"Figure"}, {"Value", true}}, rows, "The fit as a whole"));
  rows.clear();
  for (const Json& t : field(inference, "tests")) {
    const auto df2 = number_at(t, "df2");
    const std::string df = number(number_at(t, "df").value_or(0), 0) + (df2 ? ", " + number(*df2, 0) : "");
    rows.push_back({{escaped(text_at(t, "name")), number(number_at(t, "statistic")), df,
                     p_value(number_at(t, "p")), escaped(text_at(t, "null"))}});
  }
  if (!rows.empty())
    page.add(table({{"Test"}, {"Statistic", true}, {"df", true}, {"p", true}, {"A small p speaks against"}},
                   rows, "Tests"));
}

Json line(double x0, double y0, double x1, double y1) { return {{x0, y0}, {x1, y1}}; }

void add_chart(Page& page, const char* caption, const char* x, const char* y, const Json& points,
               Json reference, const std::string& words) {
  if (points.size() < 3) return;
  Json series =
      Json::array({{{"label", "a row"}, {"style", "points"}, {"role", "accent"}, {"points", points}}});
  if (!reference.empty())
    series.push_back(
        {{"label", ""}, {"style", "dashed"}, {"role", "warm"}, {"points", std::move(reference)}});
  page.chart({{"kind", "xy"}, {"x", {{"title", x}}}, {"y", {{"title", y}}}, {"series", std::move(series)}},
             caption, words, 300, "");
}

std::pair<double, double> range_of(const Json& points) {
  double low = 0, high = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = points[i][0];
    low = i == 0 ? x : std::min(low, x);
    high = i == 0 ? x : std::max(high, x);
  }
  return {low, high};
}

void add_pictures_of_residuals(Page& page, const Json& plots) {
  const Json against = points_of(field(plots, "fitted"), field(plots, "residual"));
  const Json quantiles = points_of(field(plots, "normal_quantile"), field(plots, "sorted"));
  Json scale = Json::array();
  for (const Json& p : points_of(field(plots, "fitted"), field(plots, "studentised")))
    scale.push_back({p[0], std::sqrt(std::abs(p[1].get<double>()))});
  const auto [left, right] = range_of(against);
  const auto [low, high] = range_of(quantiles);
  page.add("<div class=\"pair\">\n");
  add_chart(page, "Residuals against fitted", "fitted", "residual", against, line(left, 0, right, 0),
            "A bend says that a column's effect is not straight.");
  add_chart(page, "Normal Q-Q", "normal quantile", "studentised residual", quantiles,
            line(low, low, high, high),
            "Points off the line are residuals that a normal distribution would not have.");
  add_chart(page, "Scale-location", "fitted", "root of |studentised residual|", scale, Json::array(),
            "A rise says that the scatter grows with the prediction.");
  page.add("</div>\n");
}

void add_influence(Page& page, const Json& inference) {
  const Json& list = field(inference, "influence");
  if (list.empty()) return;
  std::vector<Row> rows;
  for (std::size_t i = 0; i < std::min<std::size_t>(list.size(), 10); ++i) {
    const Json& v = list[i];
    rows.push_back({{number(number_at(v, "row").value_or(0), 0), number(number_at(v, "cooks_distance")),
                     number(number_at(v, "leverage")), number(number_at(v, "residual")),
                     number(number_at(v, "dffits"))}});
  }
  page.add("<h3>Rows that move the fit most</h3>\n" + table({{"Training row"},
                                                             {"Cook's distance", true},
                                                             {"Leverage", true},
                                                             {"Studentised residual", true},
                                                             {"DFFITS", true}},
                                                            rows, "Influence"));
  const auto many = static_cast<std::int64_t>(number_at(inference, "influential").value_or(0));
  page.add("<p class=\"soft\">" +
           escaped(fmt::format("{} of {} training rows have a Cook's distance above 4 / rows.", count(many),
                               count(static_cast<std::int64_t>(number_at(inference, "rows").value_or(0))))) +
           "</p>\n");
}

}  // namespace

void add_inference(Page& page, const Json& result) {
  const Json& inference = field(result, "inference");
  if (!inference.is_object()) return;
  page.open_section(
      "inference", "How sure the coefficients are",
      has(inference, "absent")
          ? std::string()
          : fmt::format("The statistics of {}, from {} training rows.", text_at(inference, "model"),
                        count(static_cast<std::int64_t>(number_at(inference, "rows").value_or(0)))));
  if (has(inference, "absent")) {
    page.paragraph(capitalised(as_sentence(text_at(inference, "absent"))));
  } else {
    add_coefficient_table(page, inference);
    add_fit(page, inference);
    if (has(inference, "plots")) add_pictures_of_residuals(page, field(inference, "plots"));
    add_influence(page, inference);
  }
  page.close_section();
}

}  // namespace cairn::report
