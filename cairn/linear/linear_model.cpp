#include "cairn/linear/linear_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/model/quantile_model.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

const char* name_of(Link link) {
  switch (link) {
    case Link::identity:
      return "identity";
    case Link::log:
      return "log";
    case Link::sigmoid:
      return "sigmoid";
    case Link::one_vs_rest:
      return "one_vs_rest";
  }
  return "";
}

Link link_from_name(std::string_view name) {
  for (const Link link : {Link::identity, Link::log, Link::sigmoid, Link::one_vs_rest})
    if (name == name_of(link)) return link;
  throw ModelFileError("linear model", fmt::format("has the link '{}', which is unknown", name));
}

void check_levels(const std::vector<double>& levels) {
  bool fine = true;
  for (std::size_t i = 0; i < levels.size(); ++i)
    fine = fine && levels[i] > 0 && levels[i] < 1 && (i == 0 || levels[i - 1] < levels[i]);
  if (!fine) throw ModelFileError("linear model", "its quantiles are no rising levels in (0, 1)");
}

double sigmoid(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

}  // namespace

LinearModel::LinearModel(const NumericData& data, Link link, std::vector<double> weights,
                         std::vector<double> intercepts, std::vector<double> levels)
    : NumericModel(data), link_(link), intercepts_(std::move(intercepts)), levels_(std::move(levels)) {
  const auto k = static_cast<std::int64_t>(intercepts_.size());
  CAIRN_ASSERT(std::ssize(weights) == k * num_features());
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!std::isfinite(weights[i]))
      throw FitError("linear model",
                     fmt::format("the weight of '{}' is beyond the range of numbers",
                                 feature_names()[i % static_cast<std::size_t>(num_features())]),
                     "Its values are extremely small or large; rescale the column.");
  for (const double b : intercepts_)
    if (!std::isfinite(b))
      throw FitError("linear model", "the intercept is beyond the range of numbers", "Rescale the columns.");
  weights_ = Tensor::take(std::move(weights)).reshape(Shape{k, num_features()});
}

void LinearModel::set_calibration(std::vector<double> slopes, std::vector<double> offsets) {
  CAIRN_ASSERT(slopes.size() == num_sums() && offsets.size() == num_sums());
  slopes_ = std::move(slopes);
  offsets_ = std::move(offsets);
}

void LinearModel::compute(const Matrix& x, std::span<double> outputs) const {
  const auto n = static_cast<std::size_t>(x.rows()), k = num_sums(),
             d = static_cast<std::size_t>(x.columns());
  const bool in_place = task() == Task::regression;
  std::vector<double> room(in_place ? 0 : n * k);
  const std::span<double> sums = in_place ? outputs : std::span(room);
  if (k == 1) {
    linalg::multiply(x, weights(), intercepts_[0], sums);
  } else {
    std::vector<double> by_feature(d * k);
    for (std::size_t j = 0; j < k; ++j)
      for (std::size_t c = 0; c < d; ++c) by_feature[c * k + j] = weights()[j * d + c];
    linalg::multiply(x, by_feature, static_cast<std::int64_t>(k), intercepts_, sums);
  }
  for (std::size_t i = 0; i < sums.size(); ++i)
    if (!std::isfinite(sums[i]))
      throw DataError(fmt::format("row {}", i / k + 1), "the prediction is beyond the range of numbers",
                      "Its values are far outside those the model was trained on.");
  if (link_ == Link::log)
    for (double& value : outputs) value = std::exp(value);
  if (!in_place) sums_to_probabilities(sums, outputs);
}

void LinearModel::sums_to_probabilities(std::span<const double> sums, std::span<double> outputs) const {
  const std::size_t k = num_sums(), classes = static_cast<std::size_t>(num_outputs());
  const auto probability = [&](std::size_t output, double sum) {
    return slopes_.empty() ? sigmoid(sum) : sigmoid(slopes_[output] * sum + offsets_[output]);
  };
  parallel_for(static_cast<std::int64_t>(sums.size() / k), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
      const std::span<double> row = outputs.subspan(r * classes, classes);
      if (link_ == Link::sigmoid) {
        const auto yes = static_cast<std::size_t>(positive());
        row[yes] = probability(0, sums[r]);
        row[1 - yes] = 1 - row[yes];
        continue;
      }
      for (std::size_t c = 0; c < classes; ++c) row[c] = probability(c, sums[r * k + c]);
      const double total = std::accumulate(row.begin(), row.end(), 0.0);
      for (double& p : row) p = total > 0 ? p / total : 1 / static_cast<double>(classes);
    }
  });
}

std::string LinearModel::output_name(std::size_t sum) const {
  if (link_ == Link::one_vs_rest) return classes()[sum];
  return levels_.size() > 1 ? quantile_column(levels_[sum]) : "";
}

Json LinearModel::penalty_path() const { return path_.json(); }

std::vector<Coefficient> LinearModel::coefficients() const {
  std::vector<Coefficient> result;
  const std::size_t d = feature_names().size();
  for (std::size_t j = 0; j < num_sums(); ++j) {
    const std::string output = output_name(j);
    for (std::size_t c = 0; c < d; ++c) result.push_back({feature_names()[c], output, weights()[j * d + c]});
  }
  return result;
}

NumericModel::LinearScore LinearModel::linear_score() const {
  LinearScore s{.weights = {weights().begin(), weights().end()}, .intercepts = intercepts_};
  const std::size_t d = feature_names().size();
  for (std::size_t j = 0; j < num_sums(); ++j) {
    s.outputs.push_back(output_name(j));
    if (slopes_.empty()) continue;
    s.intercepts[j] = slopes_[j] * s.intercepts[j] + offsets_[j];
    for (std::size_t c = 0; c < d; ++c) s.weights[j * d + c] *= slopes_[j];
  }
  return s;
}

void LinearModel::visit_members(Visitor& v) {
  v.choice<Link>("link", link_, &name_of, &link_from_name);
  v.tensor("weights", weights_);
  v.value("intercepts", intercepts_);
  v.value("slopes", slopes_);
  v.value("offsets", offsets_);
  v.value("loss_history", loss_history_);
  v.optional("quantiles", levels_);
  v.child("penalty_path", path_);
  if (!v.loading()) return;
  check_levels(levels_);
  const bool fits_task = (link_ == Link::identity || link_ == Link::log) == (task() == Task::regression) &&
                         (levels_.empty() || link_ == Link::identity) &&
                         (link_ != Link::sigmoid || classes().size() == 2);
  const std::size_t k = link_ == Link::one_vs_rest ? classes().size() : levels_.empty() ? 1 : levels_.size();
  const bool fits = weights_.defined() && weights_.dtype() == DType::f64 && weights_.ndim() == 2 &&
                    weights_.size(0) == static_cast<std::int64_t>(k) && weights_.size(1) == num_features() &&
                    intercepts_.size() == k && slopes_.size() == offsets_.size() &&
                    (slopes_.empty() || slopes_.size() == k);
  if (!fits_task || !fits)
    throw ModelFileError("linear model",
                         fmt::format("weights {} with {} intercepts do not fit {} features and {} classes",
                                     weights_.defined() ? weights_.text() : "absent", intercepts_.size(),
                                     num_features(), classes().size()));
}

}  // namespace cairn
