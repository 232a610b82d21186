// What the verbs that fill a run folder share: taking one up again, repeating it, telling what came out.
#pragma once

#include <string>

#include "apps/cli/flags.h"
#include "cairn/base/json.h"
#include "cairn/run/train.h"

namespace cairn::cli {

Json read_config(const std::string& path);  // UsageError: it is not JSON

// The config.json of a run that was stopped and that `verb` had begun. UsageError: none is there, it is
// finished, another verb began it, or more was said than --resume.
Json config_to_resume(const std::string& folder, const std::string& verb, bool more_was_said);

// The result as JSON or text; the exit code.
int print_outcome(const TrainOutcome& outcome, const CommonFlags& common);

}  // namespace cairn::cli
