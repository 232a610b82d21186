#include "cairn/tree/boost_parts_internal.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/data/stack.h"
#include "cairn/tree/bins_of_parts_internal.h"

namespace cairn::tree {
namespace {

// Of every row its columns with a role, and its weight as it counts in the end.
class RoleColumns {
 public:
  explicit RoleColumns(const Dataset& sample) : sample_(sample) {
    const Roles& roles = sample.roles();
    for (const std::string& name : {roles.target, roles.weight, roles.group, roles.time, roles.event})
      if (!name.empty() && std::ranges::find(names_, name) == names_.end()) names_.push_back(name);
  }

  void add(const Dataset& part) {
    table_.add(part.table().only(names_));
    const std::vector<double> weights = part.weights();
    weights_.insert(weights_.end(), weights.begin(), weights.end());
  }

  Dataset take() && {
    Table table = std::move(table_).take();
    const std::string& weight = sample_.roles().weight;
    if (weights_.empty() || weight.empty()) {
      const Dataset all = sample_.with_table(std::move(table));
      return weights_.empty() ? all : all.with_weights(std::move(weights_));
    }
    return sample_.with_table(table.with(Column::number(weight, Tensor::take(std::move(weights_)))));
  }

 private:
  const Dataset& sample_;
  std::vector<std::string> names_;
  GrowingTable table_;
  std::vector<double> weights_;
};

}  // namespace

BoostedParts read_parts(DatasetParts& parts, std::string_view learner, int max_bins, bool balanced,
                        const FitContext& context) {
  TreeData sample = tree_data(parts.sample(), learner);
  const std::vector<double> factors = balanced ? balancing_factors(sample) : std::vector<double>{};
  weigh_classes(sample, factors);
  BinsOfParts bins(sample, parts.num_rows(), max_bins, context.stop);
  RoleColumns roles(parts.sample());
  if (context.progress) context.progress->begin("rows, cut into bins", parts.num_rows());
  parts.each([&](const Dataset& given) {
    context.stop.throw_if_requested("training");
    const std::optional<Dataset> counted = rows_that_count(given);
    const Dataset& part = counted ? *counted : given;
    TreeData data = tree_data(part, learner, &sample.features);
    weigh_classes(data, factors);
    bins.add(data);
    roles.add(part);
    if (context.progress) context.progress->advance(given.num_rows());
  });
  if (context.progress) context.progress->end();
  Dataset all = std::move(roles).take();
  TreeData rows = tree_data(all, learner);
  rows.features = sample.features;
  return {.roles = std::move(all), .rows = std::move(rows), .binned = std::move(bins).finish()};
}

double bytes_of_parts(const Dataset& sample, std::int64_t rows, std::int64_t features,
                      const Objective& objective, const BoostRules& rules) {
  constexpr double kNumber = 8, kRowNumber = 4, kText = 48;
  const Roles& roles = sample.roles();
  const auto outputs =
      sample.task() == Task::multiclass ? static_cast<double>(sample.classes().size())
      : objective.predicts == Predicts::quantiles
          ? static_cast<double>(std::max<std::size_t>(1, rules.objective_params.levels.size()))
          : 1.0;
  double row = 3 * kNumber;  // the target: in its column, as labels or values, as the objective reads it
  for (const std::string& name : {roles.group, roles.time, roles.event})
    if (!name.empty()) row += sample.table().column(name).kind() == ColumnKind::text ? kText : kNumber;
  if (!sample.weights().empty()) row += 3 * kNumber;
  // While rows to watch are drawn: their units and strata, in order and shuffled, and what each holds.
  constexpr double kSplit = 9 * kNumber;
  // Raw output and both derivatives of every output, the derivatives as one word, whether it is watched; row
  // numbers: learned from, drawn in two lists, and the grower's two.
  double boosting = 3 * kNumber * outputs + kNumber + 1 + 5 * kRowNumber;
  if (rules.sampling != Sampling::uniform && rules.row_share < 1) boosting += 2 * kNumber;
  if (rules.shared_trees) boosting += 2 * kNumber + kRowNumber;
  if (objective.leaf_quantile || objective.prepare) boosting += 3 * kNumber;  // residuals, weights, an order
  row += std::max(kSplit, boosting);
  const TreeFeatures asked(sample.features());
  for (const TreeFeature& f : asked.list())
    if (f.category && std::ssize(f.levels) >= BinsOfParts::kManyLevels) row += sizeof(std::int32_t);
  return BinnedData::bytes(rows, features) + row * static_cast<double>(rows);
}

}  // namespace cairn::tree
