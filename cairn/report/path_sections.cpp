// How the strength of a penalty was chosen: the coefficients, and the loss of rows left out, along the path.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"

namespace cairn::report {
namespace {

constexpr std::size_t kDrawnLines = 12;

bool is_list_of(const Json& list, std::size_t size) {
  return list.is_array() && list.size() == size &&
         std::ranges::all_of(list, [](const Json& v) { return v.is_number() || v.is_null(); });
}

std::optional<double> number_in(const Json& list, std::size_t i) {
  return list[i].is_number() ? std::optional(list[i].get<double>()) : std::nullopt;
}

// Four digits, whatever the size.
std::string strength_text(double value) {
  if (value < 1e-3 || value >= 1e6) return fmt::format("{:.2e}", value);
  return value >= 1000 ? number(value, 0) : fmt::format("{:.4g}", value);
}

// A logarithmic axis on which the penalty weakens to the right.
Json strength_axis(const Json& values, const std::string& parameter) {
  const double first = values.front().get<double>(), last = values.back().get<double>();
  const double low = std::min(first, last), high = std::max(first, last);
  Json axis{{"title", parameter + ", the penalty weaker to the right"},
            {"name", parameter},
            {"min", low},
            {"max", high},
            {"reverse", first > last},
            {"log", true}};
  // Powers of ten beyond the values would stand beside the axis.
  Json ticks = Json::array();
  for (const Json& v : decades(low, high))
    if (v.get<double>() >= low * (1 - 1e-9) && v.get<double>() <= high * (1 + 1e-9)) ticks.push_back(v);
  if (ticks.size() >= 2) axis["ticks"] = std::move(ticks);
  return axis;
}

Json chosen_line(double value, double low, double high) {
  return {{"label", "chosen"},
          {"style", "reference"},
          {"role", "ink"},
          {"points", {{value, low}, {value, high}}}};
}

std::string line_name(const Json& line) {
  const std::string output = text_at(line, "output");
  return output.empty() ? text_at(line, "feature") : fmt::format("{}, {}", text_at(line, "feature"), output);
}

struct PathLines {
  Json series = Json::array();
  double low = 0, high = 0;
  std::vector<Row> behind;
};

PathLines lines_of(const Json& path, std::size_t chosen) {
  constexpr std::array kRoles{"accent", "warm", "third", "fourth"};
  const Json &values = field(path, "values"), &lines = field(path, "coefficients");
  const std::array<Json, 3> dashes{Json::array(), Json{7, 4}, Json{2, 3}};
  PathLines all;
  for (const Json& line : lines) {
    const Json& along = field(line, "values");
    const std::size_t i = all.series.size();
    if (i == kDrawnLines || !is_list_of(along, values.size())) break;
    for (const Json& v : along)
      if (v.is_number()) {
        all.low = std::min(all.low, v.get<double>());
        all.high = std::max(all.high, v.get<double>());
      }
    all.series.push_back({{"label", line_name(line)},
                          {"quiet", true},
                          {"end", line_name(line)},
                          {"style", "line"},
                          {"dash", dashes[i / kRoles.size() % dashes.size()]},
                          {"role", kRoles[i % kRoles.size()]},
                          {"points", points_of(values, along)}});
    all.behind.push_back({{escaped(line_name(line)), number(number_in(along, chosen)),
                           number(number_in(along, values.size() - 1))}});
  }
  return all;
}

void add_lines(Page& page, const Json& path, std::size_t chosen) {
  PathLines all = lines_of(path, chosen);
  if (all.series.empty() || !(all.low < all.high)) return;
  const std::string parameter = text_at(path, "parameter");
  const double room = 0.04 * (all.high - all.low);
  all.low -= room;
  all.high += room;
  const std::size_t drawn = all.series.size();
  all.series.push_back(chosen_line(field(path, "values")[chosen].get<double>(), all.low, all.high));
  const auto count_of = static_cast<std::int64_t>(number_at(path, "num_coefficients").value_or(0));
  const std::string which = count_of > static_cast<std::int64_t>(drawn)
                                ? fmt::format("Coefficients, the {} largest of {}", drawn, count(count_of))
                                : "Coefficients";
  page.chart({{"kind", "xy"},
              {"x", strength_axis(field(path, "values"), parameter)},
              {"y", {{"title", "coefficient"}, {"min", all.low}, {"max", all.high}, {"inner", true}}},
              {"series", all.series}},
             which, which + " along the path of penalties, each a line.", 400,
             table({{"Feature"}, {"As chosen", true}, {"Weakest penalty", true}}, all.behind,
                   "Coefficients along the path"));
}

void add_loss(Page& page, const Json& path, std::size_t chosen) {
  const Json &values = field(path, "values"), &mean = field(path, "mean"),
             &error = field(path, "standard_error");
  const std::string parameter = text_at(path, "parameter"), loss = text_at(path, "loss");
  Json low = Json::array(), high = Json::array();
  double least = INFINITY, most = -INFINITY;
  for (std::size_t a = 0; a < values.size(); ++a) {
    const auto m = number_in(mean, a), e = number_in(error, a);
    low.push_back(m && e ? Json(*m - *e) : Json(nullptr));
    high.push_back(m && e ? Json(*m + *e) : Json(nullptr));
    if (!m || !e) continue;
    least = std::min(least, *m - *e);
    most = std::max(most, *m + *e);
  }
  if (!(least < most)) return;
  Json y{{"title", loss}};
  // What is far worse than no model at all would press the part that matters flat: it leaves the frame.
  if (high[0].is_number()) {
    const double frame = least + 1.3 * (high[0].get<double>() - least);
    if (frame > least && most > least + 1.5 * (frame - least)) most = frame;
  }
  const double room = 0.04 * (most - least);
  y["min"] = least - room;
  y["max"] = most + room;
  y["inner"] = true;
  std::vector<Row> behind;
  const std::size_t shown = std::min(values.size(), kShownRows);
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t a = shown < 2 ? 0 : i * (values.size() - 1) / (shown - 1);
    behind.push_back(
        {{strength_text(values[a].get<double>()), number(number_in(mean, a)), number(number_in(error, a))}});
  }
  page.chart({{"kind", "xy"},
              {"x", strength_axis(values, parameter)},
              {"y", y},
              {"series",
               {{{"label", loss}, {"style", "line"}, {"role", "accent"}, {"points", points_of(values, mean)}},
                {{"label", "one standard error"},
                 {"style", "band"},
                 {"role", "accent"},
                 {"points", points_of(values, low, high)}},
                chosen_line(values[chosen].get<double>(), least - room, most + room)}}},
             capitalised(loss) + " on rows left out, and one standard error",
             fmt::format("{} on rows left out along the path of penalties.", capitalised(loss)), 300,
             table({{capitalised(parameter), true}, {capitalised(loss), true}, {"Standard error", true}},
                   behind, "Loss along the path"));
}

}  // namespace

void add_penalty_path(Page& page, const Json& result) {
  const Json &path = field(result, "penalty_path"), &values = field(path, "values");
  if (!values.is_array() || values.size() < 2 || !is_list_of(field(path, "mean"), values.size()) ||
      !is_list_of(field(path, "standard_error"), values.size()))
    return;
  const bool positive =
      std::ranges::all_of(values, [](const Json& v) { return v.is_number() && v.get<double>() > 0; });
  const auto value = number_at(path, "chosen"), least = number_at(path, "least");
  if (!positive || !value || !least) return;
  const auto chosen = static_cast<std::size_t>(
      std::ranges::min_element(values, {},
                               [&](const Json& v) { return std::abs(v.get<double>() - *value); }) -
      values.begin());
  const std::string parameter = text_at(path, "parameter");
  std::string about = fmt::format(
      "{} strengths of the penalty were tried, each judged by {}. The dashed line marks the one that was "
      "chosen, {} = {}",
      values.size(), text_at(path, "judged_by"), parameter, strength_text(*value));
  about += *value == *least
               ? fmt::format(": the {} is least there.", text_at(path, "loss"))
               : fmt::format(": the strongest whose {} is within one standard error of the least, at {}.",
                             text_at(path, "loss"), strength_text(*least));
  page.open_section("path", "How strong a penalty", about);
  add_lines(page, path, chosen);
  add_loss(page, path, chosen);
  page.close_section();
}

}  // namespace cairn::report
