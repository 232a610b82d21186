// The verb that holds models against one another.
#include "cairn/run/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/error.h"
#include "cairn/builtin/registry.h"

namespace cairn::cli {
namespace {

std::string cell(const Json& value) {
  return value.is_number() ? fmt::format("{:.4g}", value.get<double>()) : "-";
}

std::string comparison_text(const Json& result) {
  const auto metric = result["metric"].get<std::string>();
  std::string text = fmt::format("{} models on {} rows of {}\n\n     {:<12} {:>9}   95 % interval\n",
                                 result["models"].size(), result["rows"].get<std::int64_t>(),
                                 result["data"].get<std::string>(), metric, "");
  for (std::size_t i = 0; i < result["models"].size(); ++i) {
    const Json& m = result["models"][i];
    text += fmt::format("  {}  {:<12} {} to {}   {} ({})\n", static_cast<char>('A' + i % 26),
                        cell(m["value"]), cell(m["low"]), cell(m["high"]), m["model"].get<std::string>(),
                        m["learner"].get<std::string>());
  }
  text += "\n  pair   gain        95 % interval          p         McNemar p  5x2cv p\n";
  for (const Json& pair : result["pairs"]) {
    const auto p_of = [&](const char* test) {
      return pair[test].is_null() ? std::string("-") : cell(pair[test]["p_adjusted"]);
    };
    text += fmt::format("  {} - {}  {:<10}  {:<21}  {:<8}  {:<9}  {}\n",
                        static_cast<char>('A' + pair["second"].get<int>() % 26),
                        static_cast<char>('A' + pair["first"].get<int>() % 26), cell(pair["gain"]),
                        cell(pair["low"]) + " to " + cell(pair["high"]), cell(pair["p_adjusted"]),
                        p_of("mcnemar"), p_of("five_by_two"));
  }
  text += "\n";
  for (const Json& pair : result["pairs"]) text += pair["verdict"].get<std::string>() + "\n";
  return text;
}

int run_compare(const CompareOptions& options, const CommonFlags& common) {
  const Json result = compare_models(options, builtin_registry(), stop_on_interrupt());
  if (common.json) {
    fmt::print("{}\n", result.dump(2));
  } else {
    if (!common.quiet)
      for (const Json& w : result["warnings"])
        fmt::print(stderr, "warning: {}\n", w["message"].get<std::string>());
    fmt::print("{}", comparison_text(result));
  }
  std::vector<std::string> not_met;
  for (const Json& r : result["requirements"])
    if (!r["met"].get<bool>())
      not_met.push_back(fmt::format("{} (it is {})", r["expression"].get<std::string>(), cell(r["value"])));
  if (not_met.empty()) return 0;
  const BarNotMet error("--require", fmt::format("not met: {}", fmt::join(not_met, ", ")));
  if (!common.json) print_error(error, false);  // under --json the result itself says so, in `requirements`
  return error.exit_code();
}

}  // namespace

Verb add_compare(CLI::App& program) {
  auto* app =
      program.add_subcommand("compare", "which of several models is better on the same rows, or chance");
  app->footer(
      "Example: cairn compare runs/a runs/b --data data/penguins.csv --require \"low>0\"\n"
      "A gain is positive where the later model is better; p-values are adjusted over the pairs (Holm).");
  auto options = std::make_shared<CompareOptions>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("MODEL", options->models, "two or more model files or run folders")->required();
  app->add_option("--data", options->data, "a file with the target column, whose rows no model has seen")
      ->required();
  app->add_option("--metric", options->metric, "what is compared; default: the task's own");
  app->add_flag("--refit", options->refit,
                "fit every learner ten times on halves of the data as well: the combined 5x2cv F test");
  app->add_option("--require", options->require,
                  "exit with 6 unless the last model against the first has gain, low, high or p so, such as "
                  "\"low>0\"");
  app->add_option("--seed", options->seed, "the seed of resampling and halves");
  add_params(*app, {"read", &options->read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [=] { return run_compare(*options, *common); }};
}

}  // namespace cairn::cli
