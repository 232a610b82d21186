// What holds the model back: the ledger of errors, the learning curve, the loss while training.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {
namespace {

Json null_or(std::optional<double> value) { return value ? Json(*value) : Json(nullptr); }

// The drawing: a row for each measured line, and above it a bar for its gap to the measured line before it.
struct Drawing {
  Json labels = Json::array(), values = Json::array(), ranges = Json::array(), gaps = Json::array(),
       roles = Json::array();
  void add(const std::string& label, Json value, Json range, Json gap, const char* role) {
    labels.push_back(label);
    values.push_back(std::move(value));
    ranges.push_back(std::move(range));
    gaps.push_back(std::move(gap));
    roles.push_back(role);
  }
};

Drawing drawing_of(const Json& ledger) {
  Drawing d;
  for (const Json& line : ledger) {
    const Figure f = figure_of(line, "error");
    if (!f.value) continue;
    const Json& gap = field(line, "gap");
    if (const auto value = number_at(gap, "value"))
      d.add(fmt::format("{}{}", text_at(gap, "name"), is_proven(gap) ? "" : " (unproven)"), nullptr, nullptr,
            Json{*f.value - *value, *f.value}, is_proven(gap) ? "warm" : "pale");
    const std::string name = text_at(line, "line");
    d.add(capitalised(name), *f.value, f.bounded() ? Json{*f.low, *f.high} : Json(nullptr), nullptr,
          name == "baseline" ? "soft" : "accent");
  }
  return d;
}

std::string ledger_table(const Json& ledger, const std::string& label) {
  std::vector<Row> rows;
  for (const Json& line : ledger) {
    const Figure f = figure_of(line, "error");
    std::string where = text_at(line, "measured_on");
    if (has(line, "note")) where += (where.empty() ? "" : " ") + text_at(line, "note");
    const std::string gap = gap_words(field(line, "gap"));
    // The gap stands beside the figures where there is room, below the line's name where there is not.
    rows.push_back(
        {{fmt::format("{}<span class=\"soft\">{}</span><span class=\"narrow\">{}</span>",
                      escaped(capitalised(text_at(line, "line"))), escaped(where), escaped(gap)),
          fmt::format("{}<span class=\"soft\">{}</span>", value_of(f), f.bounded() ? interval_of(f) : ""),
          escaped(gap)},
         f.value ? "" : "faded"});
  }
  return table({{"Line"}, {label, true}, {"Gap to the line before", false, true}}, rows,
               "The ledger of errors");
}

// A tick at each number of rows for which there is an error, measured or foretold.
Json row_axis(const Json& curve, const Json& forecast) {
  Json ticks = Json::array();
  for (const Json* list : {&curve, &forecast})
    for (const Json& p : *list)
      if (const auto rows = number_at(p, "rows")) ticks.push_back(*rows);
  return {{"title", "training rows"},
          {"log", true},
          {"min", ticks.front()},
          {"max", ticks.back()},
          {"ticks", ticks}};
}

Json column_of(const Json& list, const char* key) {
  Json column = Json::array();
  for (const Json& entry : list) column.push_back(null_or(number_at(entry, key)));
  return column;
}

std::vector<Row> curve_rows(const Json& list, const char* how) {
  std::vector<Row> rows;
  for (const Json& p : list) {
    const Figure f = figure_of(p, "error");
    rows.push_back({{number(number_at(p, "rows").value_or(0), 0), value_of(f), interval_of(f),
                     number(number_at(p, "train_error")), how}});
  }
  return rows;
}

}  // namespace

void add_ledger(Page& page, const Json& result) {
  const Json& ledger = field(result, "ledger");
  if (!ledger.is_array() || ledger.empty()) return;
  const std::string label = metric_label(text_at(result, "ledger_metric", "error"));
  page.open_section(
      "ledger", "Where the error comes from",
      fmt::format("The error ({}) of the same model on different rows; lower is better. The gaps between the "
                  "lines say "
                  "what to work on; a gap whose interval holds zero is unproven and drawn pale.",
                  label));
  const Drawing d = drawing_of(ledger);
  const int height = 56 + 32 * static_cast<int>(d.labels.size());
  page.chart(
      {{"kind", "rows"},
       {"labels", d.labels},
       {"x", {{"title", label}, {"grace", "4%"}, {"floor", 0}}},
       {"series",
        {{{"label", "error"}, {"style", "dot"}, {"roles", d.roles}, {"values", d.values}},
         {{"label", "95 % interval"},
          {"quiet", true},
          {"style", "range"},
          {"roles", d.roles},
          {"values", d.ranges}},
         {{"label", "gap"}, {"quiet", true}, {"style", "wide"}, {"roles", d.roles}, {"values", d.gaps}}}}},
      "",
      "The ledger drawn: a dot with its interval for each line, a bar for each gap. The table below has the "
      "figures.",
      height, "");
  page.add(ledger_table(ledger, label));
  for (const Json& note : field(result, "ledger_notes"))
    if (note.is_string()) page.add("<p class=\"soft\">" + escaped(note.get<std::string>()) + "</p>\n");
  page.close_section();
}

void add_learning_curve(Page& page, const Json& result) {
  const Json& curve = field(result, "learning_curve");
  if (!curve.is_array() || curve.size() < 2) return;
  const Json& forecast = field(field(result, "forecast"), "points");
  const std::string label = metric_label(text_at(result, "ledger_metric", "error"));
  page.open_section("learning-curve", "What more rows would bring",
                    "Errors of models trained on parts of the rows, judged on rows they had not seen. "
                    "Dashed: what the curve foretells.");
  const Json rows = column_of(curve, "rows");
  Json series = Json::array();
  const Json training = points_of(rows, column_of(curve, "train_error"));
  series.push_back({{"label", "unseen rows"},
                    {"style", "marked"},
                    {"role", "accent"},
                    {"points", points_of(rows, column_of(curve, "error"))}});
  if (!training.empty())
    series.push_back(
        {{"label", "training rows"}, {"style", "marked"}, {"role", "warm"}, {"points", training}});
  if (has(field(result, "forecast"), "points")) {
    Json ahead = Json::array({curve.back()});
    ahead.insert(ahead.end(), forecast.begin(), forecast.end());
    const Json x = column_of(ahead, "rows"), low = column_of(ahead, "low"), high = column_of(ahead, "high");
    series.push_back({{"label", "forecast"},
                      {"style", "dashed"},
                      {"role", "accent"},
                      {"points", points_of(x, column_of(ahead, "error"))}});
    series.push_back({{"label", "80 % interval"},
                      {"style", "band"},
                      {"role", "accent"},
                      {"points", points_of(x, low, high)}});
  }
  series.push_back({{"label", "95 % interval"},
                    {"style", "band"},
                    {"role", "accent"},
                    {"points", points_of(rows, column_of(curve, "low"), column_of(curve, "high"))}});
  std::vector<Row> behind = curve_rows(curve, "measured");
  for (Row& row : curve_rows(forecast, "forecast")) behind.push_back(std::move(row));
  const std::string text = text_at(field(result, "forecast"), "text");
  page.chart(
      {{"kind", "xy"},
       {"x", row_axis(curve, forecast)},
       {"y", {{"title", label}, {"grace", "5%"}, {"floor", 0}}},
       {"series", series}},
      "", "Learning curve: error against the number of training rows. " + text, 340,
      table({{"Rows", true}, {label, true}, {"Interval", true}, {"Training error", true, true}, {"How"}},
            behind, "Learning curve"));
  if (!text.empty()) page.paragraph(text);
  page.close_section();
}

namespace {

// Where the kept round of boosting stands, from the lowest to the highest loss of the chart.
Json kept_line(const Json& history, const Json& watched, double step) {
  double low = INFINITY, high = -INFINITY;
  for (const Json* list : {&history, &watched})
    for (const Json& v : *list)
      if (v.is_number()) low = std::min(low, v.get<double>()), high = std::max(high, v.get<double>());
  if (!(low < high)) return nullptr;
  return {
      {"label", "kept"}, {"style", "reference"}, {"role", "ink"}, {"points", {{step, low}, {step, high}}}};
}

// A long history is thinned evenly: a screen shows no more.
Json thinned(const Json& all) {
  constexpr std::size_t kPoints = 500;
  Json points = Json::array();
  const std::size_t shown = std::min(all.size(), kPoints);
  for (std::size_t i = 0; i < shown; ++i)
    points.push_back(all[shown < 2 ? 0 : i * (all.size() - 1) / (shown - 1)]);
  return points;
}

std::string loss_table(const Json& points, const std::string& step) {
  std::vector<Row> rows;
  const std::size_t shown = points.size();
  for (std::size_t i = 0; i < std::min<std::size_t>(shown, kShownRows); ++i) {
    const Json& p = points[shown <= kShownRows ? i : i * (shown - 1) / (kShownRows - 1)];
    rows.push_back({{number(p[0].get<double>(), 0), number(p[1].get<double>())}});
  }
  return table({{capitalised(step), true}, {"Loss", true}}, rows, "Training loss");
}

}  // namespace

void add_loss_history(Page& page, const Json& result) {
  const Json& history = field(result, "loss_history");
  if (!history.is_array() || history.size() < 2) return;
  // Boosting counts rounds from 1; the first loss of a minimiser is that of its starting point.
  const bool rounds = has(result, "trees");
  const std::string step = rounds ? "round" : "step";
  Json steps = Json::array();
  for (std::size_t i = 0; i < history.size(); ++i) steps.push_back(i + (rounds ? 1 : 0));
  const Json points = thinned(points_of(steps, history));
  const Json& watched = field(result, "watched_history");
  const bool two = watched.is_array() && watched.size() == history.size();
  const char* style = points.size() > 40 ? "line" : "marked";
  Json series = Json::array(
      {{{"label", two ? "training" : "loss"}, {"style", style}, {"role", "accent"}, {"points", points}}});
  std::string about = fmt::format("The loss on the training rows, after each {}.", step);
  if (two) {
    about = fmt::format("The loss after each {}, on the training rows and on those that were watched.", step);
    series.push_back({{"label", "watched rows"},
                      {"style", style},
                      {"role", "warm"},
                      {"points", thinned(points_of(steps, watched))}});
    if (const auto kept = number_at(result, "kept_step")) {
      if (Json line = kept_line(history, watched, *kept); !line.is_null()) series.push_back(std::move(line));
      about += fmt::format(" {} {} had the lowest loss on the watched rows: what came after it was left out.",
                           capitalised(step), number(*kept, 0));
    }
  }
  page.open_section("loss", "How it was fitted", about);
  page.chart({{"kind", "xy"},
              {"x", {{"title", step}, {"whole", true}}},
              {"y", {{"title", two ? "loss" : "training loss"}}},
              {"series", series}},
             "", fmt::format("Training loss after each {}.", step), 260, loss_table(points, step));
  page.close_section();
}

}  // namespace cairn::report
