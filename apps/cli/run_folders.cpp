#include "apps/cli/run_folders.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/report/report.h"

namespace cairn::cli {

Json read_config(const std::string& path) {
  Json config = Json::parse(read_file(path), nullptr, false);
  if (config.is_discarded()) throw UsageError("--config", fmt::format("'{}' is not JSON", path));
  return config;
}

Json config_to_resume(const std::string& folder, const std::string& verb, bool more_was_said) {
  const std::string path = folder + "/config.json";
  if (more_was_said)
    throw UsageError("--resume",
                     "goes on with what the stopped run was asked for; nothing else can be said beside it",
                     fmt::format("To change something: --config {}.", path));
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    throw UsageError("--resume", fmt::format("'{}' holds no run: there is no config.json in it", folder));
  if (std::filesystem::exists(folder + "/result.json", error))
    throw UsageError("--resume", fmt::format("the run in '{}' is finished", folder),
                     fmt::format("To repeat it: --config {}.", path));
  Json config = read_config(path);
  const std::string began = config.is_object() && config.contains("tune") ? "tune" : "train";
  if (began != verb)
    throw UsageError("--resume", fmt::format("'{}' was begun by cairn {}", folder, began),
                     fmt::format("cairn {} --resume {}.", began, folder));
  return config;
}

int print_outcome(const TrainOutcome& outcome, const CommonFlags& common) {
  if (common.json)
    fmt::print("{}\n", outcome.result->dump(2));
  else
    fmt::print("{}", report_text(*outcome.result, use_colour(), terminal_width()));
  if (outcome.bars_not_met.empty()) return 0;
  const BarNotMet error("--require", fmt::format("not met: {}", fmt::join(outcome.bars_not_met, ", ")));
  if (!common.json) print_error(error, false);  // under --json the result itself says so, in `requirements`
  return error.exit_code();
}

}  // namespace cairn::cli
