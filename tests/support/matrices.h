// Matrices written out in a test, row by row.
#pragma once

#include <vector>

#include "cairn/ops/matrix.h"

namespace cairn::test {

inline Matrix dense_matrix(const std::vector<std::vector<double>>& rows) {
  std::vector<double> flat;
  for (const auto& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  const auto n = static_cast<std::int64_t>(rows.size());
  return Matrix::from_rows(Tensor::from<double>(flat, Shape{n, rows.empty() ? 0 : std::ssize(rows[0])}));
}

inline Matrix sparse_matrix(const std::vector<std::vector<double>>& rows, std::int64_t columns) {
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> where;
  std::vector<double> values;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row[c] == 0) continue;
      where.push_back(static_cast<std::int32_t>(c));
      values.push_back(row[c]);
    }
    starts.push_back(std::ssize(values));
  }
  return Matrix::from_csr(columns, Tensor::from(starts), Tensor::from(where), Tensor::from(values));
}

}  // namespace cairn::test
