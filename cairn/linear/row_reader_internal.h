// Rows visited one at a time, for the solvers that step row by row.
#pragma once

#include <cstdint>
#include <span>

#include "cairn/ops/matrix.h"

namespace cairn {

// How far the intercept follows a step: sparse columns move rarely, and beside them a full step makes it
// swing. Of sparse rows with so many stored numbers.
inline double intercept_share(std::int64_t stored, std::int64_t rows, std::int64_t columns) {
  constexpr double kDense = 0.1, kShare = 0.01;
  const double cells = static_cast<double>(rows) * static_cast<double>(columns);
  return static_cast<double>(stored) < kDense * cells ? kShare : 1;
}

// The rows as they are visited one at a time: sparse rows as they lie, others row after row.
class RowReader {
 public:
  explicit RowReader(const Matrix& x) : x_(x.is_sparse() ? x : x.to_rows()) {
    stored_ = (x_.is_sparse() ? x_.values() : x_.dense()).to(DType::f64);
    values_ = stored_.data<double>();
    if (!x_.is_sparse()) return;
    starts_ = x_.indptr();
    columns_ = x_.indices();
  }
  bool is_sparse() const { return x_.is_sparse(); }
  // Calls f(column, value) for every stored value of a row.
  template <class F>
  void each(std::int64_t row, F&& f) const {
    if (!is_sparse()) {
      const std::int64_t columns = x_.columns();
      const double* from = values_.data() + row * columns;
      for (std::int64_t c = 0; c < columns; ++c) f(static_cast<std::size_t>(c), from[c]);
      return;
    }
    const auto r = static_cast<std::size_t>(row);
    const auto end = static_cast<std::size_t>(starts_[r + 1]);
    for (auto k = static_cast<std::size_t>(starts_[r]); k < end; ++k)
      f(static_cast<std::size_t>(columns_[k]), values_[k]);
  }

 private:
  Matrix x_;
  Tensor stored_;
  std::span<const double> values_;
  std::span<const std::int64_t> starts_;
  std::span<const std::int32_t> columns_;
};

}  // namespace cairn
