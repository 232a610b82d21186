#include "cairn/baseline/constant.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/model/numeric.h"

namespace cairn {
namespace {

constexpr double kSumTolerance = 1e-6;  // of stored probabilities about 1

bool for_regression(const std::string& strategy) {
  return strategy == "mean" || strategy == "median" || strategy == "value";
}

double total(std::span<const double> v) { return std::accumulate(v.begin(), v.end(), 0.0); }

double weighted_mean(std::span<const double> y, std::span<const double> w) {
  return std::inner_product(y.begin(), y.end(), w.begin(), 0.0) / total(w);
}

// The value with half of the weight on either side; the middle of two when the weight splits exactly between
// them.
double weighted_median(std::span<const double> y, std::span<const double> w) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < y.size(); ++i)
    if (w[i] > 0) order.push_back(i);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return y[i]; });
  const double half = total(w) / 2;
  double below = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    below += w[order[i]];
    if (below == half && i + 1 < order.size()) return std::midpoint(y[order[i]], y[order[i + 1]]);
    if (below >= half) return y[order[i]];
  }
  return y[order.back()];  // rounding left the last sum just below half
}

// Weights of the rows; of a part of the rows, they are never all 0.
std::vector<double> counting_weights(const Dataset& data) {
  std::vector<double> w = data.weights();
  if (w.empty()) w.assign(static_cast<std::size_t>(data.num_rows()), 1.0);
  if (total(w) == 0) throw DataError(Constant::kName, "every weight is 0; no row counts");
  return w;
}

void add_class_weights(const Dataset& data, std::vector<double>& sums) {
  const std::vector<double> w = counting_weights(data);
  const auto codes = data.class_codes();
  sums.resize(data.classes().size());
  for (std::size_t r = 0; r < codes.size(); ++r) sums[static_cast<std::size_t>(codes[r])] += w[r];
}

std::string checked_strategy(const ConstantParams& params, const Dataset& data) {
  if (data.roles().target.empty())
    throw UsageError(Constant::kName, "the data have no target", "Name it with --target.");
  if (data.num_rows() == 0) throw DataError(Constant::kName, "there are no rows to learn from");
  const bool regression = data.task() == Task::regression;
  std::string strategy = params.strategy;
  if (strategy == "auto") strategy = regression ? "mean" : "prior";
  if (for_regression(strategy) != regression)
    throw ParamError(Constant::kName,
                     fmt::format("strategy = '{}' does not serve a {} task", strategy, name_of(data.task())),
                     regression ? "Use mean, median or value." : "Use prior or most_frequent.");
  return strategy;
}

std::unique_ptr<Model> answering(const Dataset& data, double value, const std::string& strategy) {
  return std::make_unique<ConstantModel>(data.task(), data.classes(), std::vector{value},
                                         fmt::format("always answers {:.6g} ({})", value, strategy));
}

// `shares`: the weight of the rows of each class.
std::unique_ptr<Model> answering(const Dataset& data, std::vector<double> shares,
                                 const std::string& strategy) {
  const double sum = total(shares);
  for (double& s : shares) s /= sum;
  const auto most = static_cast<std::size_t>(std::ranges::max_element(shares) - shares.begin());
  auto note =
      fmt::format("always answers '{}', {:.4g} of the training rows", data.classes()[most], shares[most]);
  if (strategy == "most_frequent")
    for (std::size_t c = 0; c < shares.size(); ++c) shares[c] = c == most ? 1 : 0;
  return std::make_unique<ConstantModel>(data.task(), data.classes(), std::move(shares), std::move(note));
}

}  // namespace

const ParamList& ConstantParams::list() {
  static const ParamList l{
      param<&ConstantParams::strategy>(
          "strategy", "what is always answered; auto is mean for a regression and prior for classes",
          one_of("auto", "mean", "median", "value", "prior", "most_frequent")),
      param<&ConstantParams::value>(
          "value", "the answer of strategy value, in units of the target",
          between(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max()), {"constant"})};
  return l;
}

std::unique_ptr<Model> Constant::fit(const Dataset& data, const FitContext& context) const {
  context.stop.throw_if_requested("training");
  const std::string strategy = checked_strategy(params_, data);
  if (data.task() != Task::regression) {
    std::vector<double> sums;
    add_class_weights(data, sums);
    return answering(data, std::move(sums), strategy);
  }
  const std::vector<double> w = counting_weights(data), y = data.target_values();
  return answering(data,
                   strategy == "mean"     ? weighted_mean(y, w)
                   : strategy == "median" ? weighted_median(y, w)
                                          : params_.value,
                   strategy);
}

std::string Constant::why_not_in_parts() const {
  return params_.strategy == "median" ? "the median needs all targets in memory" : "";
}

std::unique_ptr<Model> Constant::fit_parts(DatasetParts& rows, const FitContext& context) const {
  const Dataset& sample = rows.sample();
  const std::string strategy = checked_strategy(params_, sample);
  std::vector<double> sums;  // of classes
  double mean = 0, weight = 0;
  rows.each([&](const Dataset& part) {
    context.stop.throw_if_requested("training");
    if (part.task() != Task::regression) return add_class_weights(part, sums);
    const std::vector<double> w = counting_weights(part), y = part.target_values();
    weight += total(w);
    mean += (weighted_mean(y, w) - mean) * (total(w) / weight);
  });
  if (sample.task() != Task::regression) return answering(sample, std::move(sums), strategy);
  return answering(sample, strategy == "mean" ? mean : params_.value, strategy);
}

ConstantModel::ConstantModel(Task task, std::vector<std::string> classes, std::vector<double> outputs,
                             std::string note)
    : task_(task), classes_(std::move(classes)), outputs_(std::move(outputs)), note_(std::move(note)) {}

Table ConstantModel::predict(const Table& table) const {
  std::vector<double> outputs;
  outputs.reserve(static_cast<std::size_t>(table.num_rows()) * outputs_.size());
  for (std::int64_t r = 0; r < table.num_rows(); ++r)
    outputs.insert(outputs.end(), outputs_.begin(), outputs_.end());
  return prediction_table(task_, classes_, std::move(outputs));
}

void ConstantModel::visit(Visitor& v) {
  v.choice<Task>("task", task_, &name_of, &task_from_name);
  v.value("classes", classes_);
  v.value("outputs", outputs_);
  v.value("note", note_);
  if (!v.loading()) return;
  check_classes(task_, classes_);
  const bool regression = task_ == Task::regression;
  const bool fits =
      outputs_.size() == (regression ? 1 : classes_.size()) &&
      std::ranges::all_of(outputs_, [&](double p) { return std::isfinite(p) && (regression || p >= 0); }) &&
      (regression || std::abs(total(outputs_) - 1) < kSumTolerance);
  if (!fits)
    throw ModelFileError(
        "model", fmt::format("constant: {} outputs do not fit a {} task", outputs_.size(), name_of(task_)));
}

}  // namespace cairn
