// The verbs that use a finished model: predict, evaluate, inspect, export.
#include "cairn/run/apply.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/builtin/registry.h"
#include "cairn/data/csv_writer.h"
#include "cairn/report/report.h"
#include "cairn/run/export.h"
#include "cairn/run/findings.h"
#include "cairn/run/network_summary.h"

namespace cairn::cli {
namespace {

int run_predict(const PredictOptions& options, const std::string& out, const CommonFlags& common) {
  if (common.json && out.empty())
    throw UsageError("predict", "--json prints a summary and needs --out for the predictions");
  const Predictions predictions = predict(options, builtin_registry(), stop_on_interrupt());
  print_warnings(predictions.warnings, common.quiet || common.json);
  if (out.empty()) {
    fmt::print("{}", csv_text(predictions.table));
    return 0;
  }
  write_csv(predictions.table, out);
  if (common.json) {
    const Json summary{{"model", options.model},
                       {"rows", predictions.table.num_rows()},
                       {"columns", predictions.table.names()},
                       {"out", out},
                       {"warnings", warnings_to_json(predictions.warnings)}};
    fmt::print("{}\n", summary.dump(2));
  } else if (!common.quiet) {
    fmt::print(stderr, "{} predictions in {}\n", predictions.table.num_rows(), out);
  }
  return 0;
}

// A table of metrics with intervals, then the parts of --slice.
std::string metrics_text(const Json& metrics) {
  std::string text;
  for (const auto& [name, m] : metrics.items())
    text += fmt::format("  {:<20} {:>12.6g}   {:.6g} to {:.6g}\n", name, m["value"].get<double>(),
                        m["low"].is_null() ? NAN : m["low"].get<double>(),
                        m["high"].is_null() ? NAN : m["high"].get<double>());
  return text;
}

std::string evaluation_text(const Json& result) {
  std::string text = fmt::format("{} on {} rows of {}\n\n  {:<20} {:>12}   95 % interval\n",
                                 result["learner"].get<std::string>(), result["rows"].get<std::int64_t>(),
                                 result["data"].get<std::string>(), "metric", "value");
  text += metrics_text(result["metrics"]);
  if (result.contains("slices"))
    for (const Json& s : result["slices"])
      text += fmt::format("\n{} = {}, {} rows\n{}", result["slice"].get<std::string>(),
                          s["slice"].get<std::string>(), s["rows"].get<std::int64_t>(),
                          metrics_text(s["metrics"]));
  return text;
}

int run_evaluate(const EvaluateOptions& options, const std::string& html, const CommonFlags& common) {
  const Json result = evaluate_file(options, builtin_registry(), stop_on_interrupt());
  if (!html.empty()) write_file(html, evaluation_html(result));
  if (common.json) {
    fmt::print("{}\n", result.dump(2));
    return 0;
  }
  if (!common.quiet)
    for (const Json& w : result["warnings"])
      fmt::print(stderr, "warning: {}\n", w["message"].get<std::string>());
  fmt::print("{}", evaluation_text(result));
  if (!html.empty()) fmt::print("report: {}\n", html);
  return 0;
}

// The lines after the first, below the first.
std::string below(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    text.replace(at, 1, fmt::format("\n{:<19}", ""));
  return text;
}

std::string card_text(const Json& card) {
  std::string text;
  for (const auto& [name, value] : card.items())
    if (const auto said = value.is_string() ? value.get<std::string>() : value.dump();
        name != "inference" && !value.empty() && !said.empty())
      text += fmt::format("  {:<16} {}\n", name, below(said));
  return text;
}

int run_inspect(const std::string& file, const CommonFlags& common) {
  std::error_code error;
  const std::string path = std::filesystem::is_directory(file, error) ? file + "/model.cairn" : file;
  if (const auto net = declared_in(path)) {
    if (common.json)
      fmt::print("{}\n", network_to_json(*net).dump(2));
    else
      fmt::print("{}", net->summary());
    return 0;
  }
  Json found = inspect(path);
  const auto net = network_inside(found.value("values", Json()));
  if (net) found["network"] = network_to_json(*net);
  if (common.json) {
    fmt::print("{}\n", found.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{}: {} bytes, written by {}\n", path, found["bytes"].get<std::size_t>(),
             found["writer"].get<std::string>());
  if (found.contains("kind"))
    fmt::print("kind {}, format {}, {}\n", found["kind"].get<std::string>(), found["format"].dump(),
               found["intact"].get<bool>() ? "checksum right" : "CHECKSUM WRONG: the file is damaged");
  if (found.contains("card")) fmt::print("card\n{}", card_text(found["card"]));
  if (const Json& card = found.value("card", Json()); card.contains("inference"))
    fmt::print("{}\n", inference_text(Json::parse(card["inference"].get<std::string>(), nullptr, false)));
  if (net) fmt::print("network\n{}", net->summary());
  fmt::print("tensors\n");
  for (const Json& t : found["tensors"])
    fmt::print("  {:<48} {:<5} {:<14} {:>12} bytes\n", t["name"].get<std::string>(),
               t["dtype"].get<std::string>(), t["shape"].dump(), t["bytes"].get<std::size_t>());
  return 0;
}

int run_export(const ExportOptions& options, const CommonFlags& common) {
  const Json done = export_model(options, builtin_registry());
  if (common.json) {
    fmt::print("{}\n", done.dump(2, ' ', false, Json::error_handler_t::replace));
    return 0;
  }
  if (common.quiet) return 0;
  fmt::print("{}: {} trees for {}, {} bytes\n", options.out, done["trees"].get<std::int64_t>(),
             done["to"].get<std::string>(), done["bytes"].get<std::size_t>());
  fmt::print(
      "features, in this order{}\n",
      done["prepared"].get<bool>() ? " (what the model's own transforms make of the data's columns)" : "");
  for (const Json& f : done["features"]) {
    std::string levels;
    if (f.contains("levels"))
      for (std::size_t c = 0; c < f["levels"].size(); ++c)
        levels += fmt::format("{}{} {}", c > 0 ? ", " : ": ", c, f["levels"][c].get<std::string>());
    fmt::print("  {}{}\n", f["name"].get<std::string>(), levels);
  }
  return 0;
}

}  // namespace

Verb add_predict(CLI::App& program) {
  auto* app = program.add_subcommand("predict", "predictions for new rows, in input order, as CSV");
  app->footer("Example: cairn predict runs/last data/penguins.csv --probabilities --out predictions.csv");
  auto options = std::make_shared<PredictOptions>();
  auto out = std::make_shared<std::string>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("MODEL", options->model,
                  "a model file, a run folder, or a file of XGBoost, LightGBM or ONNX")
      ->required();
  app->add_option("DATA", options->data, "a file, or - for standard input")->required();
  app->add_option("--out", *out, "write here instead of standard output");
  app->add_flag("--probabilities", options->probabilities, "one column p_<class> a class");
  app->add_option("--interval", options->interval,
                  "coverage such as 0.9: columns low and high, or prediction_set for classes");
  app->add_option("--quantiles", options->quantiles,
                  "levels such as 0.1,0.5,0.9: columns q_<level>; of quantile_forest")
      ->delimiter(',');
  app->add_flag("--explain", options->explain,
                "base and one column contribution_<column> a column, which add up to the prediction (for "
                "classes: to score, the log-odds; of single trees and forests the probability)");
  app->add_option("--id", options->id, "columns to keep beside the predictions")->delimiter(',');
  add_params(*app, {"read", &options->read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [=] { return run_predict(*options, *out, *common); }};
}

Verb add_evaluate(CLI::App& program) {
  auto* app = program.add_subcommand("evaluate", "judge a model on rows whose truth is known");
  app->footer("Example: cairn evaluate runs/last data/penguins.csv --slice island");
  auto options = std::make_shared<EvaluateOptions>();
  auto html = std::make_shared<std::string>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("MODEL", options->model, "a model file or a run folder")->required();
  app->add_option("DATA", options->data, "a file with the target column")->required();
  app->add_option("--metric", options->metric, "a metric to compute; default: all that apply");
  app->add_option("--slice", options->slice, "judge every part of this column apart");
  app->add_option("--html", *html, "write a page with the curves");
  app->add_option("--seed", options->seed, "the seed of the intervals' resampling");
  add_params(*app, {"read", &options->read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [=] { return run_evaluate(*options, *html, *common); }};
}

Verb add_inspect(CLI::App& program) {
  auto* app = program.add_subcommand("inspect",
                                     "what is inside a model file, or a network's layers; safe on any file");
  app->footer("Example: cairn inspect runs/last/model.cairn");
  auto path = std::make_shared<std::string>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("FILE", *path, "a model file, a run folder, any safetensors file, or a network as JSON")
      ->required();
  add_common(*app, *common);
  return {app, common, [=] { return run_inspect(*path, *common); }};
}

Verb add_export(CLI::App& program) {
  auto* app =
      program.add_subcommand("export", "a model of trees as a file for XGBoost, LightGBM or a C++ program");
  app->footer("Example: cairn export runs/last model.h");
  auto options = std::make_shared<ExportOptions>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("MODEL", options->model,
                  "a model file, a run folder, or a file of XGBoost, LightGBM or ONNX")
      ->required();
  app->add_option("OUT", options->out,
                  "the file to write: .json or .ubj for XGBoost, .txt for LightGBM, .h for a C++ header")
      ->required();
  app->add_option("--to", options->to, "xgboost, xgboost-ubj, lightgbm or cpp, whatever the ending says");
  app->add_option("--name", options->name, "the namespace of the C++ header")->capture_default_str();
  add_common(*app, *common);
  return {app, common, [=] { return run_export(*options, *common); }};
}

}  // namespace cairn::cli
