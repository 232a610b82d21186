// The verb `bench`: how fast the parts of this program run on this machine.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/check/operation_bench.h"
#include "cairn/run/quantities.h"

namespace cairn::cli {
namespace {

int run_bench(const std::string& what, OperationBenchOptions options, const CommonFlags& common) {
  if (what != "ops")
    throw UsageError("bench", fmt::format("'{}' is not ops, the one thing that is measured", what),
                     suggestion(what, std::vector<std::string>{"ops"}));
  options.max_memory = parse_bytes("--max-memory", common.max_memory);
  TerminalProgress progress(common.quiet);
  const OperationBench bench = bench_operations(options, stop_on_interrupt(), &progress);
  fmt::print("{}", common.json ? bench.json().dump(2) + "\n" : bench.text());
  return 0;
}

}  // namespace

Verb add_bench(CLI::App& program) {
  auto* app = program.add_subcommand("bench", "how fast the operations of networks run on this machine");
  app->footer("Example: cairn bench ops --operations conv2d,linear");
  auto what = std::make_shared<std::string>();
  auto options = std::make_shared<OperationBenchOptions>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("THING", *what,
                  "ops: which kernel each operation takes by shape, its time and share of the peak")
      ->required();
  add_params(*app, {"bench", options.get(), &OperationBenchOptions::list()});
  add_common(*app, *common);
  return {app, common, [=] { return run_bench(*what, *options, *common); }};
}

}  // namespace cairn::cli
