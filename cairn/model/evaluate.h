// Judging a model on rows whose truth is known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cairn/data/dataset.h"
#include "cairn/metrics/metric.h"
#include "cairn/model/learner.h"

namespace cairn {

// The model's words about a dataset's rows, in the form metrics want; owns its memory.
struct Judged {
  Task task = Task::regression;
  std::vector<double> truth, predicted, probabilities, weights;
  std::vector<std::int32_t> labels, decisions;
  std::vector<std::int64_t> groups;
  std::vector<double> levels, quantiles;  // of the columns q_<level>: [q] and [n * q]
  std::vector<std::uint8_t> events;
  Predicts predicts = Predicts::value;
  std::int64_t num_classes = 0;
  std::int32_t positive = 1;
  Scored view() const;
  Judged select(std::span<const std::int64_t> rows) const;
  void append(const Judged& more);  // rows of another part, same task and classes; no group is in both
};
// Classes are matched by name; a model that lacks a class of the data gives it probability 0.
Judged judge(const Model& model, const Dataset& data);
// The same of what the model is given in place of model.inputs(data).
Judged judge(const Model& model, const Dataset& data, const Table& inputs);

struct MetricResult {
  const Metric* metric = nullptr;
  std::optional<Estimate> estimate;  // nullopt: not defined on these rows
};
struct Evaluation {
  std::vector<MetricResult> results;
  const MetricResult* find(std::string_view name) const;
  double value(std::string_view name) const;  // NaN when absent or undefined
  std::string text() const;                   // a table for a terminal
};
// Metrics by name, or every one that applies when `names` is empty.
Evaluation evaluate(const Judged& judged, std::uint64_t seed, const std::vector<std::string>& names = {});
Evaluation evaluate(const Model& model, const Dataset& data, const std::vector<std::string>& names = {});

}  // namespace cairn
