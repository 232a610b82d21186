#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/model/pipeline.h"
#include "cairn/tree/boost_start_internal.h"
#include "cairn/tree/gradient_boosting.h"

namespace cairn::tree {
namespace {

// What the objective of a file of another program is called here: "binary sigmoid:1" is logistic.
std::string objective_here(const std::string& said) {
  std::string name = said.substr(0, said.find(' '));
  for (const Param& p : GradientBoostingParams::list()) {
    if (p.name != "objective") continue;
    for (const std::string& known : p.also_known_as)
      if (known.starts_with(name + "=")) return known.substr(name.size() + 1);
  }
  return name;
}

std::string column_names(const std::vector<TreeFeature>& features) {
  constexpr std::size_t kTold = 10;
  std::vector<std::string> names;
  for (const TreeFeature& f : features) {
    if (names.size() == kTold) {
      names.push_back(fmt::format("... {} in all", features.size()));
      break;
    }
    names.push_back(f.name + (f.category ? " (category)" : ""));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

const TreeModel* start_of(const Model* given) {
  if (const auto* pipeline = dynamic_cast<const PipelineModel*>(given)) given = &pipeline->model();
  if (!given) return nullptr;
  const auto* model = dynamic_cast<const TreeModel*>(given);
  // Rounds add up; the trees of a forest, or one that grew alone, are a mean.
  if (!model || model->trees().options().average || model->trees().options().output == TreeOutput::share)
    throw UsageError(GradientBoosting::kName,
                     fmt::format("cannot continue from this {}: {}", given->kind(),
                                 model ? "its prediction is a mean over trees" : "it has no trees"),
                     "A model of gradient_boosting can be continued.");
  return model;
}

void check_start(const TreeModel& start, const Dataset& data, const Objective& objective, TreeOutput output,
                 const std::vector<double>& levels) {
  std::vector<std::string> differ;
  const auto same = [](const TreeFeature& a, const TreeFeature& b) {
    return a.name == b.name && a.category == b.category;
  };
  const TreeFeatures features(data.features(), GradientBoosting::kName);
  const auto &own = start.features().list(), &given = features.list();
  if (!std::ranges::equal(own, given, same))
    differ.push_back(
        fmt::format("its features are {}; the data have {}", column_names(own), column_names(given)));
  if (start.task() != data.task())
    differ.push_back(fmt::format("its task is {}; this is {}", name_of(start.task()), name_of(data.task())));
  else if (start.classes() != data.classes())
    differ.push_back(fmt::format("its classes are {}; the data have {}", fmt::join(start.classes(), ", "),
                                 fmt::join(data.classes(), ", ")));
  const std::string minimised = objective_here(start.objective());
  if (minimised != objective.name)
    differ.push_back(fmt::format("it minimised {}; here objective={}", start.objective(), objective.name));
  else if (start.trees().options().output != output)
    differ.push_back(fmt::format("its output is {}; here it would be {}",
                                 name_of(start.trees().options().output), name_of(output)));
  // One level is not kept in files from before levels were.
  else if (start.quantiles() != levels && (!start.quantiles().empty() || levels.size() > 1))
    differ.push_back(fmt::format("its quantiles are {}; here {}", fmt::join(start.quantiles(), ", "),
                                 fmt::join(levels, ", ")));
  if (!differ.empty())
    throw UsageError(GradientBoosting::kName,
                     fmt::format("cannot continue from this {}: {}", start.kind(), fmt::join(differ, "; ")));
}

void round_as(const TreeModel& start, TreeData& data) {
  if (start.trees().options().f32_inputs) data.x = in_f32(data.x);
}

}  // namespace cairn::tree
