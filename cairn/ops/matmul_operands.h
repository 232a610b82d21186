// What a kernel of matmul works on: two stacks of matrices, as they lie.
#pragma once

#include <cstdint>

#include "cairn/tensor/op.h"

namespace cairn {

// The last two axes as rows in C order, `leading` apart; transposed: as columns.
struct MatmulSide {
  Tensor tensor;  // what is read: the view itself, or a copy
  bool transposed = false;
  std::int64_t leading = 1;

  // Numbers before the product `index` of a result of this shape, whose batch axes broadcast.
  std::int64_t offset(const Shape& result, std::int64_t index) const;
};

// result [..., m, n] = a [..., m, k] b [..., k, n], as so many products of matrices.
struct MatmulOperands {
  Shape result;
  std::int64_t m, n, k, products;
  MatmulSide a, b;

  explicit MatmulOperands(const KernelArgs& args);
};

}  // namespace cairn
