// From the lists of parameters to the program's flags: a parameter declared once is a flag, a line of help
// and a check.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cairn/base/params.h"
#include "cairn/base/stop.h"

namespace cairn::cli {

// What every verb takes.
struct CommonFlags {
  bool json = false, quiet = false;
  int threads = 0;
  std::string isa, max_memory;  // of verbs that have no such parameter of their own
};
void add_common(CLI::App& verb, CommonFlags& flags);

// One flag a parameter, `class_weight` as --class-weight; its help carries meaning, range and default.
void add_params(CLI::App& verb, const ParamsView& params);

// UsageError for what the verb does not know, with the nearest flag.
void refuse_leftovers(const CLI::App& verb);

// Keeps the whole process to the instruction set that --isa, or the config.json of --config and --resume,
// asks for. OpenBLAS and the C library choose their kernels when the process starts, so it starts itself
// again with the environment that they read. Returns when nothing (more) is to be done. UsageError: no such
// set here.
void keep_to_isa(int argc, char** argv);

// The token that Ctrl-C asks to stop; a second Ctrl-C ends the process at once.
StopToken stop_on_interrupt();

}  // namespace cairn::cli
