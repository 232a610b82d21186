// x W^T + b on tiles whose shapes depend on the data alone, BLAS on one thread in each: the same bytes for
// any number of threads. Bias and activation are done while the tile is still in the cache.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/linear_operands_internal.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/gemm.h"

namespace cairn::kernels {
namespace {

constexpr std::int64_t kMost = INT32_MAX;

}  // namespace

bool blas_linear_supports(const KernelArgs& a) {
  return a.in[0].dtype() == DType::f32 && a.out[0].size() > 0 && a.in[1].size() > 0 &&
         a.in[0].size() < kMost && a.in[1].size() < kMost && a.out[0].size() < kMost;
}

void blas_linear(const KernelArgs& a) {
  const LinearOperands o(a);
  const GemmTiles t = gemm_tiles(o.m, o.n, o.k);
  const std::int64_t work = t.rows * t.columns * o.k;
  parallel_for(
      t.count(), std::max<std::int64_t>(1, (1 << 20) / work), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t tile = begin; tile < end; ++tile) {
          const std::int64_t i = tile / t.across * t.rows, j = tile % t.across * t.columns;
          const std::int64_t rows = std::min(t.rows, o.m - i), columns = std::min(t.columns, o.n - j);
          float* to = o.y + i * o.n + j;
          for (std::int64_t r = 0; o.b && r < rows; ++r) std::copy_n(o.b + j, columns, to + r * o.n);
          gemm({o.x + i * o.k, o.k}, {o.w + j * o.k, o.k, true}, rows, columns, o.k, o.b ? 1.f : 0.f, to,
               o.n);
          if (o.activation != LinearActivation::none)
            for (std::int64_t r = 0; r < rows; ++r) activate_row(o.activation, to + r * o.n, columns);
        }
      });
}

}  // namespace cairn::kernels
