// How good the model is: the sentence, the metrics, the learners that were compared.
#include <fmt/format.h>

#include <algorithm>

#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"
#include "cairn/report/verdict_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn::report {
namespace {

// Three stones, one upon another.
constexpr std::string_view kMark =
    "<svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><ellipse cx=\"10\" cy=\"16.4\" rx=\"9\" ry=\"3\"/>"
    "<ellipse cx=\"10.4\" cy=\"9.8\" rx=\"6.4\" ry=\"2.6\"/><ellipse cx=\"9.8\" cy=\"4\" rx=\"4\" "
    "ry=\"2.1\"/></svg>";

std::string data_name(const Json& result) {
  const Json& data = field(result, "data");
  return data.is_string() ? data.get<std::string>() : text_at(data, "name");
}

// Warnings that say the figures themselves may not be believed stand beside the result.
bool undermines(const Json& warning) {
  const std::string code = text_at(warning, "code");
  return code.find("leak") != std::string::npos || code.find("shared") != std::string::npos;
}

std::string with_soft(const std::string& text, const std::string& below) {
  return below.empty() ? escaped(text)
                       : fmt::format("{}<span class=\"soft\">{}</span>", escaped(text), escaped(below));
}

std::string estimate_cell(const Json& estimates, const std::string& metric) {
  const Figure f = figure_of(field(estimates, metric));
  return with_soft(value_of(f), f.bounded() && *f.low != *f.high ? interval_of(f) : "");
}

// A learner tried more than once is told from its likes by the parameters in which they differ.
std::string candidate_name(const Json& candidate, const Json& candidates) {
  const std::string learner = text_at(candidate, "learner");
  std::string name = learner_label(learner);
  for (const auto& [key, value] : field(candidate, "params").items()) {
    const bool differs = std::any_of(candidates.begin(), candidates.end(), [&](const Json& other) {
      const Json& params = field(other, "params");
      return text_at(other, "learner") == learner && params.contains(key) && params[key] != value;
    });
    if (differs)
      name += fmt::format(", {} {}", key, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return name;
}

}  // namespace

void add_masthead(Page& page, std::string_view kind, const Json& result) {
  const std::string target = text_at(result, "target");
  std::string subject = data_name(result);
  if (!target.empty()) subject += " → " + target;
  page.add(
      fmt::format("<div class=\"masthead\"><span class=\"mark\">{}cairn</span><span>{}</span><span "
                  "class=\"where name\">{}</span>"
                  "</div>\n",
                  kMark, escaped(kind), escaped(subject)));
}

void add_verdict(Page& page, const Json& result) {
  const Verdict v = verdict_of(result);
  page.add("<div class=\"hero\">\n<h1 class=\"name\">" + escaped(v.sentence));
  page.add(v.baseline.empty()
               ? ".</h1>\n"
               : fmt::format("; <span class=\"against\">{}.</span></h1>\n", escaped(v.baseline)));
  std::string figure = v.figure;
  if (!figure.empty()) figure += ". ";
  if (has(result, "learner"))
    figure += fmt::format("Learner: {}. ", learner_label(text_at(result, "learner")));
  if (const auto train = number_at(field(result, "rows"), "train"))
    figure += fmt::format("It learned from {} rows; {}.", count(static_cast<std::int64_t>(*train)),
                          text_at(field(result, "split"), "how", "the others were held out"));
  page.add("<p class=\"figure\">" + escaped(figure) + "</p>\n");
  const auto notice = [&](std::string_view text) {
    page.add("<p class=\"notice\">" + escaped(text) + "</p>\n");
  };
  if (!v.doubt.empty()) notice(v.doubt);
  for (const Json& warning : field(result, "warnings"))
    if (undermines(warning)) notice(text_at(warning, "message"));
  for (const Json& bar : field(result, "requirements"))
    if (!flag_at(bar, "met"))
      notice(fmt::format("The stated bar {} was not met: {}.", text_at(bar, "expression"),
                         number(number_at(bar, "value"))));
  if (flag_at(result, "refit_all"))
    notice(
        "The shipped model was refitted on all rows. The figures are those of the model that was measured "
        "before.");
  if (field(result, "deterministic") == false)
    notice("A time limit or an interruption cut the search: another machine may get another result.");
  page.add("</div>\n");
}

void add_metrics(Page& page, const Json& result) {
  const Json& metrics = field(result, "metrics");
  if (!has(result, "metrics")) return;
  page.open_section("metrics", "How good it is",
                    "On rows the model has never seen, each with its 95 % interval. Beside it, the simplest "
                    "guess on the same rows.");
  std::vector<Column> columns{{"Metric"}, {"Held out", true}};
  const struct {
    const char* key;
    const char* heading;
    bool wide;
  } kOthers[] = {{"baseline", "Baseline", false},
                 {"cv_metrics", "Cross-validated", true},
                 {"oob_metrics", "Out of bag", true},
                 {"train_metrics", "Training", true}};
  for (const auto& other : kOthers)
    if (has(result, other.key)) columns.push_back({other.heading, true, other.wide});
  std::vector<Row> rows;
  const std::string chosen = text_at(result, "metric");
  for (const auto& [name, estimate] : metrics.items()) {
    const std::string doc = text_at(field(field(result, "metric_info"), name), "doc");
    Row row{{fmt::format("{}<span class=\"soft wide\">{}</span>", escaped(capitalised(metric_label(name))),
                         escaped(doc)),
             estimate_cell(metrics, name)},
            name == chosen ? "strong" : ""};
    for (const auto& other : kOthers)
      if (has(result, other.key)) row.cells.push_back(estimate_cell(field(result, other.key), name));
    // The metric that decided stands first.
    rows.insert(name == chosen ? rows.begin() : rows.end(), std::move(row));
  }
  page.add(table(columns, rows, "Metrics with intervals"));
  page.close_section();
}

void add_candidates(Page& page, const Json& result) {
  const Json& candidates = field(result, "candidates");
  if (!candidates.is_array() || candidates.size() < 2) return;
  const std::string metric = text_at(result, "metric"), label = metric_label(metric);
  page.open_section(
      "candidates", "What was compared",
      fmt::format("{}{} by cross-validation on the training rows; {} is better. Held-out rows had no say.",
                  capitalised(label),
                  number_at(result, "folds").value_or(0) > 0
                      ? fmt::format(" in {} folds,", static_cast<int>(*number_at(result, "folds")))
                      : ",",
                  higher_is_better(result, metric) ? "higher" : "lower"));
  Json labels = Json::array(), values = Json::array(), ranges = Json::array(), roles = Json::array();
  std::vector<Row> rows;
  for (const Json& c : candidates) {
    const Figure f = figure_of(c, "metric");
    const bool chosen = flag_at(c, "chosen"), baseline = flag_at(c, "baseline");
    const std::string learner = candidate_name(c, candidates);
    std::string remark = text_at(c, "note");
    if (remark.empty()) remark = chosen ? "chosen" : baseline ? "baseline" : "";
    const auto seconds = number_at(c, "seconds");
    rows.push_back({{with_soft(learner, remark), escaped(value_of(f)), escaped(interval_of(f)),
                     seconds ? escaped(duration(*seconds)) : kUnknown},
                    chosen ? "strong" : ""});
    if (!f.value) continue;
    labels.push_back(learner);
    values.push_back(*f.value);
    ranges.push_back(f.bounded() ? Json{*f.low, *f.high} : Json(nullptr));
    roles.push_back(chosen ? "accent" : baseline ? "warm" : "soft");
  }
  const std::string behind = table(
      {{"Learner"}, {label, true}, {"95 % interval", true}, {"Time", true, true}}, rows, "Learners compared");
  const int height = 56 + 36 * static_cast<int>(labels.size());
  page.chart({{"kind", "rows"},
              {"labels", labels},
              {"x", {{"title", label}, {"grace", "4%"}}},
              {"series",
               {{{"label", label}, {"style", "dot"}, {"roles", roles}, {"values", values}},
                {{"label", "95 % interval"},
                 {"quiet", true},
                 {"style", "range"},
                 {"roles", roles},
                 {"values", ranges}}}}},
             "",
             fmt::format("Dots with intervals: {} of {} learners. The table below has the figures.", label,
                         labels.size()),
             height, "");
  page.add(behind);
  if (has(result, "blend")) page.paragraph(blend_words(field(result, "blend")));
  page.close_section();
}

void add_intervals(Page& page, const Json& result) {
  const Json& intervals = field(result, "intervals");
  const Json& coverage = field(intervals, "coverage");
  if (!coverage.is_array() || coverage.empty()) return;
  const bool sets = text_at(intervals, "kind") == "prediction_set";
  page.open_section(
      "intervals", sets ? "Sets that hold the class" : "Intervals that hold the truth",
      fmt::format(
          "What `cairn predict --interval` gives with this model, from {} out-of-fold {}, and how "
          "often it held on held-out rows.{}",
          count(static_cast<std::int64_t>(number_at(intervals, "scores").value_or(0))),
          has(intervals, "models")
              ? fmt::format("residuals and the {} models of their folds (CV+)",
                            count(static_cast<std::int64_t>(number_at(intervals, "models").value_or(0))))
              : "scores",
          has(intervals, "why") ? fmt::format(" Chosen so: {}.", text_at(intervals, "why")) : ""));
  std::vector<Row> rows;
  for (const Json& c : coverage) {
    const Figure held = figure_of(c, "held");
    const auto share = [](std::optional<double> v) { return v ? percent(*v) : std::string(kUnknown); };
    const std::string interval =
        held.bounded() ? fmt::format("{} to {}", percent(*held.low), percent(*held.high)) : "";
    const auto size = number_at(c, "mean_size");
    rows.push_back({{share(number_at(c, "asked")), with_soft(share(held.value), interval),
                     sets ? (size ? number(*size, 2) : kUnknown) : number(size)}});
  }
  page.add(
      table({{"Asked for"}, {"Held", true}, {sets ? "Classes a set" : "Width", true}}, rows, "Coverage"));
  page.close_section();
}

void add_quantiles(Page& page, const Json& result) {
  const Json& quantiles = field(result, "quantiles");
  if (!quantiles.is_array() || quantiles.empty()) return;
  page.open_section("quantiles", "Quantiles",
                    "How many of the held-out rows lie below what `cairn predict --quantiles` gives.");
  std::vector<Row> rows;
  for (const Json& q : quantiles) {
    const Figure below = figure_of(q, "below");
    rows.push_back(
        {{percent(number_at(q, "level").value_or(0), 0),
          with_soft(
              below.value ? percent(*below.value) : std::string(kUnknown),
              below.bounded() ? fmt::format("{} to {}", percent(*below.low), percent(*below.high)) : "")}});
  }
  page.add(table({{"Quantile"}, {"Rows below", true}}, rows, "Quantiles"));
  page.close_section();
}

}  // namespace cairn::report
