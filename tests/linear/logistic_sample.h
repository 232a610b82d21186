// What the tests of logistic regression share.
#pragma once

#include <string>
#include <vector>

#include "cairn/data/dataset.h"
#include "cairn/linear/logistic_regression.h"

namespace cairn {

// A dataset of rows x and class labels y; f32 columns when `narrow`, one tensor column when `block`.
inline Dataset classified(const std::vector<std::vector<double>>& x, const std::vector<std::string>& y,
                          bool narrow = false, bool block = false, const std::vector<double>& weights = {}) {
  const std::size_t n = x.size(), d = n > 0 ? x[0].size() : 0;
  std::vector<Column> columns;
  if (block) {
    std::vector<double> all;
    std::vector<std::string> names;
    for (const auto& row : x) all.insert(all.end(), row.begin(), row.end());
    for (std::size_t j = 0; j < d; ++j) names.push_back("x" + std::to_string(j));
    const Shape shape{static_cast<std::int64_t>(n), static_cast<std::int64_t>(d)};
    columns.push_back(
        Column::features("x", Matrix::from_rows(Tensor::take(std::move(all)).reshape(shape)), names));
  } else {
    for (std::size_t j = 0; j < d; ++j) {
      std::vector<double> column;
      for (const auto& row : x) column.push_back(row[j]);
      Tensor values = Tensor::from(column);
      columns.push_back(Column::number("x" + std::to_string(j), narrow ? values.to(DType::f32) : values));
    }
  }
  std::vector<std::optional<std::string>> labels(y.begin(), y.end());
  columns.push_back(Column::category_of("y", labels));
  DatasetOptions options;
  options.roles.target = "y";
  Dataset data(Table(std::move(columns)), options);
  return weights.empty() ? data : data.with_weights(weights);
}

inline std::vector<double> numbers(const Tensor& t) {
  const auto v = t.data<double>();
  return {v.begin(), v.end()};
}

inline const LogisticModel& logistic(const std::unique_ptr<Model>& model) {
  return dynamic_cast<const LogisticModel&>(*model);
}

inline std::string all_notes(const Model& model) {
  std::string text;
  for (const std::string& note : model.notes()) text += note + "\n";
  return text;
}

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "(no error)";
}

}  // namespace cairn
