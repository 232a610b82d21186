#include "cairn/tree/tree_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cairn/base/error.h"
#include "cairn/model/numeric.h"
#include "cairn/model/quantile_model.h"
#include "cairn/tree/objective/objective_internal.h"

namespace cairn {

TreeModel::TreeModel(TreeModelParts parts) : parts_(std::move(parts)) { check(); }

void TreeModel::check() const {
  check_classes(parts_.task, parts_.classes);
  std::set<std::string_view> names;
  for (const TreeFeature& f : parts_.features.list())
    if (!names.insert(f.name).second)
      throw ModelFileError("model", fmt::format("has the feature '{}' twice", f.name));
  if (parts_.trees.num_features() != parts_.features.size())
    throw ModelFileError("model", fmt::format("its trees ask about {} features; it names {}",
                                              parts_.trees.num_features(), parts_.features.size()));
  const TreeOutput output = parts_.trees.options().output;
  const bool values = output == TreeOutput::identity || output == TreeOutput::exponential;
  const std::vector<double>& levels = parts_.quantiles;
  for (std::size_t i = 0; i < levels.size(); ++i)
    if (!(levels[i] >= 0 && levels[i] <= 1) || (i > 0 && levels[i] <= levels[i - 1]) || !values)
      throw ModelFileError("model",
                           fmt::format("its quantile {} is at a level {} that cannot be", i, levels[i]));
  const auto wanted = parts_.task == Task::regression ? std::max<std::ptrdiff_t>(1, std::ssize(levels))
                                                      : std::ssize(parts_.classes);
  if (values != (parts_.task == Task::regression) || parts_.trees.num_predicted() != wanted)
    throw ModelFileError(
        "model", fmt::format("its trees predict {} numbers ({}); the task {} needs {}",
                             parts_.trees.num_predicted(), name_of(output), name_of(parts_.task), wanted));
}

Table TreeModel::predict(const Table& table) const {
  const Matrix x = parts_.features.matrix(table);
  const auto n = static_cast<std::size_t>(x.rows());
  const auto k = static_cast<std::size_t>(parts_.trees.num_predicted());
  std::vector<double> raw(n * static_cast<std::size_t>(parts_.trees.num_outputs())), predicted(n * k);
  if (n > 0) {
    parts_.trees.predict_raw(x, raw);
    parts_.trees.finish(raw, predicted);
  }
  for (std::size_t i = 0; i < predicted.size(); ++i)
    if (!std::isfinite(predicted[i]))
      throw DataError(fmt::format("row {}", i / k + 1), "the prediction is beyond the range of numbers",
                      "Its values are far outside those the model was trained on.");
  if (!parts_.quantiles.empty()) return quantile_table(parts_.quantiles, std::move(predicted));
  return prediction_table(parts_.task, parts_.classes, std::move(predicted));
}

Predicts TreeModel::predicts() const {
  return parts_.quantiles.empty() && tree::predicts_of(parts_.objective) == Predicts::quantiles
             ? Predicts::value  // of a file from before levels were kept
             : tree::predicts_of(parts_.objective);
}

std::vector<std::string> TreeModel::output_names() const {
  if (parts_.trees.num_outputs() == 1) return {""};
  if (parts_.quantiles.empty()) return parts_.classes;
  std::vector<std::string> names;
  for (const double level : parts_.quantiles) names.push_back(quantile_column(level));
  return names;
}

std::int64_t TreeModel::rounds() const {
  if (parts_.kept_round > 0) return parts_.kept_round;
  if (!parts_.loss_history.empty()) return std::ssize(parts_.loss_history);
  return parts_.trees.num_trees() / (parts_.trees.options().vector_leaves ? 1 : parts_.trees.num_outputs());
}

void TreeModel::visit(Visitor& v) {
  v.choice<Task>("task", parts_.task, &name_of, &task_from_name);
  v.value("classes", parts_.classes);
  parts_.features.visit(v);
  v.child("trees", parts_.trees);
  v.value("notes", parts_.notes);
  v.value("loss_history", parts_.loss_history);
  v.value("objective", parts_.objective);
  v.optional("quantiles", parts_.quantiles);
  visit_watched(v);
  visit_out_of_bag(v);
  if (v.loading()) check();
}

// A tensor, so that files from before there was one are read: [rounds + 1], the kept round first.
void TreeModel::visit_watched(Visitor& v) {
  Tensor stored;
  if (!v.loading() && !parts_.watched_history.empty()) {
    std::vector<double> all{static_cast<double>(parts_.kept_round)};
    all.insert(all.end(), parts_.watched_history.begin(), parts_.watched_history.end());
    stored = Tensor::take(std::move(all));
  }
  v.tensor("watched", stored);
  if (!v.loading() || !stored.defined()) return;
  check_stored("watched", stored, DType::f64, {std::ssize(parts_.loss_history) + 1});
  const auto all = stored.data<double>();
  if (!(all[0] >= 0 && all[0] <= static_cast<double>(parts_.loss_history.size())))
    throw ModelFileError("model", fmt::format("keeps round {} of {}", all[0], parts_.loss_history.size()));
  parts_.kept_round = static_cast<std::int64_t>(all[0]);
  parts_.watched_history.assign(all.begin() + 1, all.end());
}

// Names and a tensor [metrics, 4]: value, bounds, rows.
void TreeModel::visit_out_of_bag(Visitor& v) {
  constexpr std::int64_t kNumbers = 4;
  std::vector<std::string> names;
  std::vector<double> numbers;
  for (const auto& [metric, e] : parts_.out_of_bag) {
    names.push_back(metric);
    numbers.insert(numbers.end(), {e.value, e.low, e.high, static_cast<double>(e.n)});
  }
  Tensor stored;
  if (!v.loading() && !names.empty()) stored = Tensor::take(std::move(numbers));
  v.optional("out_of_bag_metrics", names);
  v.tensor("out_of_bag", stored);
  if (!v.loading()) return;
  parts_.out_of_bag.clear();
  if (names.empty() && !stored.defined()) return;
  if (!stored.defined()) throw ModelFileError("model", "names out-of-bag metrics without their values");
  check_stored("out_of_bag", stored, DType::f64, {std::ssize(names) * kNumbers});
  const auto all = stored.data<double>();
  for (std::int64_t i = 0; i < std::ssize(names); ++i) {
    const auto of = all.subspan(static_cast<std::size_t>(i * kNumbers), kNumbers);
    const double value = of[0], low = of[1], high = of[2], n = of[3];
    const std::string& name = names[static_cast<std::size_t>(i)];
    if (!(n >= 0 && n <= 1e15)) throw ModelFileError("model", fmt::format("counts {} out-of-bag rows", n));
    if (!std::isfinite(value) || low > value || high < value)  // bounds that nobody knows are NaN
      throw ModelFileError("model",
                           fmt::format("its out-of-bag {} is {}, from {} to {}; a number between its bounds "
                                       "is expected",
                                       name, value, low, high));
    parts_.out_of_bag.push_back({name, {value, low, high, static_cast<std::int64_t>(n)}});
  }
}

std::vector<Importance> TreeModel::importances() const {
  const TreeEnsemble& trees = parts_.trees;
  std::vector<Importance> list;
  for (const TreeFeature& f : parts_.features.list()) list.push_back({f.name, 0, 0, 0});
  for (std::size_t i = 0; i < static_cast<std::size_t>(trees.num_nodes()); ++i) {
    if (trees.features()[i] < 0) continue;
    Importance& one = list[static_cast<std::size_t>(trees.features()[i])];
    one.gain += trees.gains()[i];
    one.cover += trees.covers()[i];
    one.splits += 1;
  }
  return list;
}

std::vector<std::string> TreeModel::decision_path(const Table& table, std::int64_t row,
                                                  std::int64_t tree) const {
  const Matrix x = parts_.features.matrix(table.slice(row, row + 1));
  std::vector<double> values(static_cast<std::size_t>(x.columns()));
  x.tile(0, 1, values.data());
  return cairn::decision_path(parts_.trees, tree, values, names());
}

}  // namespace cairn
