#include "cairn/ops/gemm.h"

#include <algorithm>

#include "cairn/ops/blas_internal.h"
#include "cairn/ops/linalg_internal.h"

namespace cairn {

void gemm(const GemmSide& a, const GemmSide& b, std::int64_t m, std::int64_t n, std::int64_t k, float beta,
          float* c, std::int64_t leading) {
  using linalg::narrow;
  cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
              b.transposed ? CblasTrans : CblasNoTrans, narrow(m), narrow(n), narrow(k), 1, a.data,
              narrow(a.leading), b.data, narrow(b.leading), beta, c, narrow(leading));
}

GemmTiles gemm_tiles(std::int64_t m, std::int64_t n, std::int64_t k) {
  constexpr std::int64_t kSide = 256, kLeastSide = 64, kEnough = 8, kWork = 1 << 21;  // some 40 us
  const auto tiles = [&](std::int64_t rows, std::int64_t columns) {
    return GemmTiles{rows, columns, (m + rows - 1) / rows, (n + columns - 1) / columns};
  };
  GemmTiles t = tiles(std::min(m, kSide), std::min(n, kSide));
  while (t.count() < kEnough && t.rows * t.columns * k > kWork && std::max(t.rows, t.columns) > kLeastSide)
    t = t.rows >= t.columns ? tiles((t.rows + 1) / 2, t.columns) : tiles(t.rows, (t.columns + 1) / 2);
  return t;
}

}  // namespace cairn
