#include "cairn/run/tune.h"

#include <nlohmann/json.hpp>

#include "apps/cli/run_folders.h"
#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/builtin/registry.h"

namespace cairn::cli {
namespace {

struct Flags {
  TuneRequest request;
  std::string config, resume;
};

// A stopped search goes on in its own folder: trials that it has made are taken from there.
TuneRequest resolve(const Flags& flags) {
  if (!flags.resume.empty()) {
    const bool more = !flags.config.empty() || to_json(flags.request) != to_json(TuneRequest{});
    TuneRequest request = tune_request_from_json(config_to_resume(flags.resume, "tune", more));
    request.train.out = flags.resume;
    request.train.overwrite = true;
    return request;
  }
  if (flags.config.empty()) return flags.request;
  TuneRequest base = tune_request_from_json(read_config(flags.config));
  base.train.out.clear();  // a repeated run gets a folder of its own
  return overlaid(std::move(base), flags.request);
}

int run_tune(const Flags& flags, const CommonFlags& common) {
  TerminalProgress progress(common.quiet);
  const StopToken stop = stop_on_interrupt();
  const TrainOutcome outcome = tune(resolve(flags), builtin_registry(),
                                    {.stop = stop, .progress = &progress, .resumed = !flags.resume.empty()});
  progress.end();
  return print_outcome(outcome, common);
}

}  // namespace

Verb add_tune(CLI::App& program) {
  auto* app = program.add_subcommand("tune", "look for good settings of a learner, then train with them");
  app->footer("Example: cairn tune data/penguins.csv --target body_mass_g --learner ridge --trials 20");
  auto flags = std::make_shared<Flags>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("DATA", flags->request.train.data, "a file, or - for standard input");
  app->add_option("--config", flags->config, "repeat a search from its config.json");
  app->add_option("--resume", flags->resume, "finish a search that was stopped, in its own folder");
  add_params(*app, {"tune", &flags->request.tune, &TuneFlags::list()});
  add_params(*app, {"train", &flags->request.train, &TrainOptions::list()});
  add_params(*app, {"read", &flags->request.train.read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [flags, common] { return run_tune(*flags, *common); }};
}

}  // namespace cairn::cli
