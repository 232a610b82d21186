// x W^T + b for a few rows of x: every weight is read once and meets all rows, where a product of matrices
// would first copy the weights into another order. Same bytes for any number of threads.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/linear.h"
#include "cairn/tensor/strided.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/few_rows.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

constexpr std::int64_t kWeightRows = 4;  // that are read side by side

// y[r * n + j] = the product of row r of x and row j of the weights, for `count` <= kWeightRows of them.
template <std::int64_t kRows>
HWY_INLINE void products(const float* x, const float* w, std::int64_t count, std::int64_t k, float* y,
                         std::int64_t n) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const float* row[kWeightRows];
  for (std::int64_t j = 0; j < kWeightRows; ++j) row[j] = w + std::min(j, count - 1) * k;
  V s[kRows][kWeightRows];
  for (auto& of_row : s)
    for (auto& v : of_row) v = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + lanes <= k; i += lanes)
    for (std::int64_t j = 0; j < kWeightRows; ++j) {
      const V weight = hn::LoadU(d, row[j] + i);
      for (std::int64_t r = 0; r < kRows; ++r)
        s[r][j] = hn::MulAdd(weight, hn::LoadU(d, x + r * k + i), s[r][j]);
    }
  for (std::int64_t j = 0; j < count; ++j)
    for (std::int64_t r = 0; r < kRows; ++r) {
      float sum = sum_of(d, s[r][j]);
      for (std::int64_t e = i; e < k; ++e) sum += row[j][e] * x[r * k + e];
      y[r * n + j] = sum;
    }
}

void products_of(const float* x, std::int64_t rows, const float* w, std::int64_t count, std::int64_t k,
                 float* y, std::int64_t n) {
  for (std::int64_t j = 0; j < count; j += kWeightRows) {
    const std::int64_t now = std::min(kWeightRows, count - j);
    const float* from = w + j * k;
    if (rows == 1) products<1>(x, from, now, k, y + j, n);
    if (rows == 2) products<2>(x, from, now, k, y + j, n);
    if (rows == 3) products<3>(x, from, now, k, y + j, n);
    if (rows == 4) products<4>(x, from, now, k, y + j, n);
  }
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {
namespace {

HWY_EXPORT(products_of);
constexpr std::int64_t kMostRows = 4;

}  // namespace

bool simd_few_rows_supports(const KernelArgs& a) {
  const std::int64_t n = a.in[1].size(0);
  if (a.in[0].dtype() != DType::f32 || a.out[0].size() == 0 || a.in[1].size() == 0) return false;
  if (a.out[0].size() / n > kMostRows) return false;
  choose_instruction_set();
  return true;
}

void simd_few_rows(const KernelArgs& a) {
  const auto f = static_cast<LinearActivation>(a.attributes.as<LinearAttributes>().activation);
  const Tensor input = dense(a.in[0]), weight = dense(a.in[1]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  const float *x = input.data<float>().data(), *w = weight.data<float>().data();
  const float* b = bias.defined() ? bias.data<float>().data() : nullptr;
  float* y = a.out[0].mutable_data<float>().data();
  const std::int64_t k = weight.size(1), n = weight.size(0), m = a.out[0].size() / n;
  constexpr std::int64_t kWork = 1 << 16, kUnit = 4;  // weights a thread takes at once, about 8 us
  const std::int64_t block = std::max(kUnit, kWork / k / kUnit * kUnit);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    HWY_DYNAMIC_DISPATCH(products_of)(x, m, w + begin * k, end - begin, k, y + begin, n);
    for (std::int64_t r = 0; r < m; ++r) {
      float* to = y + r * n;
      if (b)
        for (std::int64_t j = begin; j < end; ++j) to[j] += b[j];
      activate_row(f, to + begin, end - begin);
    }
  };
  if (n <= block)
    run(0, n);
  else
    parallel_for(n, block, run);
}

}  // namespace cairn::kernels
#endif
