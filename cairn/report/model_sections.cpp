// What the model leans on, and what it is made of.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {
namespace {

std::string shown_of(std::size_t shown, std::size_t all, const char* what) {
  return shown < all ? fmt::format("The first {} of {} {}; result.json has the rest.", shown,
                                   count(static_cast<std::int64_t>(all)), what)
                     : "";
}

void add_importance(Page& page, const Json& result) {
  const Json& importance = field(result, "importance");
  if (!importance.is_array() || importance.empty()) return;
  const std::string label = metric_label(text_at(result, "metric"));
  const std::size_t shown = std::min(importance.size(), kShownRows);
  Json labels = Json::array(), values = Json::array(), ranges = Json::array();
  std::vector<Row> rows;
  const bool by_chance = std::ranges::any_of(importance, [](const Json& e) { return has(e, "p"); });
  std::vector<Column> columns{{"Column"}, {label + " worse by", true}, {"Interval", true}};
  if (by_chance) columns.push_back({"p, permuted targets", true});
  for (std::size_t i = 0; i < shown; ++i) {
    const Json& entry = importance[i];
    const Figure f = figure_of(entry);
    labels.push_back(text_at(entry, "feature"));
    values.push_back(f.value ? Json(*f.value) : Json(nullptr));
    ranges.push_back(f.bounded() ? Json{*f.low, *f.high} : Json(nullptr));
    rows.push_back({{escaped(text_at(entry, "feature")), value_of(f), interval_of(f)}});
    if (by_chance) rows.back().cells.push_back(number(number_at(entry, "p")));
  }
  page.chart(
      {{"kind", "rows"},
       {"labels", labels},
       {"x", {{"title", fmt::format("{} worse by, when shuffled", label)}, {"zero", true}}},
       {"series",
        {{{"label", "interval"}, {"quiet", true}, {"style", "range"}, {"role", "ink"}, {"values", ranges}},
         {{"label", "worse by"}, {"style", "bar"}, {"role", "accent"}, {"values", values}}}}},
      "Columns", fmt::format("Bars: how much worse {} gets when one column is shuffled.", label),
      60 + 27 * static_cast<int>(shown), table(columns, rows, "Importance"));
  const std::string rest = shown_of(shown, importance.size(), "columns");
  if (!rest.empty()) page.paragraph(rest);
}

// One output: the features by size. Several: for each feature its weight for every output.
struct Weights {
  std::vector<std::string> features, outputs;
  std::vector<std::vector<std::optional<double>>> values;  // [feature][output]
};

// In whatever order the coefficients come. Outputs stand in the order of the classes.
Weights weights_of(const Json& coefficients, const Json& classes) {
  Weights w;
  std::unordered_set<std::string> said;
  for (const Json& c : coefficients) said.insert(text_at(c, "output"));
  for (const Json& name : classes)
    if (name.is_string() && said.erase(name.get<std::string>()) > 0)
      w.outputs.push_back(name.get<std::string>());
  const std::size_t known = w.outputs.size();
  w.outputs.insert(w.outputs.end(), said.begin(), said.end());
  std::sort(w.outputs.begin() + static_cast<std::ptrdiff_t>(known), w.outputs.end());

  std::vector<std::string> all;
  std::vector<std::vector<std::optional<double>>> values;
  std::unordered_map<std::string, std::size_t> row_of;
  for (const Json& c : coefficients) {
    const auto [row, is_new] = row_of.emplace(text_at(c, "feature"), all.size());
    if (is_new) {
      all.push_back(row->first);
      values.emplace_back(w.outputs.size());
    }
    const auto output = std::find(w.outputs.begin(), w.outputs.end(), text_at(c, "output"));
    values[row->second][static_cast<std::size_t>(output - w.outputs.begin())] = number_at(c, "value");
  }
  std::vector<double> sizes(all.size(), 0.0);
  for (std::size_t i = 0; i < all.size(); ++i)
    for (const auto& v : values[i]) sizes[i] = std::max(sizes[i], std::abs(v.value_or(0)));
  std::vector<std::size_t> order(all.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return sizes[a] > sizes[b]; });
  for (const std::size_t i : order) {
    w.features.push_back(all[i]);
    w.values.push_back(values[i]);
  }
  return w;
}

void chart_one_output(Page& page, const Weights& w, std::size_t shown, const std::string& behind) {
  Json labels = Json::array(), values = Json::array(), roles = Json::array();
  for (std::size_t i = 0; i < shown; ++i) {
    labels.push_back(w.features[i]);
    values.push_back(w.values[i][0] ? Json(*w.values[i][0]) : Json(nullptr));
    roles.push_back(w.values[i][0].value_or(0) < 0 ? "warm" : "accent");
  }
  page.chart(
      {{"kind", "rows"},
       {"labels", labels},
       {"x", {{"title", "coefficient"}, {"zero", true}}},
       {"series", {{{"label", "coefficient"}, {"style", "bar"}, {"roles", roles}, {"values", values}}}}},
      "Coefficients",
      "Bars: the largest coefficients; to the left they lower the output, to the right they raise it.",
      60 + 27 * static_cast<int>(shown), behind);
}

void add_coefficients(Page& page, const Json& result) {
  const Json& coefficients = field(result, "coefficients");
  if (!coefficients.is_array() || coefficients.empty()) return;
  const Weights w = weights_of(coefficients, field(result, "classes"));
  const std::size_t shown = std::min(w.features.size(), kShownRows),
                    outputs = std::min<std::size_t>(w.outputs.size(), 8);
  std::vector<Column> columns{{"Feature"}};
  for (std::size_t o = 0; o < outputs; ++o)
    columns.push_back({w.outputs.size() == 1 ? "Coefficient" : w.outputs[o], true});
  std::vector<Row> rows;
  for (std::size_t i = 0; i < shown; ++i) {
    Row row{{escaped(w.features[i])}};
    for (std::size_t o = 0; o < outputs; ++o) row.cells.push_back(number(w.values[i][o]));
    rows.push_back(std::move(row));
  }
  const std::string behind = table(columns, rows, "Coefficients");
  if (w.outputs.size() == 1) {
    chart_one_output(page, w, shown, behind);
  } else {
    page.add("<h3>Coefficients</h3>\n" + behind);
  }
  std::string note = as_sentence(text_at(result, "coefficients_note"));
  const std::string rest = shown_of(shown, w.features.size(), "features, by size");
  if (!note.empty() && !rest.empty()) note += " ";
  if (!(note + rest).empty()) page.add("<p class=\"soft\">" + escaped(note + rest) + "</p>\n");
}

// What trees say of themselves: how much the splits on each feature did while they were grown.
void add_splits(Page& page, const Json& result) {
  const Json& splits = field(result, "splits");
  if (!splits.is_array() || splits.empty()) return;
  const std::size_t shown = std::min(splits.size(), kShownRows);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < shown; ++i)
    rows.push_back({{escaped(text_at(splits[i], "feature")), number(number_at(splits[i], "gain")),
                     number(number_at(splits[i], "splits"))}});
  page.add("<h3>Splits</h3>\n" +
           table({{"Feature"}, {"Share of the gain", true}, {"Splits", true}}, rows, "Splits"));
  std::string note =
      "Told from the training rows: a feature of many values is favoured; the figures above are from rows "
      "held out.";
  const std::string rest = shown_of(shown, splits.size(), "features, by gain");
  if (!rest.empty()) note += " " + rest;
  page.add("<p class=\"soft\">" + escaped(note) + "</p>\n");
}

void add_list(Page& page, const char* heading, const Json& lines) {
  if (!lines.is_array() || lines.empty()) return;
  page.add(fmt::format("<h3>{}</h3>\n<ul>\n", heading));
  for (const Json& line : lines)
    if (line.is_string()) page.add("<li class=\"name\">" + escaped(line.get<std::string>()) + "</li>\n");
  page.add("</ul>\n");
}

std::string plain_value(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void add_pairs(Page& page, const char* heading,
               const std::vector<std::pair<std::string, std::string>>& pairs) {
  if (pairs.empty()) return;
  std::vector<Row> rows;
  for (const auto& [name, value] : pairs)
    rows.push_back({{escaped(name), "<code>" + escaped(value) + "</code>"}});
  page.add(fmt::format("<h3>{}</h3>\n", heading));
  page.add(table({{"Name"}, {"Value"}}, rows, heading));
}

std::vector<std::pair<std::string, std::string>> pairs_of(const Json& object) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (object.is_object())
    for (const auto& [name, value] : object.items()) pairs.emplace_back(name, plain_value(value));
  return pairs;
}

}  // namespace

void add_explanation(Page& page, const Json& result) {
  if (!has(result, "importance") && !has(result, "coefficients") && !has(result, "splits")) return;
  std::string about = "A column matters as much as the result suffers when its values are shuffled.";
  if (has(result, "importance_note")) about += " " + as_sentence(text_at(result, "importance_note"));
  page.open_section("explanation", "What it leans on", about);
  add_importance(page, result);
  add_coefficients(page, result);
  add_splits(page, result);
  page.close_section();
}

void add_details(Page& page, const Json& result) {
  page.open_section("details", "Details", "Everything that decides the bytes of this run.");
  page.add("<details><summary>Steps, parameters, versions, sizes</summary>\n");
  add_list(page, "What happens to a row", field(result, "pipeline"));
  add_list(page, "While fitting", field(result, "notes"));
  add_pairs(page, "Parameters", pairs_of(field(result, "params")));
  std::vector<std::pair<std::string, std::string>> run = pairs_of(field(result, "versions"));
  for (const char* key : {"seed", "deterministic", "threads", "run", "model", "model_sha256", "data_sha256"})
    if (has(result, key)) run.emplace_back(learner_label(key), plain_value(field(result, key)));
  if (const auto size = number_at(result, "model_bytes")) run.emplace_back("model size", bytes(*size));
  if (const auto size = number_at(result, "peak_memory_bytes")) run.emplace_back("peak memory", bytes(*size));
  for (const auto& [phase, seconds] : field(result, "seconds").items())
    if (seconds.is_number()) run.emplace_back("time, " + phase, duration(seconds.get<double>()));
  add_pairs(page, "The run", run);
  page.add("</details>\n");
  page.close_section();
}

}  // namespace cairn::report
