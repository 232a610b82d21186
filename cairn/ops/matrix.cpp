#include "cairn/ops/matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"

namespace cairn {
namespace {

void check_floating(const Tensor& t) {
  if (!is_floating(t.dtype()))
    throw DTypeError("matrix", fmt::format("{} is not f32 or f64", t.text()), "Convert it with to().");
}

// Calls f with the values as const float* or const double*.
template <class F>
decltype(auto) with_values(const Tensor& t, F&& f) {
  if (t.dtype() == DType::f32) return f(t.data<float>().data());
  return f(t.data<double>().data());
}

}  // namespace

Matrix Matrix::from_rows(const Tensor& dense) {
  check_floating(dense);
  if (dense.ndim() != 2) throw ShapeError("matrix", fmt::format("{} has not two axes", dense.text()));
  Matrix m;
  m.rows_ = dense.size(0);
  m.columns_ = dense.size(1);
  m.dense_ = dense.contiguous();
  return m;
}

Matrix Matrix::from_columns(std::vector<Tensor> columns, std::int64_t rows) {
  Matrix m;
  m.layout_ = Layout::columns;
  m.rows_ = rows;
  m.columns_ = static_cast<std::int64_t>(columns.size());
  for (Tensor& column : columns) {
    check_floating(column);
    if (column.ndim() != 1 || column.size() != rows)
      throw ShapeError("matrix",
                       fmt::format("a column is {}; every column must be [{}]", column.text(), rows));
    column = column.contiguous();
  }
  m.column_tensors_ = std::move(columns);
  return m;
}

Matrix Matrix::from_csr(std::int64_t columns, Tensor indptr, Tensor indices, Tensor values) {
  check_floating(values);
  const auto starts = indptr.data<std::int64_t>();
  const auto where = indices.data<std::int32_t>();
  if (starts.empty() || starts[0] != 0 || starts.back() != values.size() || indices.size() != values.size())
    throw ShapeError("sparse matrix", fmt::format("row starts {}, indices {} and values {} do not agree",
                                                  indptr.text(), indices.text(), values.text()));
  for (std::size_t r = 0; r + 1 < starts.size(); ++r) {
    if (starts[r + 1] < starts[r])
      throw ShapeError("sparse matrix", fmt::format("row {} ends before it begins", r));
    for (std::int64_t k = starts[r]; k < starts[r + 1]; ++k) {
      const std::int32_t c = where[static_cast<std::size_t>(k)];
      if (c < 0 || c >= columns || (k > starts[r] && c <= where[static_cast<std::size_t>(k - 1)]))
        throw ShapeError("sparse matrix",
                         fmt::format("row {} has column {} out of order or outside [0, {})", r, c, columns));
    }
  }
  Matrix m;
  m.layout_ = Layout::csr;
  m.rows_ = static_cast<std::int64_t>(starts.size()) - 1;
  m.columns_ = columns;
  m.indptr_ = std::move(indptr);
  m.indices_ = std::move(indices);
  m.values_ = std::move(values);
  return m;
}

bool Matrix::is_f32() const {
  const auto f32 = [](const Tensor& t) { return t.dtype() == DType::f32; };
  if (layout_ == Layout::rows) return dense_.defined() && f32(dense_);
  if (layout_ == Layout::csr) return f32(values_);
  return !column_tensors_.empty() && std::ranges::all_of(column_tensors_, f32);
}

std::int64_t Matrix::num_stored() const { return is_sparse() ? values_.size() : rows_ * columns_; }

const Tensor& Matrix::dense() const {
  CAIRN_ASSERT(layout_ == Layout::rows);
  return dense_;
}
const std::vector<Tensor>& Matrix::column_tensors() const {
  CAIRN_ASSERT(layout_ == Layout::columns);
  return column_tensors_;
}
std::span<const std::int64_t> Matrix::indptr() const {
  CAIRN_ASSERT(is_sparse());
  return indptr_.data<std::int64_t>();
}
std::span<const std::int32_t> Matrix::indices() const {
  CAIRN_ASSERT(is_sparse());
  return indices_.data<std::int32_t>();
}
const Tensor& Matrix::values() const {
  CAIRN_ASSERT(is_sparse());
  return values_;
}

template <class T>
void Matrix::copy_tile(std::int64_t begin, std::int64_t end, T* out) const {
  CAIRN_ASSERT(begin >= 0 && begin <= end && end <= rows_);
  const std::int64_t d = columns_, n = end - begin;
  if (layout_ == Layout::rows) {
    with_values(dense_, [&](const auto* from) { std::copy(from + begin * d, from + end * d, out); });
  } else if (layout_ == Layout::columns) {
    // Sixteen rows at a time, so that the lines of `out` being written stay in the nearest cache.
    constexpr std::int64_t kRows = 16;
    for (std::int64_t r0 = 0; r0 < n; r0 += kRows) {
      const std::int64_t r1 = std::min(n, r0 + kRows);
      for (std::int64_t c = 0; c < d; ++c)
        with_values(column_tensors_[static_cast<std::size_t>(c)], [&](const auto* from) {
          for (std::int64_t r = r0; r < r1; ++r) out[r * d + c] = static_cast<T>(from[begin + r]);
        });
    }
  } else {
    std::fill(out, out + n * d, T(0));
    const auto starts = indptr();
    const auto where = indices();
    with_values(values_, [&](const auto* from) {
      for (std::int64_t r = 0; r < n; ++r)
        for (std::int64_t k = starts[static_cast<std::size_t>(begin + r)];
             k < starts[static_cast<std::size_t>(begin + r + 1)]; ++k)
          out[r * d + where[static_cast<std::size_t>(k)]] = static_cast<T>(from[k]);
    });
  }
}

void Matrix::tile(std::int64_t begin, std::int64_t end, double* out) const { copy_tile(begin, end, out); }
void Matrix::tile(std::int64_t begin, std::int64_t end, float* out) const { copy_tile(begin, end, out); }

namespace {

// The rows `rows` of one contiguous tensor whose rows are `width` elements wide.
Tensor gather_rows(const Tensor& from, std::span<const std::int64_t> rows, std::int64_t width,
                   const Shape& shape) {
  Tensor to = Tensor::empty(shape, from.dtype());
  const std::size_t bytes = static_cast<std::size_t>(width) * size_of(from.dtype());
  std::byte* out = const_cast<std::byte*>(to.raw());
  parallel_for(static_cast<std::int64_t>(rows.size()), 1 << 14, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t i = b; i < e; ++i)
      std::memcpy(out + static_cast<std::size_t>(i) * bytes,
                  from.raw() + static_cast<std::size_t>(rows[static_cast<std::size_t>(i)]) * bytes, bytes);
  });
  return to;
}

}  // namespace

Matrix Matrix::select_rows(std::span<const std::int64_t> rows) const {
  const auto n = static_cast<std::int64_t>(rows.size());
  for (const std::int64_t r : rows) CAIRN_ASSERT(r >= 0 && r < rows_);
  if (layout_ == Layout::rows) return from_rows(gather_rows(dense_, rows, columns_, Shape{n, columns_}));
  if (layout_ == Layout::columns) {
    std::vector<Tensor> columns;
    for (const Tensor& c : column_tensors_) columns.push_back(gather_rows(c, rows, 1, Shape{n}));
    return from_columns(std::move(columns), n);
  }
  const auto starts = indptr();
  std::vector<std::int64_t> new_starts{0};
  for (const std::int64_t r : rows)
    new_starts.push_back(new_starts.back() + starts[static_cast<std::size_t>(r + 1)] -
                         starts[static_cast<std::size_t>(r)]);
  Tensor where = Tensor::empty(Shape{new_starts.back()}, DType::i32);
  Tensor values = Tensor::empty(Shape{new_starts.back()}, values_.dtype());
  const std::size_t width = size_of(values_.dtype());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto from = static_cast<std::size_t>(starts[static_cast<std::size_t>(rows[i])]);
    const auto to = static_cast<std::size_t>(new_starts[i]),
               count = static_cast<std::size_t>(new_starts[i + 1]) - to;
    if (count == 0) continue;
    std::memcpy(const_cast<std::byte*>(where.raw()) + to * 4, indices_.raw() + from * 4, count * 4);
    std::memcpy(const_cast<std::byte*>(values.raw()) + to * width, values_.raw() + from * width,
                count * width);
  }
  return from_csr(columns_, Tensor::take(std::move(new_starts)), where, values);
}

Matrix Matrix::to_rows(DType dtype) const {
  if (layout_ == Layout::rows && dense_.dtype() == dtype) return *this;
  Tensor out = Tensor::empty(Shape{rows_, columns_}, dtype);
  const auto fill = [&](auto* to) {
    parallel_for(rows_, std::max<std::int64_t>(1, (1 << 16) / std::max<std::int64_t>(columns_, 1)),
                 [&](std::int64_t b, std::int64_t e) { tile(b, e, to + b * columns_); });
  };
  if (dtype == DType::f32)
    fill(out.mutable_data<float>().data());
  else
    fill(out.mutable_data<double>().data());
  return from_rows(out);
}

Matrix Matrix::concatenate(std::span<const Matrix> parts) {
  if (parts.size() == 1) return parts[0];
  CAIRN_ASSERT(!parts.empty());
  const std::int64_t n = parts[0].rows();
  for (const Matrix& p : parts)
    if (p.rows() != n)
      throw ShapeError("concatenate", fmt::format("one part has {} rows, another {}", n, p.rows()));
  const bool sparse = std::ranges::any_of(parts, [](const Matrix& p) { return p.is_sparse(); });
  std::int64_t d = 0;
  for (const Matrix& p : parts) d += p.columns();
  if (!sparse && std::ranges::all_of(parts, [](const Matrix& p) { return p.layout() == Layout::columns; })) {
    std::vector<Tensor> columns;
    for (const Matrix& p : parts)
      columns.insert(columns.end(), p.column_tensors_.begin(), p.column_tensors_.end());
    return from_columns(std::move(columns), n);
  }
  if (!sparse) {
    Tensor out = Tensor::empty(Shape{n, d}, DType::f64);
    double* to = out.mutable_data<double>().data();
    std::int64_t at = 0;
    for (const Matrix& p : parts) {
      std::vector<double> rows(static_cast<std::size_t>(p.columns()));
      for (std::int64_t r = 0; r < n; ++r) {
        p.tile(r, r + 1, rows.data());
        std::copy(rows.begin(), rows.end(), to + r * d + at);
      }
      at += p.columns();
    }
    return from_rows(out);
  }
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> where;
  std::vector<double> values;
  std::vector<double> row;
  for (std::int64_t r = 0; r < n; ++r) {
    std::int64_t at = 0;
    for (const Matrix& p : parts) {
      if (p.is_sparse()) {
        const auto p_starts = p.indptr();
        const auto p_where = p.indices();
        with_values(p.values_, [&](const auto* from) {
          for (auto k = p_starts[static_cast<std::size_t>(r)]; k < p_starts[static_cast<std::size_t>(r + 1)];
               ++k) {
            where.push_back(static_cast<std::int32_t>(at + p_where[static_cast<std::size_t>(k)]));
            values.push_back(from[k]);
          }
        });
      } else {
        row.resize(static_cast<std::size_t>(p.columns()));
        p.tile(r, r + 1, row.data());
        for (std::size_t c = 0; c < row.size(); ++c)
          if (row[c] != 0) {
            where.push_back(static_cast<std::int32_t>(at + static_cast<std::int64_t>(c)));
            values.push_back(row[c]);
          }
      }
      at += p.columns();
    }
    starts.push_back(static_cast<std::int64_t>(where.size()));
  }
  return from_csr(d, Tensor::take(std::move(starts)), Tensor::take(std::move(where)),
                  Tensor::take(std::move(values)));
}

}  // namespace cairn
