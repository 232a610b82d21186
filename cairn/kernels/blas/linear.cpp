// x W^T + b on tiles whose shapes depend on the data alone, BLAS on one thread in each: the same bytes for
// any number of threads. Bias and activation are done while the tile is still in the cache.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/gemm.h"
#include "cairn/ops/linear.h"
#include "cairn/tensor/strided.h"

namespace cairn::kernels {
namespace {

constexpr std::int64_t kMost = INT32_MAX;

}  // namespace

bool blas_linear_supports(const KernelArgs& a) {
  return a.in[0].dtype() == DType::f32 && a.out[0].size() > 0 && a.in[1].size() > 0 &&
         a.in[0].size() < kMost && a.in[1].size() < kMost && a.out[0].size() < kMost;
}

void blas_linear(const KernelArgs& a) {
  const auto f = static_cast<LinearActivation>(a.attributes.as<LinearAttributes>().activation);
  const Tensor input = dense(a.in[0]), weight = dense(a.in[1]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  const float *x = input.data<float>().data(), *w = weight.data<float>().data();
  const float* b = bias.defined() ? bias.data<float>().data() : nullptr;
  float* y = a.out[0].mutable_data<float>().data();
  const std::int64_t k = weight.size(1), n = weight.size(0), m = a.out[0].size() / n;
  const GemmTiles t = gemm_tiles(m, n, k);
  const std::int64_t work = t.rows * t.columns * k;
  parallel_for(t.count(), std::max<std::int64_t>(1, (1 << 20) / work),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t tile = begin; tile < end; ++tile) {
                   const std::int64_t i = tile / t.across * t.rows, j = tile % t.across * t.columns;
                   const std::int64_t rows = std::min(t.rows, m - i), columns = std::min(t.columns, n - j);
                   float* to = y + i * n + j;
                   for (std::int64_t r = 0; b && r < rows; ++r) std::copy_n(b + j, columns, to + r * n);
                   gemm({x + i * k, k}, {w + j * k, k, true}, rows, columns, k, b ? 1.f : 0.f, to, n);
                   if (f != LinearActivation::none)
                     for (std::int64_t r = 0; r < rows; ++r) activate_row(f, to + r * n, columns);
                 }
               });
}

}  // namespace cairn::kernels
