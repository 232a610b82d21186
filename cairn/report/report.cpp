#include "cairn/report/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/report/assets_internal.h"
#include "cairn/report/fields_internal.h"
#include "cairn/report/format_internal.h"
#include "cairn/report/sections_internal.h"

namespace cairn {
namespace report {

void add_data_remarks(Page& page, const Json& result) {
  const Json &warnings = field(result, "warnings"), &guesses = field(result, "guesses");
  if (!has(result, "warnings") && !has(result, "guesses")) return;
  page.open_section("data", "About the data",
                    "What to look at before trusting a figure, and what was inferred about the file.");
  if (has(result, "warnings")) {
    page.add("<dl class=\"minor\">\n");
    for (const Json& w : warnings) {
      const std::string column = text_at(w, "column");
      const std::string code = learner_label(text_at(w, "code"));
      page.add(fmt::format("<dt class=\"name\">{}</dt><dd class=\"name\">{}</dd>\n",
                           escaped(column.empty() ? capitalised(code) : fmt::format("{}: {}", column, code)),
                           escaped(text_at(w, "message"))));
    }
    page.add("</dl>\n");
  } else {
    page.paragraph("Nothing suspicious was found.");
  }
  if (has(result, "guesses")) {
    const auto any = [&](const char* key) {
      return std::any_of(guesses.begin(), guesses.end(), [&](const Json& g) { return has(g, key); });
    };
    const bool reasons = any("reason"), flags = any("flag");
    std::vector<Column> columns{{"What"}, {"Guess"}};
    if (reasons) columns.push_back({"Because"});
    if (flags) columns.push_back({"Settled by", false, true});
    std::vector<Row> rows;
    for (const Json& g : guesses) {
      rows.push_back({{escaped(text_at(g, "what")), escaped(text_at(g, "guess"))}});
      if (reasons) rows.back().cells.push_back(escaped(text_at(g, "reason")));
      if (flags) rows.back().cells.push_back("<code>" + escaped(text_at(g, "flag")) + "</code>");
    }
    page.add("<h3>Inferred</h3>\n");
    page.add(table(columns, rows, "What was inferred"));
  }
  page.close_section();
}

namespace {

std::string title_of(const Json& result) {
  const Json& data = field(result, "data");
  const std::string name = data.is_string() ? data.get<std::string>() : text_at(data, "name");
  return fmt::format("{}, {} · cairn", text_at(result, "target", "result"), name);
}

std::string footer(const Json& result) {
  return fmt::format(
      "<footer>cairn {}. This page is a pure function of result.json and loads nothing.</footer>\n",
      escaped(text_at(field(result, "versions"), "cairn")));
}

// What `evaluate` measures has no chosen metric: the task's own is what its sentence speaks of.
Json with_metric(Json evaluation) {
  if (has(evaluation, "metric")) return evaluation;
  const Json& metrics = field(evaluation, "metrics");
  std::string metric = metrics.is_object() && !metrics.empty() ? metrics.begin().key() : "";
  for (const char* preferred : {"accuracy", "rmse"})
    if (has(metrics, preferred)) metric = preferred;
  evaluation["metric"] = metric;
  return evaluation;
}

}  // namespace
}  // namespace report

std::string report_html(const Json& result) {
  using namespace report;
  Page page;
  page.add("<main>\n");
  add_masthead(page, "Training report", result);
  add_verdict(page, result);
  add_advice(page, result);
  add_metrics(page, result);
  add_split(page, result);
  add_calibration_map(page, result);
  add_intervals(page, result);
  add_quantiles(page, result);
  add_candidates(page, result);
  add_tuning(page, result);
  add_curves(page, result);
  add_confusion(page, result);
  add_pictures(page, result);
  add_explanation(page, result);
  add_inference(page, result);
  add_partial_dependence(page, result);
  add_trees(page, result);
  add_penalty_path(page, result);
  add_ledger(page, result);
  add_learning_curve(page, result);
  add_loss_history(page, result);
  add_data_remarks(page, result);
  add_commands(page, result);
  add_details(page, result);
  page.add(footer(result) + "</main>");
  return page.finish(title_of(result));
}

std::string evaluation_html(const Json& evaluation) {
  using namespace report;
  const Json result = with_metric(evaluation);
  Page page;
  page.add("<main>\n");
  add_masthead(page, "Evaluation", result);
  add_verdict(page, result);
  add_metrics(page, result);
  add_slices(page, result);
  add_curves(page, result);
  add_confusion(page, result);
  add_data_remarks(page, result);
  page.add(footer(result) + "</main>");
  return page.finish(title_of(result));
}

std::string explanation_html(const Json& explanation) {
  using namespace report;
  Page page;
  page.add("<main>\n");
  add_masthead(page, "Explanation", explanation);
  add_explanation(page, explanation);
  add_stability(page, explanation);
  add_inference(page, explanation);
  add_partial_dependence(page, explanation);
  add_interactions(page, explanation);
  add_trees(page, explanation);
  add_data_remarks(page, explanation);
  page.add(footer(explanation) + "</main>");
  return page.finish(title_of(explanation));
}

std::string_view result_schema() { return report::asset(cairn_result_schema_begin, cairn_result_schema_end); }

}  // namespace cairn
