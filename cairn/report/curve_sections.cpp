// Where the model errs: curves, confusion, slices.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"

namespace cairn::report {
namespace {

constexpr std::size_t kMaxMatrix = 12;  // beyond it, a confusion matrix is a list of the commonest mistakes

Json share_axis(const char* title) {
  return {{"title", title}, {"min", 0}, {"max", 1}, {"ticks", {0, 0.25, 0.5, 0.75, 1}}};
}

std::string cell(const Json& values, std::size_t i) {
  return i < values.size() && values[i].is_number() ? number(values[i].get<double>()) : kUnknown;
}

// At most `keep` evenly spread rows of columns of figures.
std::string columns_table(const std::vector<std::pair<std::string, const Json*>>& columns,
                          std::string_view label) {
  constexpr std::size_t kKeep = 21;
  std::vector<Column> headings;
  for (const auto& [heading, values] : columns) headings.push_back({heading, true});
  const std::size_t n = columns[0].second->size(), shown = std::min(n, kKeep);
  std::vector<Row> rows;
  for (std::size_t r = 0; r < shown; ++r) {
    const std::size_t i = shown < 2 ? 0 : r * (n - 1) / (shown - 1);
    Row row;
    for (const auto& [heading, values] : columns) row.cells.push_back(cell(*values, i));
    rows.push_back(std::move(row));
  }
  return table(headings, rows, label);
}

// "roc_auc" with its value, for a caption.
std::string metric_clause(const Json& result, const char* metric) {
  const Figure f = figure_of(field(field(result, "metrics"), metric));
  return f.value ? fmt::format("{} {}", metric_label(metric), value_of(f)) : "";
}

void add_roc(Page& page, const Json& result, const Json& roc) {
  const Json &x = field(roc, "false_positive_rate"), &y = field(roc, "true_positive_rate");
  page.chart(
      {{"kind", "xy"},
       {"x", share_axis("false positive rate")},
       {"y", share_axis("true positive rate")},
       {"series",
        {{{"label", "model"}, {"style", "line"}, {"role", "accent"}, {"points", points_of(x, y)}},
         {{"label", "chance"}, {"style", "reference"}, {"role", "soft"}, {"points", {{0, 0}, {1, 1}}}}}}},
      "ROC", "ROC curve: true positive rate against false positive rate. " + metric_clause(result, "roc_auc"),
      320,
      columns_table(
          {{"False positive rate", &x}, {"True positive rate", &y}, {"Threshold", &field(roc, "threshold")}},
          "Points of the ROC curve"));
}

void add_precision_recall(Page& page, const Json& result, const Json& pr) {
  const Json &x = field(pr, "recall"), &y = field(pr, "precision");
  Json series =
      Json::array({{{"label", "model"}, {"style", "line"}, {"role", "accent"}, {"points", points_of(x, y)}}});
  if (const auto share = number_at(field(field(result, "baseline"), "average_precision"), "value"))
    series.push_back({{"label", "chance"},
                      {"style", "reference"},
                      {"role", "soft"},
                      {"points", {{0, *share}, {1, *share}}}});
  page.chart(
      {{"kind", "xy"}, {"x", share_axis("recall")}, {"y", share_axis("precision")}, {"series", series}},
      "Precision and recall", "Precision against recall. " + metric_clause(result, "average_precision"), 320,
      columns_table({{"Recall", &x}, {"Precision", &y}, {"Threshold", &field(pr, "threshold")}},
                    "Points of the precision-recall curve"));
}

void add_calibration(Page& page, const Json& c) {
  const Json &x = field(c, "mean_predicted"), &y = field(c, "observed"), &low = field(c, "low"),
             &high = field(c, "high");
  page.chart(
      {{"kind", "xy"},
       {"x", share_axis("predicted probability")},
       {"y", share_axis("observed share")},
       {"series",
        {{{"label", "a tenth of the rows"},
          {"style", "points"},
          {"role", "accent"},
          {"points", points_of(x, y)}},
         {{"label", "95 % interval"},
          {"style", "whiskers"},
          {"role", "accent"},
          {"points", points_of(x, low, high)}},
         {{"label", "honest"}, {"style", "reference"}, {"role", "soft"}, {"points", {{0, 0}, {1, 1}}}}}}},
      "Calibration",
      "Calibration: observed share of positives against predicted probability, in bins of equal size.", 320,
      columns_table(
          {{"Predicted", &x}, {"Observed", &y}, {"Low", &low}, {"High", &high}, {"Rows", &field(c, "n")}},
          "Calibration by bins"));
}

// What the calibration plot says, counted.
std::string calibration_words(const Json& c) {
  const Json points = points_of(field(c, "mean_predicted"), field(c, "low"), field(c, "high"));
  const auto honest = std::count_if(points.begin(), points.end(), [](const Json& p) {
    return p[1].get<double>() <= p[0].get<double>() && p[0].get<double>() <= p[2].get<double>();
  });
  return fmt::format(
      "In {} of {} bins the interval of the observed share holds the probability that the model gave.",
      honest, points.size());
}

void add_residuals(Page& page, const Json& r) {
  const Json &x = field(r, "predicted"), &y = field(r, "residual");
  const Json points = points_of(x, y);
  Json series =
      Json::array({{{"label", "a row"}, {"style", "points"}, {"role", "accent"}, {"points", points}}});
  std::string about = "Truth minus prediction against prediction.";
  if (!points.empty()) {
    double left = points[0][0], right = left;
    for (const Json& p : points) {
      left = std::min(left, p[0].get<double>());
      right = std::max(right, p[0].get<double>());
    }
    for (const char* key : {"low", "high"})
      if (const auto level = number_at(r, key))
        series.push_back({{"label", std::string(key) == "low" ? "5 % and 95 % of rows" : ""},
                          {"style", "dashed"},
                          {"role", "warm"},
                          {"points", {{left, *level}, {right, *level}}}});
    const Figure f = figure_of(r, "median");
    if (f.bounded())
      about = fmt::format(
          "For nine rows in ten the truth lies between {} and {} away from the prediction; the median is {}.",
          signed_number(*f.low, decimals_for(f)), signed_number(*f.high, decimals_for(f)),
          signed_number(*f.value, decimals_for(f)));
  }
  page.chart({{"kind", "xy"},
              {"x", {{"title", "predicted"}}},
              {"y", {{"title", "truth − predicted"}}},
              {"series", series}},
             "Residuals", about, 380,
             columns_table({{"Predicted", &x}, {"Truth − predicted", &y}}, "Residuals of some rows"));
  page.add("<p class=\"soft\">" + escaped(about) + "</p>\n");
}

std::string matrix(const Json& classes, const Json& counts) {
  std::string out =
      "<div class=\"scroll\" role=\"region\" aria-label=\"Confusion matrix\" tabindex=\"0\"><table "
      "class=\"confusion\">\n"
      "<thead><tr><th class=\"axis\" scope=\"col\">truth ↓ &nbsp; decided →</th>";
  for (const Json& name : classes)
    out += "<th scope=\"col\" class=\"name\">" + escaped(name.get<std::string>()) + "</th>";
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t t = 0; t < classes.size(); ++t) {
    double total = 0;
    for (const Json& c : counts[t]) total += c.get<double>();
    out += "<tr><th scope=\"row\" class=\"name\">" + escaped(classes[t].get<std::string>()) + "</th>";
    for (std::size_t d = 0; d < classes.size(); ++d) {
      const double value = counts[t][d].get<double>(), share = total > 0 ? value / total : 0;
      const int decimals = value == static_cast<double>(static_cast<std::int64_t>(value)) ? 0 : 1;
      out += fmt::format("<td{} style=\"--share:{:.3f}\">{}<span class=\"soft\">{}</span></td>",
                         t == d ? " class=\"right\"" : "", share, number(value, decimals),
                         total > 0 ? percent(share, 0) : kUnknown);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string commonest_mistakes(const Json& classes, const Json& counts) {
  struct Mistake {
    std::size_t truth, decided;
    double count, share;
  };
  std::vector<Mistake> mistakes;
  for (std::size_t t = 0; t < classes.size(); ++t) {
    double total = 0;
    for (const Json& c : counts[t]) total += c.get<double>();
    for (std::size_t d = 0; d < classes.size(); ++d)
      if (const double c = counts[t][d].get<double>(); t != d && c > 0)
        mistakes.push_back({t, d, c, c / total});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.count > b.count; });
  if (mistakes.size() > kShownRows) mistakes.resize(kShownRows);
  std::vector<Row> rows;
  for (const Mistake& m : mistakes)
    rows.push_back({{escaped(classes[m.truth].get<std::string>()),
                     escaped(classes[m.decided].get<std::string>()), number(m.count, 0), percent(m.share)}});
  return table({{"Truth"}, {"Decided"}, {"Rows", true}, {"Of that class", true}}, rows,
               "The commonest mistakes");
}

// Square, as many rows as classes, nothing but numbers: what the matrix above relies on.
bool well_formed(const Json& classes, const Json& counts) {
  if (!classes.is_array() || !counts.is_array() || classes.empty() || counts.size() != classes.size())
    return false;
  return std::all_of(classes.begin(), classes.end(), [](const Json& c) { return c.is_string(); }) &&
         std::all_of(counts.begin(), counts.end(), [&](const Json& row) {
           return row.is_array() && row.size() == classes.size() &&
                  std::all_of(row.begin(), row.end(), [](const Json& c) { return c.is_number(); });
         });
}

std::string class_table(const Json& per_class) {
  std::vector<Row> rows;
  for (const Json& c : per_class) {
    if (rows.size() == kShownRows) break;
    rows.push_back(
        {{escaped(text_at(c, "class")), number(number_at(c, "precision")), number(number_at(c, "recall")),
          number(number_at(c, "f1")), number(number_at(c, "support").value_or(0), 0)}});
  }
  return table({{"Class"}, {"Precision", true}, {"Recall", true}, {"F1", true}, {"Rows", true}}, rows,
               "Figures by class");
}

}  // namespace

void add_curves(Page& page, const Json& result) {
  const Json& curves = field(result, "curves");
  if (has(curves, "residuals")) {
    page.open_section("curves", "Where it misses",
                      "Each dot is a held-out row: what the model said, and how far the truth was from it.");
    add_residuals(page, field(curves, "residuals"));
    page.close_section();
    return;
  }
  if (!has(curves, "roc") && !has(curves, "pr") && !has(curves, "calibration")) return;
  page.open_section("curves", "How it ranks and how sure it is",
                    fmt::format("For “{}”, on held-out rows. The threshold moves along the first two curves; "
                                "the third asks whether "
                                "70 % means seven in ten.",
                                text_at(result, "positive", "the positive class")));
  page.add("<div class=\"pair\">\n");
  if (has(curves, "roc")) add_roc(page, result, field(curves, "roc"));
  if (has(curves, "pr")) add_precision_recall(page, result, field(curves, "pr"));
  if (const Json& calibration = field(curves, "calibration"); has(curves, "calibration")) {
    add_calibration(page, calibration);
    page.add("<p class=\"beside\">" + escaped(calibration_words(calibration)) + "</p>\n");
  }
  page.add("</div>\n");
  page.close_section();
}

void add_confusion(Page& page, const Json& result) {
  const Json &confusion = field(result, "confusion"), &classes = field(confusion, "classes"),
             &counts = field(confusion, "counts");
  if (!well_formed(classes, counts)) return;
  std::string about = "Each row of the table is a true class: how often the model decided for which.";
  if (const auto threshold = number_at(result, "threshold"))
    about += fmt::format(
        " It decides for “{}” from a probability of {}{}.", text_at(result, "positive"), number(threshold),
        has(result, "threshold_reason") ? fmt::format(" ({})", text_at(result, "threshold_reason")) : "");
  page.open_section("confusion", "Which mistakes it makes", about);
  page.add(classes.size() <= kMaxMatrix ? matrix(classes, counts) : commonest_mistakes(classes, counts));
  if (const Json& per_class = field(result, "per_class"); has(result, "per_class")) {
    page.add(fmt::format("<h3>By class{}</h3>\n",
                         per_class.size() > kShownRows
                             ? fmt::format(" (the first {} of {})", kShownRows,
                                           count(static_cast<std::int64_t>(per_class.size())))
                             : ""));
    page.add(class_table(per_class));
  }
  page.close_section();
}

void add_slices(Page& page, const Json& evaluation) {
  const Json& slices = field(evaluation, "slices");
  if (!slices.is_array() || slices.empty()) return;
  page.open_section("slices", fmt::format("By {}", text_at(evaluation, "slice", "group")),
                    "The same figures on parts of the rows. Small parts have wide intervals.");
  std::vector<Column> columns{{capitalised(text_at(evaluation, "slice", "group"))}, {"Rows", true}};
  std::vector<std::string> names;
  for (const Json& slice : slices)
    for (const auto& [name, estimate] : field(slice, "metrics").items())
      if (names.size() < 3 && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
  for (const std::string& name : names) columns.push_back({capitalised(metric_label(name)), true});
  std::vector<Row> rows;
  for (const Json& slice : slices) {
    Row row{{escaped(text_at(slice, "slice")), number(number_at(slice, "rows").value_or(0), 0)}};
    for (const std::string& name : names) {
      const Figure f = figure_of(field(field(slice, "metrics"), name));
      row.cells.push_back(
          fmt::format("{}<span class=\"soft\">{}</span>", value_of(f), f.bounded() ? interval_of(f) : ""));
    }
    rows.push_back(std::move(row));
  }
  page.add(table(columns, rows, "Figures by slice"));
  page.close_section();
}

}  // namespace cairn::report
