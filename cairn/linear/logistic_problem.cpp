#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/data/finite.h"
#include "cairn/linear/logistic_problem_internal.h"

namespace cairn {

void add_class_weights(const NumericData& data, std::vector<double>& sums) {
  sums.resize(data.classes.size());
  for (std::size_t r = 0; r < data.labels.size(); ++r)
    sums[at(data.labels[r])] += data.weights.empty() ? 1.0 : data.weights[r];
}

std::vector<double> class_weights(const NumericData& data) {
  std::vector<double> sums;
  add_class_weights(data, sums);
  return sums;
}

std::vector<std::int64_t> present_classes(const NumericData& data, const std::vector<double>& weights,
                                          std::int64_t num_rows, std::string_view learner) {
  std::vector<std::int64_t> present;
  for (std::size_t k = 0; k < weights.size(); ++k)
    if (weights[k] > 0) present.push_back(static_cast<std::int64_t>(k));
  if (present.size() < 2)
    throw DataError(
        std::string(learner),
        fmt::format("every row that counts is '{}' ({} rows); a classification needs rows of two classes",
                    present.empty() ? "" : data.classes[at(present[0])], num_rows));
  if (present.size() == 2 && present[0] == data.positive) std::swap(present[0], present[1]);
  return present;
}

LogisticTruth make_truth(const NumericData& data, const std::vector<std::int64_t>& present,
                         const std::vector<double>& weights, bool balanced, std::string_view learner) {
  LogisticTruth truth;
  truth.num_logits = present.size() == 2 ? 1 : static_cast<std::int64_t>(present.size());
  std::vector<std::int32_t> code(data.classes.size(), 0);
  for (std::size_t p = 0; p < present.size(); ++p) code[at(present[p])] = static_cast<std::int32_t>(p);
  truth.truth.reserve(data.labels.size());
  for (const std::int32_t label : data.labels) truth.truth.push_back(code[at(label)]);
  double total = 0;
  for (const double w : weights) total += w;
  if (!(total > 1e-280) || !std::isfinite(total))
    throw DataError(std::string(learner),
                    fmt::format("the rows' weights sum to {}; a sum in [1e-280, 1e308] is needed", total));
  if (!balanced) {
    truth.weights = data.weights;
    return truth;
  }
  truth.weights.reserve(data.labels.size());
  for (std::size_t r = 0; r < data.labels.size(); ++r)
    truth.weights.push_back((data.weights.empty() ? 1.0 : data.weights[r]) * total /
                            (static_cast<double>(present.size()) * weights[at(data.labels[r])]));
  return truth;
}

LogisticPenalty make_penalty(const std::string& name, double l1_ratio, double C) {
  if (name == "none") return {};
  const double share = name == "l2" ? 0 : name == "l1" ? 1 : l1_ratio;
  return {.l2 = (1 - share) / C, .l1 = share / C};
}

LogisticObjective make_objective(const NumericData& data, LogisticTruth truth, LogisticPenalty penalty,
                                 bool exact, std::string_view learner, const StopToken& stop) {
  LogisticDesign::RowNumbers residuals;
  if (truth.num_logits == 1)
    residuals = [&](std::int64_t begin, std::span<double> to) { truth.residuals_at_zero(begin, to); };
  LogisticDesign design(data.x, exact, residuals);
  if (!design.sums_are_finite()) check_finite(data.x, data.feature_names, learner);
  return LogisticObjective(std::move(design), std::move(truth), penalty, stop);
}

}  // namespace cairn
