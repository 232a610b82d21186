// A Dataset in Cairn's usual form (one tensor a column) from raw numbers, row after row, as numpy holds them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/serve.h"
#include "cairn/data/dataset.h"

namespace cairn::bench {

template <class T>
Dataset raw_dataset(const std::string& x_path, Column target, std::int64_t rows) {
  const std::vector<T> x = read_raw<T>(x_path);
  const auto n = static_cast<std::size_t>(rows), d = x.size() / n;
  std::vector<Column> columns;
  for (std::size_t j = 0; j < d; ++j) {
    std::vector<T> values(n);
    for (std::size_t i = 0; i < n; ++i) values[i] = x[i * d + j];
    columns.push_back(Column::number("x" + std::to_string(j), Tensor::take(std::move(values))));
  }
  DatasetOptions options;
  options.roles.target = target.name();
  columns.push_back(std::move(target));
  return Dataset(Table(std::move(columns)), options);
}

inline nlohmann::ordered_json coefficients_json(const std::vector<double>& coefficients, double intercept) {
  return {{"coefficients", coefficients}, {"intercept", intercept}};
}

}  // namespace cairn::bench
