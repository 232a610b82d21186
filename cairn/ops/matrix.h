// What numeric learners see: rows of numbers, dense or sparse, f32 or f64.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cairn/tensor/tensor.h"

namespace cairn {

// An immutable n x d matrix in one of three layouts. Copies share memory.
class Matrix {
 public:
  enum class Layout : std::uint8_t {
    rows,     // one dense 2-D tensor, row after row
    columns,  // one 1-D tensor a column, as tables hold them
    csr,      // compressed sparse rows
  };

  Matrix() = default;
  static Matrix from_rows(const Tensor& dense);  // [n, d], f32 or f64; made contiguous
  static Matrix from_columns(std::vector<Tensor> columns, std::int64_t rows);  // each [n], f32 or f64
  // indptr i64 [n + 1], indices i32 [nnz] ascending in a row, values f64 or f32 [nnz]. ShapeError when they
  // do not agree.
  static Matrix from_csr(std::int64_t columns, Tensor indptr, Tensor indices, Tensor values);

  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  Layout layout() const { return layout_; }
  bool is_sparse() const { return layout_ == Layout::csr; }
  bool is_f32() const;              // every stored value is f32
  std::int64_t num_stored() const;  // values held: rows * columns, or the entries of a sparse matrix

  const Tensor& dense() const;                        // layout rows
  const std::vector<Tensor>& column_tensors() const;  // layout columns
  std::span<const std::int64_t> indptr() const;       // layout csr
  std::span<const std::int32_t> indices() const;
  const Tensor& values() const;

  // Copies rows [begin, end) into `out`, row after row, zeros included: (end - begin) * columns() numbers.
  void tile(std::int64_t begin, std::int64_t end, double* out) const;
  void tile(std::int64_t begin, std::int64_t end, float* out) const;

  Matrix select_rows(std::span<const std::int64_t> rows) const;  // in the given order, repeats allowed
  Matrix to_rows(DType dtype = DType::f64) const;  // dense; ResourceError when it cannot fit memory
  // Side by side. Sparse as soon as one part is sparse; dense columns then keep only their non-zeros.
  static Matrix concatenate(std::span<const Matrix> parts);

 private:
  template <class T>
  void copy_tile(std::int64_t begin, std::int64_t end, T* out) const;
  Layout layout_ = Layout::rows;
  std::int64_t rows_ = 0, columns_ = 0;
  Tensor dense_;
  std::vector<Tensor> column_tensors_;
  Tensor indptr_, indices_, values_;
};

}  // namespace cairn
