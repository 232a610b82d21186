#include "tests/support/numeric_dataset.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace cairn::test {
namespace {

Matrix sparse_matrix(const std::vector<std::vector<double>>& rows, std::int64_t columns) {
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> where;
  std::vector<double> values;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c)
      if (row[c] != 0) {
        where.push_back(static_cast<std::int32_t>(c));
        values.push_back(row[c]);
      }
    starts.push_back(static_cast<std::int64_t>(values.size()));
  }
  return Matrix::from_csr(columns, Tensor::take(std::move(starts)), Tensor::take(std::move(where)),
                          Tensor::take(std::move(values)));
}

std::vector<Column> feature_columns(const std::vector<std::vector<double>>& rows, Matrix::Layout layout) {
  const std::size_t d = rows.empty() ? 0 : rows[0].size();
  std::vector<std::string> names;
  for (std::size_t c = 0; c < d; ++c) names.push_back("x" + std::to_string(c));
  std::vector<Column> columns;
  if (layout == Matrix::Layout::csr) {
    columns.push_back(Column::features("x", sparse_matrix(rows, static_cast<std::int64_t>(d)), names));
  } else if (layout == Matrix::Layout::rows) {
    std::vector<double> flat;
    for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
    const Shape shape{static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(d)};
    columns.push_back(
        Column::features("x", Matrix::from_rows(Tensor::from(std::span<const double>(flat), shape)), names));
  } else {
    for (std::size_t c = 0; c < d; ++c) {
      std::vector<double> column;
      for (const auto& row : rows) column.push_back(row[c]);
      columns.push_back(Column::number(names[c], Tensor::take(std::move(column))));
    }
  }
  return columns;
}

}  // namespace

Dataset regression_data(const std::vector<std::vector<double>>& rows, std::span<const double> y,
                        std::span<const double> weights, Matrix::Layout layout) {
  std::vector<Column> columns = feature_columns(rows, layout);
  columns.push_back(Column::number("y", Tensor::take(std::vector<double>(y.begin(), y.end()))));
  DatasetOptions options;
  options.roles.target = "y";
  options.task = Task::regression;
  if (!weights.empty()) {
    columns.push_back(
        Column::number("weight", Tensor::take(std::vector<double>(weights.begin(), weights.end()))));
    options.roles.weight = "weight";
  }
  return Dataset(Table(std::move(columns)), options);
}

Dataset classification_data(const std::vector<std::vector<double>>& rows, std::span<const int> labels,
                            Matrix::Layout layout) {
  std::vector<Column> columns = feature_columns(rows, layout);
  const int most = *std::ranges::max_element(labels);
  std::vector<std::string> classes;
  for (int c = 0; c <= most; ++c) classes.push_back(std::to_string(c));
  std::vector<std::int32_t> codes(labels.begin(), labels.end());
  columns.push_back(Column::category("y", Tensor::take(std::move(codes)), classes));
  DatasetOptions options;
  options.roles.target = "y";
  options.task = most > 1 ? Task::multiclass : Task::binary;
  options.classes = classes;
  return Dataset(Table(std::move(columns)), options);
}

std::vector<std::vector<double>> read_numbers(const std::string& path, int skip) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be opened");
  std::vector<std::vector<double>> rows;
  std::string line;
  while (std::getline(file, line)) {
    if (skip-- > 0) continue;
    std::ranges::replace(line, ',', ' ');
    std::istringstream text(line);
    std::vector<double> row;
    for (double v; text >> v;) row.push_back(v);
    if (!row.empty()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace cairn::test
