// Private to kernels/: products of f32 matrices on the calling thread, and the tile that they and
// convolutions are made of; the instruction set is chosen at run time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/ops/linear.h"

namespace cairn::kernels {

// Rows in C order, `leading` apart; transposed: columns are. packed > 0: strips of so many columns, that of
// the tile, [strip, row, column], `leading` apart.
struct Factor {
  const float* data = nullptr;
  std::int64_t leading = 1;
  bool transposed = false;
  std::int64_t packed = 0;

  // The same matrix without its first `row` rows and `column` columns; packed: whole strips of them.
  Factor from(std::int64_t row, std::int64_t column) const {
    const std::int64_t offset = packed > 0   ? column / packed * leading + row * packed
                                : transposed ? column * leading + row
                                             : row * leading + column;
    return {data + offset, leading, transposed, packed};
  }
};

// c [m, n], rows `leading` apart, = f(a [m, k] b [k, n] + bias [n]). Each number of c is the sum of its k
// products in an order that depends on k alone: however c is cut into tiles, the same bytes come out.
struct Gemm {
  Factor a, b;
  std::int64_t m = 0, n = 0, k = 0;
  float* c = nullptr;
  std::int64_t leading = 1;
  const float* bias = nullptr;  // null: none
  LinearActivation activation = LinearActivation::none;
};
void gemm(const Gemm& g);

// What one call of the innermost kernel computes: a tile of c from `pieces` runs of k products each.
struct Tile {
  std::int64_t k;
  const float* a;  // rows, row_step apart; packed: columns, row_step apart
  std::int64_t row_step;
  const float* b;  // pieces * k rows, b_step apart
  std::int64_t b_step;
  float* keep = nullptr;  // where the rows of b are packed on the way
  float* c;
  std::int64_t leading;
  const float* bias = nullptr;              // of the columns
  bool add = false;                         // to what c holds
  std::int64_t rows, columns;               // at most those of TileKernels
  std::int64_t pieces = 1, piece_step = 0;  // a's runs, piece_step apart; of one that is not packed
};
struct TileKernels {
  std::int64_t rows, columns;
  void (*compute)(const Tile& tile, bool packed);
  // to[p * step + r] = x[r * leading + p] for r < rows, p < k
  void (*pack_turned)(const float* x, std::int64_t leading, std::int64_t rows, std::int64_t k, float* to,
                      std::int64_t step);
};
TileKernels tile_kernels();

// Memory of this thread for what is packed, the same again at every call: asked of the system once.
float* packing_space(std::size_t numbers);

}  // namespace cairn::kernels
