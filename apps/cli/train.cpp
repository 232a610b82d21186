#include "cairn/run/train.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/builtin/registry.h"
#include "cairn/report/report.h"

namespace cairn::cli {
namespace {

struct TrainFlags {
  TrainOptions options;
  std::string config, resume;
};

TrainOptions from_config(const std::string& path) {
  const Json config = Json::parse(read_file(path), nullptr, false);
  if (config.is_discarded()) throw UsageError("--config", fmt::format("'{}' is not JSON", path));
  return train_options_from_json(config);
}

// A stopped run goes on in its own folder: same data, seed and flags, so the same bytes as if it had not been
// stopped; folds that it has measured are taken from there.
TrainOptions resolve(const TrainFlags& flags) {
  if (!flags.resume.empty()) {
    if (!flags.config.empty() || to_json(flags.options) != to_json(TrainOptions{}))
      throw UsageError("--resume",
                       "goes on with what the stopped run was asked for; nothing else can be said beside it",
                       fmt::format("To change something: --config {}/config.json.", flags.resume));
    std::error_code error;
    if (!std::filesystem::exists(flags.resume + "/config.json", error))
      throw UsageError("--resume",
                       fmt::format("'{}' holds no run: there is no config.json in it", flags.resume));
    if (std::filesystem::exists(flags.resume + "/result.json", error))
      throw UsageError("--resume", fmt::format("the run in '{}' is finished", flags.resume),
                       fmt::format("To repeat it: --config {}/config.json.", flags.resume));
    TrainOptions options = from_config(flags.resume + "/config.json");
    options.out = flags.resume;
    options.overwrite = true;
    return options;
  }
  if (flags.config.empty()) return flags.options;
  TrainOptions base = from_config(flags.config);
  base.out.clear();  // a repeated run gets a folder of its own
  return overlaid(std::move(base), flags.options);
}

int run_train(const TrainFlags& flags, const CommonFlags& common) {
  TerminalProgress progress(common.quiet);
  const StopToken stop = stop_on_interrupt();
  const TrainOutcome outcome = train(resolve(flags), builtin_registry(),
                                     {.stop = stop, .progress = &progress, .resumed = !flags.resume.empty()});
  progress.end();
  if (common.json)
    fmt::print("{}\n", outcome.result->dump(2));
  else
    fmt::print("{}", report_text(*outcome.result, use_colour(), terminal_width()));
  if (outcome.bars_not_met.empty()) return 0;
  const BarNotMet error("--require", fmt::format("not met: {}", fmt::join(outcome.bars_not_met, ", ")));
  if (!common.json) print_error(error, false);  // under --json the result itself says so, in `requirements`
  return error.exit_code();
}

}  // namespace

Verb add_train(CLI::App& program) {
  auto* app =
      program.add_subcommand("train", "learn from a table: split, choose, fit, measure, explain, save");
  app->footer("Example: cairn train data/penguins.csv --target species");
  auto flags = std::make_shared<TrainFlags>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("DATA", flags->options.data, "a file, or - for standard input");
  app->add_option("--config", flags->config, "repeat a run from its config.json");
  app->add_option("--resume", flags->resume, "finish a run that was stopped, in its own folder");
  add_params(*app, {"train", &flags->options, &TrainOptions::list()});
  add_params(*app, {"read", &flags->options.read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [flags, common] { return run_train(*flags, *common); }};
}

}  // namespace cairn::cli
