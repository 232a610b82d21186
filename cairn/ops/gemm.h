// One product of f32 matrices on the calling thread: what kernels build tiles from.
#pragma once

#include <cstdint>

namespace cairn {

struct GemmSide {  // rows in C order, `leading` apart; transposed: columns are
  const float* data = nullptr;
  std::int64_t leading = 1;
  bool transposed = false;
};

// c [m, n], rows `leading` apart, = a [m, k] b [k, n] + beta c. Sizes below 2^31.
void gemm(const GemmSide& a, const GemmSide& b, std::int64_t m, std::int64_t n, std::int64_t k, float beta,
          float* c, std::int64_t leading);

}  // namespace cairn
