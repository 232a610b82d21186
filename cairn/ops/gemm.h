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

// How a product is cut into tiles for several threads, from its shape alone: squares of 256, and smaller ones
// where those would be few and each still worth a thread's while.
struct GemmTiles {
  std::int64_t rows, columns;  // of a tile
  std::int64_t down, across;   // number of tiles
  std::int64_t count() const { return down * across; }
};
GemmTiles gemm_tiles(std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace cairn
