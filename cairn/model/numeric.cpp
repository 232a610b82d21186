#include "cairn/model/numeric.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <unordered_map>

#include "cairn/data/finite.h"
#include "cairn/model/quantile_model.h"

namespace cairn {
NumericData numeric_data(const Dataset& data, std::string_view learner, bool check_values) {
  NumericData d;
  if (data.roles().target.empty())
    throw UsageError(std::string(learner), "the data have no target", "Name it with --target.");
  if (data.num_rows() == 0) throw DataError(std::string(learner), "there are no rows to learn from");
  FeatureMatrix features = feature_matrix(data.features());
  if (check_values) check_finite(features.x, features.names, learner);
  d.x = std::move(features.x);
  d.feature_names = std::move(features.names);
  d.task = data.task();
  d.classes = data.classes();
  d.positive = data.positive();
  if (is_classification(d.task))
    d.labels = data.class_codes();
  else
    d.y = data.target_values();
  d.weights = data.weights();
  if (!d.weights.empty() && std::ranges::all_of(d.weights, [](double w) { return w == 0; }))
    throw DataError(std::string(learner), "every weight is 0; no row counts");
  return d;
}

NumericRows::NumericRows(const NumericData& all) : all_(&all) {}

NumericRows::NumericRows(DatasetParts& parts, std::string_view learner_name, bool check_values)
    : parts_(&parts), learner_name_(learner_name), check_values_(check_values) {
  const std::vector<double> weights = parts.sample().weights();
  const auto counts = std::ranges::find_if(weights, [](double w) { return w > 0; });
  const std::int64_t one[] = {counts == weights.end() ? 0 : counts - weights.begin()};
  head_ = numeric_data(parts.sample().select(one), learner_name_, check_values_);
}

std::int64_t NumericRows::num_rows() const { return all_ ? all_->x.rows() : parts_->num_rows(); }

void NumericRows::each(const std::function<void(const NumericData&)>& use) const {
  if (all_) return use(*all_);
  parts_->each([&](const Dataset& part) {
    const NumericData data = numeric_data(part, learner_name_, check_values_);
    CAIRN_ASSERT(data.feature_names == head_.feature_names);
    use(data);
  });
}

Table prediction_table(Task task, const std::vector<std::string>& classes, std::vector<double> outputs) {
  if (task == Task::regression)
    return Table({Column::number("prediction", Tensor::take(std::move(outputs)))});
  const std::size_t k = classes.size(), n = outputs.size() / k;
  std::vector<std::int32_t> decided(n);
  std::vector<std::vector<double>> p(k, std::vector<double>(n));
  for (std::size_t r = 0; r < n; ++r) {
    const auto row = std::span(outputs).subspan(r * k, k);
    decided[r] = static_cast<std::int32_t>(std::max_element(row.begin(), row.end()) - row.begin());
    for (std::size_t c = 0; c < k; ++c) p[c][r] = row[c];
  }
  std::vector<Column> columns{Column::category("prediction", Tensor::take(std::move(decided)), classes)};
  for (std::size_t c = 0; c < k; ++c)
    columns.push_back(Column::number("p_" + classes[c], Tensor::take(std::move(p[c]))));
  return Table(std::move(columns));
}

void check_classes(Task task, const std::vector<std::string>& classes) {
  const std::set<std::string> distinct(classes.begin(), classes.end());
  const bool fits = task == Task::regression ? classes.empty()
                    : task == Task::binary   ? classes.size() == 2
                                             : classes.size() >= 2;
  if (!fits || distinct.size() != classes.size())
    throw ModelFileError(
        "model", fmt::format("task {} with the classes [{}]", name_of(task), fmt::join(classes, ", ")));
}

NumericModel::NumericModel(const NumericData& data)
    : task_(data.task),
      positive_(data.positive),
      feature_names_(data.feature_names),
      classes_(data.classes) {}

void NumericModel::visit(Visitor& v) {
  v.choice<Task>("task", task_, &name_of, &task_from_name);
  std::int64_t positive = positive_;
  v.value("positive", positive);
  v.value("features", feature_names_);
  v.value("classes", classes_);
  v.value("notes", notes_);
  if (v.loading()) {
    check_classes(task_, classes_);
    if (positive < 0 || (is_classification(task_) && positive >= std::ssize(classes_)))
      throw ModelFileError("model", fmt::format("has {} classes and the positive one is number {}",
                                                classes_.size(), positive));
    positive_ = static_cast<std::int32_t>(positive);
  }
  visit_members(v);
}

Matrix matching_features(const Table& table, const std::vector<std::string>& wanted) {
  FeatureMatrix have = feature_matrix(table);
  if (have.names == wanted) return have.x;
  std::unordered_map<std::string, std::size_t> where;
  for (std::size_t i = 0; i < have.names.size(); ++i) where.emplace(have.names[i], i);
  std::vector<std::string> absent;
  std::vector<std::int64_t> order;
  for (const std::string& name : wanted) {
    const auto it = where.find(name);
    if (it == where.end())
      absent.push_back(name);
    else
      order.push_back(static_cast<std::int64_t>(it->second));
  }
  if (!absent.empty())
    throw DataError("data", fmt::format("the features {} are missing; the model was trained with them",
                                        fmt::join(absent, ", ")));
  // Another order, or more than wanted: pick columns from the dense form; a sparse block always keeps its
  // order.
  const Matrix dense = have.x.to_rows();
  const auto from = dense.dense().data<double>();
  Tensor picked = Tensor::empty(Shape{dense.rows(), static_cast<std::int64_t>(order.size())}, DType::f64);
  auto to = picked.mutable_data<double>();
  const auto d = static_cast<std::size_t>(dense.columns());
  for (std::size_t r = 0, at = 0; r < static_cast<std::size_t>(dense.rows()); ++r)
    for (const std::int64_t c : order) to[at++] = from[r * d + static_cast<std::size_t>(c)];
  return Matrix::from_rows(picked);
}

Matrix NumericModel::features_of(const Table& table) const {
  Matrix x = matching_features(table, feature_names_);
  check_finite(x, feature_names_, kind());
  return x;
}

Table NumericModel::predict(const Table& table) const {
  const Matrix x = features_of(table);
  const auto n = static_cast<std::size_t>(x.rows());
  const auto k = static_cast<std::size_t>(num_outputs());
  std::vector<double> outputs(n * k);
  if (n > 0) compute(x, outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (!std::isfinite(outputs[i]))
      throw DataError(fmt::format("row {}", i / k + 1), "the prediction is beyond the range of numbers",
                      "Its values are far outside those the model was trained on.");
  if (!quantile_levels().empty()) return quantile_table(quantile_levels(), std::move(outputs));
  return prediction_table(task_, classes_, std::move(outputs));
}

}  // namespace cairn
