#include "cairn/data/describe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "apps/cli/terminal.h"
#include "apps/cli/verbs.h"
#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/builtin/registry.h"
#include "cairn/data/checks.h"
#include "cairn/data/split_plan.h"
#include "cairn/report/report.h"
#include "cairn/run/describe_in_parts.h"
#include "cairn/run/findings.h"
#include "cairn/run/pictures.h"
#include "cairn/run/read.h"
#include "cairn/run/split_checks.h"

namespace cairn::cli {
namespace {

struct DescribeFlags {
  std::string data, target, html;
  ReadFlags read;
};

// Where the data bring a test part: whether its rows are like the others.
void add_shift(const ReadResult& read, const Dataset& data, std::vector<Warning>& warnings) {
  if (!read.test) return;
  const Dataset test = data.with_table(*read.test);
  if (!can_measure_shift(data, test)) return;
  if (auto warning = shift_warning(measure_shift(data, test, builtin_registry(), 0)))
    warnings.push_back(std::move(*warning));
}

struct Looked {
  Json description, pictures;
};

Looked look_at(const ReadResult& read, const DescribeFlags& flags) {
  std::vector<Warning> warnings = read.warnings;
  for (Warning& w : check_table(read.table.without(read.id))) warnings.push_back(std::move(w));
  const std::string& target = flags.target.empty() ? read.target : flags.target;
  const Dataset data(read.table, {.roles = {.target = target, .id = read.id}});
  if (!target.empty())
    for (Warning& w : check_dataset(data)) warnings.push_back(std::move(w));
  for (Warning& w : plan_split(data, true).warnings) warnings.push_back(std::move(w));
  if (!target.empty()) add_shift(read, data, warnings);
  Looked l;
  l.description = target.empty() ? describe(read.table, {.schema = &read.schema})
                                 : describe(data, {.schema = &read.schema});
  l.description["name"] = data_name(flags.data);
  l.description["guesses"] = guesses_to_json(read.guesses);
  l.description["warnings"] = warnings_to_json(warnings);
  if (!flags.html.empty()) l.pictures = sample_pictures(data);
  return l;
}

int run_describe(const DescribeFlags& flags, const CommonFlags& common) {
  TerminalProgress progress(common.quiet);
  const StopToken stop = stop_on_interrupt();
  const Registry& registry = builtin_registry();
  std::optional<ReadResult> whole;
  Looked l;
  if (describe_in_parts(flags.data, flags.target, flags.read, registry, stop, &progress, l.description,
                        whole))
    l.description["name"] = data_name(flags.data);
  else
    l = look_at(
        whole ? std::move(*whole) : read_data(flags.data, flags.read, registry, nullptr, stop, &progress),
        flags);
  progress.end();
  if (!flags.html.empty()) {
    Json page = l.description;
    if (!l.pictures.is_null()) page["pictures"] = std::move(l.pictures);
    write_file(flags.html, describe_html(page));
  }
  if (common.json)
    fmt::print("{}\n", l.description.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("{}", describe_text(l.description, use_colour(), terminal_width()));
  // The process is over; taking apart what was said of 100,000 columns would be a fifth of its work.
  [[maybe_unused]] static const Json* const left_to_the_system = new Json(std::move(l.description));
  return 0;
}

}  // namespace

Verb add_describe(CLI::App& program) {
  auto* app =
      program.add_subcommand("describe", "look at a table: kinds, ranges, missing values, plots, warnings");
  app->footer("Example: cairn describe data/penguins.csv --target species");
  auto flags = std::make_shared<DescribeFlags>();
  auto common = std::make_shared<CommonFlags>();
  app->add_option("DATA", flags->data, "a file, or - for standard input")->required();
  app->add_option("--target", flags->target,
                  "the column to predict: adds leak suspects, imbalance and what goes with it");
  app->add_option("--html", flags->html, "write a page");
  add_params(*app, {"read", &flags->read, &ReadFlags::list()});
  add_common(*app, *common);
  return {app, common, [=] { return run_describe(*flags, *common); }};
}

}  // namespace cairn::cli
