// The columns of a logistic regression: which of them vary, how each is centred and scaled so that Newton and
// L-BFGS see numbers near 1, and their values tile by tile, read where they lie whenever that can be done.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cairn/linear/logistic_simd_internal.h"
#include "cairn/model/numeric.h"

namespace cairn {

class LogisticDesign {
 public:
  enum class Form : std::uint8_t {
    direct32,  // the matrix' own columns are read in place
    direct64,
    packed,  // rows, mixed types or extreme values: each tile is copied, standardised, in f64
    sparse,  // compressed rows, too wide for dense tiles; not centred
  };

  // A number of each of the rows from `begin` on, written when a block of them is met: no vector of all rows
  // lies in memory.
  using RowNumbers = std::function<void(std::int64_t begin, std::span<double> numbers)>;

  // `exact` sums Hessians of f32 data in f64 throughout. `along` (or null): see along().
  LogisticDesign(const Matrix& x, bool exact, const RowNumbers& along = nullptr);
  // Of rows in parts, measured in one pass; `along_of` a part may be null. x() is then one of the rows.
  LogisticDesign(const NumericRows& rows, bool exact,
                 const std::function<RowNumbers(const NumericData& part)>& along_of);
  LogisticDesign on(const Matrix& x) const;  // the same columns, centres and scales for other rows

  const Matrix& x() const { return x_; }
  Form form() const { return form_; }
  std::int64_t num_columns() const { return static_cast<std::int64_t>(columns_.size()); }
  const std::vector<std::int64_t>& columns() const { return columns_; }    // those that vary
  const std::vector<std::int64_t>& constant() const { return constant_; }  // those that do not
  const std::vector<std::int64_t>& position() const {
    return position_;
  }  // of each column of x in columns(), or -1
  const std::vector<double>& centre() const { return centre_; }  // of columns()
  const std::vector<double>& scale() const { return scale_; }
  const std::vector<double>& deviation() const { return deviation_; }
  // Sums over rows of along * (x - centre) of columns(), met on the way; empty where the matrix is not read
  // in place.
  const std::vector<double>& along() const { return along_; }
  double along_total() const { return along_total_; }  // sum over rows of along
  bool sums_are_finite() const { return finite_; }     // false also for squares beyond the range of numbers

  // scale = 1 / sqrt(variance + ridge), to a power of two: then the curvature of loss and penalty along each
  // column is about that of the loss along a standardised one.
  void set_scale(double ridge);
  void drop(std::span<const std::int64_t> positions);  // into columns(), ascending

  std::int64_t tile_rows() const { return tile_rows_; }
  std::int64_t num_tiles() const { return (x_.rows() + tile_rows_ - 1) / tile_rows_; }
  // What the values of a tile still need to be standardised: packed tiles nothing.
  bool raw_tiles() const { return form_ != Form::packed; }

  // Memory of one tile, reused from tile to tile.
  template <class T>
  struct TileMemory {
    std::vector<const T*> pointers;
    std::vector<T> padded;     // a tile whose rows are no multiple of kTilePad, or a packed one
    std::vector<double> rows;  // as the matrix gives it, row after row
  };
  // The tile of rows [begin, end) of columns(); dense forms only.
  template <class T>
  logistic_kernels::Tile<T> load(std::int64_t begin, std::int64_t end, TileMemory<T>& memory) const;
  // Where load() will read the tile of rows [begin, end), when it reads columns in place: [num_columns].
  Prefetch ahead(std::int64_t begin, std::int64_t end, std::vector<const char*>& memory) const;

 private:
  // Of each column: sums about `shift`, the first row of all.
  struct Measured {
    std::vector<logistic_kernels::ColumnSums> sums;
    std::vector<double> shift;
    double along_total = 0;
    std::int64_t rows = 0;
  };
  void set_matrix(const Matrix& x, bool exact);
  void measure(const RowNumbers& along, Measured& all) const;  // adds the rows of x
  void settle(const Measured& all, bool along);
  void find_positions();
  void measure_dense(const RowNumbers& along, std::vector<logistic_kernels::ColumnSums>& sums,
                     const std::vector<double>& shift) const;
  void measure_sparse(std::vector<logistic_kernels::ColumnSums>& sums) const;
  template <class T>
  const T* column(std::int64_t j) const;

  Matrix x_;
  Form form_ = Form::packed;
  std::int64_t tile_rows_ = 256;
  std::vector<std::int64_t> columns_, constant_, position_;
  std::vector<double> centre_, scale_, deviation_, along_;
  double along_total_ = 0;
  bool finite_ = true;
};

// Rows of a dense tile of `columns` columns: a multiple of kTilePad, small enough for a core's cache.
std::int64_t logistic_tile_rows(std::int64_t columns);

}  // namespace cairn
