#include "recipes/columns.h"

#include <cmath>
#include <numeric>

#include "cairn/data/csv.h"

namespace cairn::recipes {

Matrix matrix_of(const std::vector<Values>& columns) {
  std::vector<Tensor> tensors;
  for (const Values& c : columns) tensors.push_back(Tensor::from(c));
  return Matrix::from_columns(std::move(tensors),
                              columns.empty() ? 0 : static_cast<std::int64_t>(columns[0].size()));
}

Matrix matrix_of_rows(const std::vector<Values>& rows) {
  Values all;
  for (const Values& r : rows) all.insert(all.end(), r.begin(), r.end());
  const auto n = static_cast<std::int64_t>(rows.size()),
             d = static_cast<std::int64_t>(rows.empty() ? 0 : rows[0].size());
  return Matrix::from_rows(Tensor::from(std::span<const double>(all), Shape{n, d}));
}

std::vector<Values> read_columns(const std::string& path) {
  ReadOptions options;
  options.header = "no";
  const Table table = read_csv(path, options).table;
  std::vector<Values> columns;
  for (const Column& c : table.columns()) {
    const Tensor numbers = c.numbers();
    const auto v = numbers.data<double>();
    columns.emplace_back(v.begin(), v.end());
  }
  return columns;
}

Dataset dataset_of(const std::vector<Values>& columns, const std::vector<std::string>& names, const Values& y,
                   Task task) {
  std::vector<Column> all;
  for (std::size_t i = 0; i < columns.size(); ++i)
    all.push_back(Column::number(names[i], Tensor::from(columns[i])));
  all.push_back(Column::number("y", Tensor::from(y)));
  return Dataset(Table(std::move(all)), {.roles = {.target = "y"}, .task = task});
}

double mean_of(const Values& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

ZScore z_score(const std::vector<Values>& columns) {
  ZScore z;
  for (const Values& c : columns) {
    const double mean = mean_of(c);
    double squares = 0;
    for (const double v : c) squares += (v - mean) * (v - mean);
    const double sd = std::sqrt(squares / static_cast<double>(c.size()));
    Values scaled;
    for (const double v : c) scaled.push_back((v - mean) / sd);
    z.mean.push_back(mean);
    z.sd.push_back(sd);
    z.columns.push_back(std::move(scaled));
  }
  return z;
}

Values linspace(double from, double to, std::int64_t n) {
  Values v;
  for (std::int64_t i = 0; i < n; ++i)
    v.push_back(from + (to - from) * static_cast<double>(i) / static_cast<double>(n - 1));
  return v;
}

}  // namespace cairn::recipes
