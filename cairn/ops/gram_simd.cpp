#include "cairn/ops/gram_simd_internal.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/ops/gram_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::linalg::gram_kernels::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<double, kMaxLanes>;
using V = hn::Vec<D>;

// As many running sums as the registers hold, sixteen of them before AVX-512.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
constexpr std::int64_t kRows = 3;
#else
constexpr std::int64_t kRows = 4;
#endif
constexpr std::int64_t kColumns = 4, kSums = kRows * kColumns;

// Unrolled by order: left as loops, the sums would live in memory.
inline void add_block(D d, const double* a, const double* b, double* sums) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  V sum[kRows][kColumns];
  HWY_UNROLL(4) for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(4)
    for (int j = 0; j < kColumns; ++j) sum[i][j] = hn::LoadU(d, sums + (i * kColumns + j) * lanes);
  }
  for (std::int64_t r = 0; r < kTileRows; r += lanes) {
    V right[kColumns];
    HWY_UNROLL(4) for (int j = 0; j < kColumns; ++j) right[j] = hn::LoadU(d, b + j * kTileRows + r);
    HWY_UNROLL(4) for (int i = 0; i < kRows; ++i) {
      const V left = hn::LoadU(d, a + i * kTileRows + r);
      HWY_UNROLL(4) for (int j = 0; j < kColumns; ++j) sum[i][j] = hn::MulAdd(left, right[j], sum[i][j]);
    }
  }
  HWY_UNROLL(4) for (int i = 0; i < kRows; ++i) {
    HWY_UNROLL(4)
    for (int j = 0; j < kColumns; ++j) hn::StoreU(sum[i][j], d, sums + (i * kColumns + j) * lanes);
  }
}

// Calls f(i, j, number) for each block that touches the upper triangle.
template <class F>
std::int64_t each_block(std::int64_t q, F&& f) {
  std::int64_t number = 0;
  for (std::int64_t i = 0; i < q; i += kRows)
    for (std::int64_t j = i / kColumns * kColumns; j < q; j += kColumns) f(i, j, number++);
  return number;
}

void products(const double* tile, std::int64_t q, const Prefetch& next, double* sums) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t blocks = each_block(q, [](auto...) {});
  LineWalk walk(next, blocks);
  each_block(q, [&](std::int64_t i, std::int64_t j, std::int64_t number) {
    walk.step();
    add_block(d, tile + i * kTileRows, tile + j * kTileRows, sums + number * kSums * lanes);
  });
}

void collect(const double* sums, std::int64_t q, double* out) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  each_block(q, [&](std::int64_t i0, std::int64_t j0, std::int64_t number) {
    for (std::int64_t k = 0; k < kSums; ++k) {
      const std::int64_t i = i0 + k / kColumns, j = j0 + k % kColumns;
      if (i < q && j < q && j >= i)
        out[i * q + j] += hn::GetLane(hn::SumOfLanes(d, hn::LoadU(d, sums + (number * kSums + k) * lanes)));
    }
  });
}

inline V widen(D d, const double* x) { return hn::LoadU(d, x); }
inline V widen(D d, const float* x) { return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), x)); }

template <class T>
void shift(const T* from, std::int64_t n, double by, double scale, const double* root, double* out) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const V vby = hn::Set(d, by), vscale = hn::Set(d, scale);
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    V v = hn::Mul(hn::Sub(widen(d, from + i), vby), vscale);
    if (root) v = hn::Mul(v, hn::LoadU(d, root + i));
    hn::StoreU(v, d, out + i);
  }
  for (; i < n; ++i) out[i] = (static_cast<double>(from[i]) - by) * scale * (root ? root[i] : 1.0);
}

void shift64(const double* from, std::int64_t n, double by, double scale, const double* root, double* out) {
  shift(from, n, by, scale, root, out);
}
void shift32(const float* from, std::int64_t n, double by, double scale, const double* root, double* out) {
  shift(from, n, by, scale, root, out);
}

}  // namespace cairn::linalg::gram_kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::linalg::gram_kernels {
HWY_EXPORT(products);
HWY_EXPORT(collect);
HWY_EXPORT(shift64);
HWY_EXPORT(shift32);

std::int64_t padded_columns(std::int64_t q) { return q + 4; }

std::int64_t sums_size(std::int64_t q) {
  const std::int64_t most_blocks = ((q + 2) / 3) * ((q + 3) / 4 + 1), most_sums = 16;
  return most_blocks * most_sums * kMaxLanes;
}

void add_products(const double* tile, std::int64_t q, const Prefetch& next, double* sums) {
  HWY_DYNAMIC_DISPATCH(products)(tile, q, next, sums);
}
void collect_products(const double* sums, std::int64_t q, double* out) {
  HWY_DYNAMIC_DISPATCH(collect)(sums, q, out);
}
void shift_column(const double* from, std::int64_t n, double by, double scale, const double* root,
                  double* out) {
  HWY_DYNAMIC_DISPATCH(shift64)(from, n, by, scale, root, out);
}
void shift_column(const float* from, std::int64_t n, double by, double scale, const double* root,
                  double* out) {
  HWY_DYNAMIC_DISPATCH(shift32)(from, n, by, scale, root, out);
}

}  // namespace cairn::linalg::gram_kernels
#endif
