#include <fmt/format.h>

#include <algorithm>

#include "cairn/report/format_internal.h"
#include "cairn/report/report.h"
#include "cairn/report/terminal_internal.h"
#include "cairn/report/verdict_internal.h"
#include "cairn/report/words_internal.h"

namespace cairn {
namespace report {
namespace {

void add_metrics(Terminal& out, const Json& result) {
  const Json& metrics = field(result, "metrics");
  if (!has(result, "metrics")) return;
  const bool baseline = has(result, "baseline"), training = has(result, "train_metrics") && out.width() >= 72;
  std::vector<std::string> headings{"metric", "held out", "95 % interval"};
  if (baseline) headings.push_back("baseline");
  if (training) headings.push_back("training");
  std::vector<std::vector<std::string>> rows;
  const std::string chosen = text_at(result, "metric");
  for (const auto& [name, estimate] : metrics.items()) {
    const Figure f = figure_of(estimate);
    std::vector<std::string> row{metric_label(name), value_of(f), interval_of(f)};
    if (baseline) row.push_back(value_of(figure_of(field(field(result, "baseline"), name))));
    if (training) row.push_back(value_of(figure_of(field(field(result, "train_metrics"), name))));
    rows.insert(name == chosen ? rows.begin() : rows.end(), std::move(row));
  }
  out.table(headings, rows);
}

void add_ledger(Terminal& out, const Json& result) {
  const Json& ledger = field(result, "ledger");
  if (!ledger.is_array() || ledger.empty()) return;
  out.heading(fmt::format("Where the error comes from ({})",
                          metric_label(text_at(result, "ledger_metric", "error"))));
  std::vector<std::vector<std::string>> rows;
  for (const Json& line : ledger) {
    const Figure f = figure_of(line, "error");
    if (!f.value) continue;
    rows.push_back({text_at(line, "line"), value_of(f), interval_of(f)});
  }
  out.table({"line", "error", "95 % interval"}, rows);
  for (const Json& line : ledger) {
    if (const std::string gap = gap_words(field(line, "gap")); !gap.empty())
      out.item("gap", capitalised(gap));
    if (!number_at(line, "error"))
      out.item("?", fmt::format("{}: {}", capitalised(text_at(line, "line")),
                                text_at(line, "note", text_at(line, "measured_on"))));
  }
}

void add_advice(Terminal& out, const Json& result) {
  if (has(result, "next")) out.heading("Do next");
  int n = 0;
  for (const Json& action : field(result, "next")) {
    out.item(fmt::format("{}.", ++n), text_at(action, "action"), true);
    const Gain gain = gain_of(action);
    if (!gain.change.empty())
      out.more(gain.interval.empty() ? gain.change : fmt::format("{} ({})", gain.change, gain.interval));
    out.more(evidence_and_cost(action));
    if (has(action, "command")) out.command(text_at(action, "command"));
  }
  if (has(result, "not_worth")) out.heading("Not worth it");
  for (const Json& action : field(result, "not_worth"))
    out.item("-", fmt::format("{}: {}", text_at(action, "action"), not_worth_words(action)));
  if (has(result, "could_not_examine")) out.heading("Could not be examined");
  for (const Json& entry : field(result, "could_not_examine"))
    out.item("-", fmt::format("{}: {}", capitalised(text_at(entry, "what")), unexamined_words(entry)));
}

void add_calibration_map(Terminal& out, const Json& result) {
  const Json& c = field(result, "calibration");
  const auto before = number_at(field(field(c, "before"), "ece"), "value");
  const auto after = number_at(field(field(c, "after"), "ece"), "value");
  if (!before || !after) return;
  out.blank();
  out.soft(text_at(c, "method") == "none"
               ? fmt::format("--calibrate: no map did better than the model's own probabilities (ECE {}).",
                             number(before))
               : fmt::format("--calibrate: {}, ECE {} before and {} after, on {}.", text_at(c, "method"),
                             number(before), number(after), text_at(c, "on")));
}

void add_intervals(Terminal& out, const Json& result) {
  for (const Json& c : field(field(result, "intervals"), "coverage")) {
    const auto held = number_at(c, "held"), size = number_at(c, "mean_size");
    if (number_at(c, "asked") != 0.9 || !held || !size) continue;
    const bool sets = text_at(field(result, "intervals"), "kind") == "prediction_set";
    out.blank();
    out.soft(fmt::format(
        "predict --interval 0.9 held the truth for {} of {} held-out rows, {}{}.", percent(*held),
        count(static_cast<std::int64_t>(number_at(c, "n").value_or(0))),
        sets ? fmt::format("with {} classes a row", number(*size, 2)) : fmt::format("{} wide", number(size)),
        has(field(result, "intervals"), "models")
            ? fmt::format(", by CV+: {}", text_at(field(result, "intervals"), "why"))
            : ""));
  }
}

void add_split(Terminal& out, const Json& result) {
  const std::vector<std::string> sentences = split_words(result);
  if (sentences.empty()) return;
  out.heading("The split");
  for (const std::string& sentence : sentences) out.item("-", sentence);
}

void add_tuning(Terminal& out, const Json& result) {
  if (!has(field(result, "tuning"), "trials")) return;
  out.heading("The search");
  for (const std::string& sentence : tuning_words(result)) out.item("-", sentence);
}

void add_remarks(Terminal& out, const Json& result) {
  if (has(result, "warnings")) out.heading("Warnings");
  for (const Json& w : field(result, "warnings")) out.item("!", text_at(w, "message"));
  for (const Json& bar : field(result, "requirements"))
    out.item(flag_at(bar, "met") ? "met" : "NOT MET",
             fmt::format("{}: {}", text_at(bar, "expression"), number(number_at(bar, "value"))));
}

void add_files(Terminal& out, const Json& result) {
  if (!has(result, "report") && !has(result, "model")) return;
  out.blank();
  if (has(result, "report")) out.line("Report:  " + text_at(result, "report"));
  if (has(result, "model")) out.line("Model:   " + text_at(result, "model"));
  if (has(field(result, "commands"), "predict"))
    out.line("Predict: " + text_at(field(result, "commands"), "predict"));
}

}  // namespace
}  // namespace report

std::string report_text(const Json& result, bool colour, int width) {
  using namespace report;
  Terminal out(colour, width);
  const Verdict v = verdict_of(result);
  out.strong(v.baseline.empty() ? v.sentence + "." : fmt::format("{}; {}.", v.sentence, v.baseline));
  std::string figure = v.figure.empty() ? "" : v.figure + ".";
  if (has(result, "learner"))
    figure += fmt::format(
        " Learner: {}{}.", learner_label(text_at(result, "learner")),
        flag_at(field(result, "blend"), "shipped") ? " of " + blend_members(field(result, "blend")) : "");
  out.soft(figure);
  if (!v.doubt.empty()) out.item("!", v.doubt);
  if (field(result, "deterministic") == false)
    out.item("!", "A time limit or an interruption cut the search: another machine may get another result.");
  out.blank();
  add_metrics(out, result);
  add_calibration_map(out, result);
  add_intervals(out, result);
  add_split(out, result);
  add_tuning(out, result);
  add_ledger(out, result);
  add_advice(out, result);
  add_remarks(out, result);
  add_files(out, result);
  return out.text();
}

}  // namespace cairn
