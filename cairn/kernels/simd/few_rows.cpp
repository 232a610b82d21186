// x W^T + b for a few rows of x: the weights are read where they lie, where a product of matrices would first
// copy them into another order. Same bytes for any number of threads.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/linear_operands_internal.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/few_rows.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

constexpr std::int64_t kWeightRows = 8;  // that are read side by side

// y[j] = the product of x and row j of the weights, for `count` <= kWeightRows of them. The sums have names
// of their own: an array of vectors would live in memory.
HWY_INLINE void products(const float* x, const float* w, std::int64_t count, std::int64_t k, float* y) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto row = [&](std::int64_t j) { return w + std::min(j, count - 1) * k; };
  const float *const w0 = row(0), *const w1 = row(1), *const w2 = row(2), *const w3 = row(3),
                     *const w4 = row(4), *const w5 = row(5), *const w6 = row(6), *const w7 = row(7);
  V s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d), s4 = hn::Zero(d),
    s5 = hn::Zero(d), s6 = hn::Zero(d), s7 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + lanes <= k; i += lanes) {
    const V v = hn::LoadU(d, x + i);
    s0 = hn::MulAdd(hn::LoadU(d, w0 + i), v, s0);
    s1 = hn::MulAdd(hn::LoadU(d, w1 + i), v, s1);
    s2 = hn::MulAdd(hn::LoadU(d, w2 + i), v, s2);
    s3 = hn::MulAdd(hn::LoadU(d, w3 + i), v, s3);
    s4 = hn::MulAdd(hn::LoadU(d, w4 + i), v, s4);
    s5 = hn::MulAdd(hn::LoadU(d, w5 + i), v, s5);
    s6 = hn::MulAdd(hn::LoadU(d, w6 + i), v, s6);
    s7 = hn::MulAdd(hn::LoadU(d, w7 + i), v, s7);
  }
  float sums[kWeightRows] = {sum_of(d, s0), sum_of(d, s1), sum_of(d, s2), sum_of(d, s3),
                             sum_of(d, s4), sum_of(d, s5), sum_of(d, s6), sum_of(d, s7)};
  for (; i < k; ++i)
    for (std::int64_t j = 0; j < kWeightRows; ++j) sums[j] += row(j)[i] * x[i];
  for (std::int64_t j = 0; j < count; ++j) y[j] = sums[j];
}

// y[r * n + j] for a few rows of x; a group of weight rows stays in the cache for all of them.
void products_of(const float* x, std::int64_t rows, const float* w, std::int64_t count, std::int64_t k,
                 float* y, std::int64_t n) {
  for (std::int64_t j = 0; j < count; j += kWeightRows)
    for (std::int64_t r = 0; r < rows; ++r)
      products(x + r * k, w + j * k, std::min(kWeightRows, count - j), k, y + r * n + j);
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {
namespace {

HWY_EXPORT(products_of);
constexpr std::int64_t kMostRows = 4;

}  // namespace

// Measured beside a product of matrices: one row is as fast from some ten thousand weights on, several rows
// where the weights are too many for the cache and their copy is what takes the time.
bool simd_few_rows_supports(const KernelArgs& a) {
  constexpr std::int64_t kMany = 1 << 16, kBeyondCache = 1 << 20;
  const std::int64_t n = a.in[1].size(0), weights = a.in[1].size();
  if (a.in[0].dtype() != DType::f32 || a.out[0].size() == 0 || weights == 0) return false;
  const std::int64_t rows = a.out[0].size() / n;
  if (rows > kMostRows || weights < (rows == 1 ? kMany : kBeyondCache)) return false;
  choose_instruction_set();
  return true;
}

void simd_few_rows(const KernelArgs& a) {
  const LinearOperands o(a);
  constexpr std::int64_t kWork = 1 << 16, kUnit = 8;  // weights a thread takes at once, about 4 us
  const std::int64_t block = std::max(kUnit, kWork / o.k / kUnit * kUnit);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(products_of)(o.x, o.m, o.w + begin * o.k, end - begin, o.k, o.y + begin, o.n);
    for (std::int64_t r = 0; r < o.m; ++r) {
      float* to = o.y + r * o.n;
      if (o.b)
        for (std::int64_t j = begin; j < end; ++j) to[j] += o.b[j];
      activate_row(o.activation, to + begin, end - begin);
    }
  };
  parallel_for(o.n, block, run);
}

}  // namespace cairn::kernels
#endif
