#include "cairn/run/train.h"

#include <nlohmann/json.hpp>

#include "apps/cli/run_folders.h"
#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/builtin/registry.h"

namespace cairn::cli {
namespace {

struct TrainFlags {
  TrainOptions options;
  std::string config, resume;
};

// A stopped run goes on in its own folder: same data, seed and flags, so the same bytes as if it had not been
// stopped; folds that it has measured are taken from there.
TrainOptions resolve(const TrainFlags& flags) {
  if (!flags.resume.empty()) {
    const bool more = !flags.config.empty() || to_json(flags.options) != to_json(TrainOptions{});
    TrainOptions options = train_options_from_json(config_to_resume(flags.resume, "train", more));
    options.out = flags.resume;
    options.overwrite = true;
    return options;
  }
  if (flags.config.empty()) return flags.options;
  TrainOptions base = train_options_from_json(read_config(flags.config));
  base.out.clear();  // a repeated run gets a folder of its own
  return overlaid(std::move(base), flags.options);
}

int run_train(const TrainFlags& flags, const CommonFlags& common) {
  TerminalProgress progress(common.quiet);
  const StopToken stop = stop_on_interrupt();
  const TrainOutcome outcome = train(resolve(flags), builtin_registry(),
                                     {.stop = stop, .progress = &progress, .resumed = !flags.resume.empty()});
  progress.end();
  return print_outcome(outcome, common);
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
