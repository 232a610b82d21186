// The verb `check`: a network against its data, or a flight recording run again.
#include "cairn/run/check.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/error.h"
#include "cairn/builtin/registry.h"
#include "cairn/check/flight_replay.h"

namespace cairn::cli {
namespace {

constexpr int kFound = static_cast<int>(ErrorKind::bar_not_met);

int run_check(const CheckOptions& options, const CommonFlags& common) {
  if (is_recording(options.network)) {
    if (!options.data.empty())
      throw UsageError("check",
                       fmt::format("'{}' is a flight recording, which brings its own data", options.network),
                       fmt::format("Say: cairn check {}", options.network));
    const FlightReplay r = replay_flight(options.network);
    fmt::print("{}", common.json ? r.json().dump(2) + "\n" : r.text());
    return r.fault.any() ? kFound : 0;
  }
  if (options.data.empty())
    throw UsageError("check", "no data were named",
                     "Say: cairn check NET DATA --target COLUMN, or give a flight recording.");
  TerminalProgress progress(common.quiet);
  const NetworkCheck check =
      check_file(options, builtin_registry(), {.stop = stop_on_interrupt(), .progress = &progress});
  fmt::print("{}", common.json ? check.json().dump(2) + "\n" : check.text());
  return check.passed() ? 0 : kFound;
}

}  // namespace

Verb add_check(CLI::App& program) {
  auto* app = program.add_subcommand(
      "check",
      "a network of your own against its data: what keeps it from learning, with numbers and remedies");
  app->footer(
      "Exit code 6 when something is found. A training that broke has left flight-FIT.cairn: cairn check "
      "FILE runs its batch again.\n\n"
      "Example: cairn check net.json data/penguins.csv --target species --prepare");
  auto options = std::make_shared<CheckOptions>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("NET", options->network, "a network as JSON, or a flight recording")->required();
  app->add_option("DATA", options->data, "a file, or - for standard input");
  add_params(*app, {"check", options.get(), &CheckOptions::list()});
  add_params(*app, {"check", &options->check, &NetworkCheckOptions::list()});
  add_params(*app, {"read", &options->read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [=] { return run_check(*options, *common); }};
}

}  // namespace cairn::cli
