// Private to kernels/: one product of f32 matrices on the calling thread, the instruction set chosen at run
// time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cairn/ops/linear.h"

namespace cairn::kernels {

struct Factor {  // rows in C order, `leading` apart; transposed: columns are
  const float* data = nullptr;
  std::int64_t leading = 1;
  bool transposed = false;

  // The same matrix without its first `row` rows and `column` columns.
  Factor from(std::int64_t row, std::int64_t column) const {
    return {data + (transposed ? column * leading + row : row * leading + column), leading, transposed};
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

// Memory of this thread for what is packed, the same again at every call: asked of the system once.
float* packing_space(std::size_t numbers);

// Columns that the kernel computes side by side: a tile of so many, or a multiple, has no rest.
std::int64_t gemm_columns();

}  // namespace cairn::kernels
