// What a finished model leans on: importance, partial dependence, one prediction taken apart, similar rows.
#include "cairn/run/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/atomic_file.h"
#include "cairn/builtin/registry.h"
#include "cairn/report/report.h"

namespace cairn::cli {
namespace {

constexpr std::size_t kShown = 20;

std::string figure(const Json& value) {
  return value.is_number() ? fmt::format("{:.6g}", value.get<double>()) : "-";
}

std::string importance_text(const Json& result) {
  const Json& list = result["importance"];
  if (list.empty()) return "";
  const bool p = list[0].contains("p");
  std::string text = fmt::format("\n{} is worse by so much when a column is shuffled\n  {:<32} {:>11}   {}\n",
                                 result["metric"].get<std::string>(), "column", "worse by",
                                 p ? fmt::format("{:<26}      p", "95 % interval") : "95 % interval");
  for (std::size_t i = 0; i < std::min(list.size(), kShown); ++i) {
    const Json& e = list[i];
    const std::string interval = figure(e["low"]) + " to " + figure(e["high"]);
    text += fmt::format("  {:<32} {:>11}   {}\n", e["feature"].get<std::string>(), figure(e["value"]),
                        p ? fmt::format("{:<26}{:>7}", interval, figure(e["p"])) : interval);
  }
  if (list.size() > kShown) text += fmt::format("  ({} more; --json has them)\n", list.size() - kShown);
  return text;
}

// A few of the values, with the mean prediction there.
std::string dependence_text(const Json& result) {
  const Json& list = result["partial_dependence"];
  std::string text;
  for (const Json& told : list) {
    const bool number = told.contains("numbers");
    const Json& values = told[number ? "numbers" : "levels"];
    for (const Json& curve : told["curves"]) {
      const std::string output = curve["output"];
      text += fmt::format("  {}{}:", told["feature"].get<std::string>(),
                          output.empty() ? "" : fmt::format(", probability of {}", output));
      constexpr std::size_t kPoints = 5;
      const std::size_t shown = std::min(values.size(), kPoints);
      for (std::size_t i = 0; i < shown; ++i) {
        const std::size_t at = number && shown > 1 ? i * (values.size() - 1) / (shown - 1) : i;
        text += fmt::format("{} {} at {}", i == 0 ? "" : ",", figure(curve["mean"][at]),
                            number ? figure(values[at]) : values[at].get<std::string>());
      }
      text += "\n";
    }
  }
  return text.empty() ? "" : "\nthe mean prediction when a column is set to a value\n" + text;
}

std::string row_text(const Json& row, const Json& background) {
  const std::string score_of = row["score_of"];
  const std::string said =
      score_of == "the prediction" ? "" : fmt::format(" {};", row["prediction"].get<std::string>());
  const std::string before = background.is_null() ? "before anything is known"
                                                  : fmt::format("as the mean of {} rows of {}",
                                                                background["rows"].get<std::int64_t>(),
                                                                background["data"].get<std::string>());
  std::string text = fmt::format("\nrow {}:{} {} is {}, {} of it {}\n", row["number"].get<std::int64_t>(),
                                 said, score_of, figure(row["score"]), figure(row["base"]), before);
  if (row.contains("path"))
    for (const Json& question : row["path"]) text += fmt::format("  {}\n", question.get<std::string>());
  std::size_t shown = 0;
  for (const Json& part : row["contributions"]) {
    if (shown++ == kShown) break;
    text +=
        fmt::format("  {:>+12.6g}  {} = {}\n", part["value"].get<double>(), part["column"].get<std::string>(),
                    part["cell"].is_null() ? "(missing)" : part["cell"].get<std::string>());
  }
  return text;
}

std::string stability_text(const Json& stability) {
  std::string text = fmt::format(
      "\nthe same from {} fits, each with its own seed and rows; their orders agree to {} (1: the same)\n",
      stability["fits"].get<std::int64_t>(), figure(stability["rank_correlation"]));
  if (const auto compared = stability["pairs_compared"].get<std::int64_t>(),
      all = stability["pairs"].get<std::int64_t>();
      compared < all)
    text += fmt::format("  {} of {} pairs of fits can be compared: the others find all columns alike\n",
                        compared, all);
  text += fmt::format("  {:<32} {:>11} {:>11}   {}\n", "column", "mean", "deviation", "place");
  std::size_t shown = 0;
  for (const Json& c : stability["columns"]) {
    if (shown++ == kShown) break;
    text +=
        fmt::format("  {:<32} {:>11} {:>11}   {} to {}\n", c["feature"].get<std::string>(), figure(c["mean"]),
                    figure(c["deviation"]), figure(c["best_rank"]), figure(c["worst_rank"]));
  }
  return text;
}

std::string interactions_text(const Json& told) {
  std::string text =
      fmt::format("\nwhat two columns add to {} together, beyond what each adds alone: mean size\n",
                  told["score_of"].get<std::string>());
  for (const Json& pair : told["pairs"])
    text += fmt::format("  {:<45} {:>11}\n",
                        fmt::format("{} and {}", pair["columns"][0].get<std::string>(),
                                    pair["columns"][1].get<std::string>()),
                        figure(pair["value"]));
  return told["pairs"].empty() ? text + "  nothing: no prediction asks for two columns\n" : text;
}

std::string neighbors_text(const Json& result) {
  const Json& all = result["neighbors"];
  std::string text = "\nthe rows most alike, with the share of trees in which they fall into one leaf\n";
  const auto line = [&](std::size_t r) {
    text += fmt::format("  row {}:", r + 1);
    for (std::size_t j = 0; j < all[r]["rows"].size(); ++j)
      text += fmt::format("{} {} ({:.2f})", j == 0 ? "" : ",", all[r]["rows"][j].get<std::int64_t>(),
                          all[r]["proximity"][j].get<double>());
    text += "\n";
  };
  if (result.contains("row")) {
    line(result["row"]["number"].get<std::size_t>() - 1);
    return text;
  }
  for (std::size_t r = 0; r < std::min(all.size(), kShown); ++r) line(r);
  if (all.size() > kShown) text += fmt::format("  ({} more; --json has them)\n", all.size() - kShown);
  return text;
}

int run_explain(const ExplainOptions& options, const std::string& html, const CommonFlags& common) {
  const Json result = explain_file(options, builtin_registry(), stop_on_interrupt());
  if (!html.empty()) write_file(html, explanation_html(result));
  if (common.json) {
    fmt::print("{}\n", result.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (!common.quiet)
    for (const Json& w : result["warnings"])
      fmt::print(stderr, "warning: {}\n", w["message"].get<std::string>());
  std::string text = fmt::format("{} on {} rows of {}\n", result["learner"].get<std::string>(),
                                 result["rows"].get<std::int64_t>(), result["data"].get<std::string>());
  if (result.contains("importance")) text += importance_text(result);
  if (result.contains("stability")) text += stability_text(result["stability"]);
  text += dependence_text(result);
  if (result.contains("interactions")) text += interactions_text(result["interactions"]);
  if (result.contains("inference")) text += inference_text(result["inference"]);
  if (result.contains("row")) text += row_text(result["row"], result.value("background", Json()));
  if (result.contains("neighbors")) text += neighbors_text(result);
  fmt::print("{}", text);
  if (!html.empty()) fmt::print("report: {}\n", html);
  return 0;
}

}  // namespace

Verb add_explain(CLI::App& program) {
  auto* app =
      program.add_subcommand("explain", "what a model leans on: importance, partial dependence, one row");
  app->footer("Example: cairn explain runs/last data/penguins.csv --row 1");
  auto options = std::make_shared<ExplainOptions>();
  auto html = std::make_shared<std::string>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("MODEL", options->model, "a model file or a run folder")->required();
  app->add_option("DATA", options->data, "a file; importance needs the target column in it")->required();
  app->add_option("--row", options->row, "take the prediction of this row apart, counted from 1");
  app->add_option(
      "--background", options->background,
      "compare --row with the rows of these data: what each column adds to their mean prediction");
  app->add_option("--column", options->column,
                  "tell partial dependence of these; default: those that matter most")
      ->delimiter(',');
  app->add_option("--null", options->null,
                  "a p-value a column: fit the learner again on so many permuted targets, such as 99");
  app->add_option("--neighbors", options->neighbors,
                  "for each row, or that of --row, so many rows that a forest finds most alike");
  app->add_option("--interactions", options->interactions,
                  "of trees, so many pairs of columns that matter most together, such as 10");
  app->add_option("--seeds", options->seeds,
                  "how far importance depends on the seed: fit the learner again with so many, such as 10");
  app->add_option("--metric", options->metric, "what importance is measured in; default by task");
  app->add_option("--html", *html, "write a page with the charts");
  app->add_option("--seed", options->seed, "the seed of shuffles and permutations");
  add_params(*app, {"read", &options->read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [=] { return run_explain(*options, *html, *common); }};
}

}  // namespace cairn::cli
