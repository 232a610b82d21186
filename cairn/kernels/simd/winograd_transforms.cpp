// The matrices of F(4 x 4, 3 x 3) for the points 0, ±a, ±b and infinity with a^2 = 1/2 and b^2 = 2, between
// which rounding errors grow less than between 0, ±1 and ±2 (Barabasz et al.: Error analysis and improving
// the accuracy of Winograd convolution for deep neural networks, 2020).
#include <algorithm>

#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/simd/winograd_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/winograd_transforms.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

constexpr float kA = 0.70710678118654752F, kB = 1.41421356237309505F;

// Calls f(first channel) on vectors of channels, of which there is one at least: the last may look at some
// again.
template <class F>
HWY_INLINE void each_vector(std::int64_t channels, F&& f) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  std::int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) f(c);
  if (c < channels) f(channels - lanes);
}

// What is even and what is odd in a point, put together at both of its signs.
HWY_INLINE void at_signs(V even_a, V odd_a, V even_b, V odd_b, V* y) {
  y[1] = hn::Add(even_a, odd_a);
  y[2] = hn::Sub(even_a, odd_a);
  y[3] = hn::Add(even_b, odd_b);
  y[4] = hn::Sub(even_b, odd_b);
}

// y = B^T x
HWY_INLINE void image_side(D d, const V* x, V* y) {
  y[0] = hn::Add(x[0], hn::NegMulAdd(hn::Set(d, 2.5F), x[2], x[4]));
  at_signs(hn::NegMulAdd(hn::Set(d, 2.F), x[2], x[4]),
           hn::Mul(hn::Set(d, kA), hn::NegMulAdd(hn::Set(d, 2.F), x[1], x[3])),
           hn::NegMulAdd(hn::Set(d, 0.5F), x[2], x[4]),
           hn::Mul(hn::Set(d, kB), hn::NegMulAdd(hn::Set(d, 0.5F), x[1], x[3])), y);
  y[5] = hn::Add(hn::NegMulAdd(hn::Set(d, 2.5F), x[3], x[1]), x[5]);
}

constexpr float kOfA = -2.F / 3,
                kOfB = 1.F / 6;  // G divides its rows by the product of the other points' distances

// y = G x
HWY_INLINE void filter_side(D d, const V* x, V* y) {
  y[0] = x[0];
  at_signs(hn::Mul(hn::Set(d, kOfA), hn::MulAdd(hn::Set(d, 0.5F), x[2], x[0])),
           hn::Mul(hn::Set(d, kOfA * kA), x[1]),
           hn::Mul(hn::Set(d, kOfB), hn::MulAdd(hn::Set(d, 2.F), x[2], x[0])),
           hn::Mul(hn::Set(d, kOfB * kB), x[1]), y);
  y[5] = x[2];
}

// y = G' x, of 4 numbers
HWY_INLINE void gradient_side(D d, const V* x, V* y) {
  y[0] = x[0];
  at_signs(hn::Mul(hn::Set(d, kOfA), hn::MulAdd(hn::Set(d, 0.5F), x[2], x[0])),
           hn::Mul(hn::Set(d, kOfA * kA), hn::MulAdd(hn::Set(d, 0.5F), x[3], x[1])),
           hn::Mul(hn::Set(d, kOfB), hn::MulAdd(hn::Set(d, 2.F), x[2], x[0])),
           hn::Mul(hn::Set(d, kOfB * kB), hn::MulAdd(hn::Set(d, 2.F), x[3], x[1])), y);
  y[5] = x[3];
}

// y = A^T x
HWY_INLINE void result_side(D d, const V* x, V* y) {
  const V sum_a = hn::Add(x[1], x[2]), difference_a = hn::Sub(x[1], x[2]), sum_b = hn::Add(x[3], x[4]),
          difference_b = hn::Sub(x[3], x[4]);
  y[0] = hn::Add(hn::Add(x[0], sum_a), sum_b);
  y[1] = hn::MulAdd(hn::Set(d, kB), difference_b, hn::Mul(hn::Set(d, kA), difference_a));
  y[2] = hn::MulAdd(hn::Set(d, 2.F), sum_b, hn::Mul(hn::Set(d, 0.5F), sum_a));
  y[3] = hn::MulAdd(hn::Set(d, 2 * kB), difference_b, hn::MulAdd(hn::Set(d, kA / 2), difference_a, x[5]));
}

// y = A'^T x, of which there are 3
HWY_INLINE void tap_side(D d, const V* x, V* y) {
  const V sum_a = hn::Add(x[1], x[2]), difference_a = hn::Sub(x[1], x[2]), sum_b = hn::Add(x[3], x[4]),
          difference_b = hn::Sub(x[3], x[4]);
  y[0] = hn::Add(hn::Add(x[0], sum_a), sum_b);
  y[1] = hn::MulAdd(hn::Set(d, kB), difference_b, hn::Mul(hn::Set(d, kA), difference_a));
  y[2] = hn::MulAdd(hn::Set(d, 2.F), sum_b, hn::MulAdd(hn::Set(d, 0.5F), sum_a, x[5]));
}

// M x M^T for x [n, n], side() being y = M x from n numbers to m: columns first, then rows. Vectors come from
// load(i, j) when they are needed and go to store(i, j, v): more of them than there are registers.
template <std::int64_t n, std::int64_t m, class Load, class Side, class Store>
HWY_INLINE void both_sides(Load&& load, Side&& side, Store&& store) {
  V half[m * n];
  HWY_UNROLL(8) for (std::int64_t j = 0; j < n; ++j) {
    V column[n], made[m];
    HWY_UNROLL(8) for (std::int64_t i = 0; i < n; ++i) column[i] = load(i, j);
    side(column, made);
    HWY_UNROLL(8) for (std::int64_t i = 0; i < m; ++i) half[i * n + j] = made[i];
  }
  HWY_UNROLL(8) for (std::int64_t i = 0; i < m; ++i) {
    V made[m];
    side(half + i * n, made);
    HWY_UNROLL(8) for (std::int64_t j = 0; j < m; ++j) store(i, j, made[j]);
  }
}

void transform_images(const Pixels<const float>& pixels, std::int64_t channels, float* to,
                      std::int64_t step) {
  const D d;
  each_vector(channels, [&](std::int64_t c) HWY_ATTR {
    both_sides<kWindow, kWindow>(
        [&](std::int64_t i, std::int64_t j)
            HWY_ATTR { return hn::LoadU(d, pixels.at + i * pixels.row_step + j * pixels.column_step + c); },
        [&](const V* x, V* y) HWY_ATTR { image_side(d, x, y); },
        [&](std::int64_t i, std::int64_t j, V v)
            HWY_ATTR { hn::StoreU(v, d, to + (i * kWindow + j) * step + c); });
  });
}

void transform_filters(const float* taps, std::int64_t tap_step, bool turned, std::int64_t channels,
                       float* to, std::int64_t step) {
  if (turned) {
    taps += (kTaps * kTaps - 1) * tap_step;
    tap_step = -tap_step;
  }
  const D d;
  each_vector(channels, [&](std::int64_t c) HWY_ATTR {
    both_sides<kTaps, kWindow>([&](std::int64_t i, std::int64_t j)
                                   HWY_ATTR { return hn::LoadU(d, taps + (i * kTaps + j) * tap_step + c); },
                               [&](const V* x, V* y) HWY_ATTR { filter_side(d, x, y); },
                               [&](std::int64_t i, std::int64_t j, V v)
                                   HWY_ATTR { hn::StoreU(v, d, to + (i * kWindow + j) * step + c); });
  });
}

void transform_results(const float* m, std::int64_t step, std::int64_t channels, const float* bias, bool relu,
                       const Pixels<float>& to) {
  const D d;
  each_vector(channels, [&](std::int64_t c) HWY_ATTR {
    const V zero = hn::Zero(d), shift = bias ? hn::LoadU(d, bias + c) : zero;
    both_sides<kWindow, kResults>([&](std::int64_t i, std::int64_t j)
                                      HWY_ATTR { return hn::LoadU(d, m + (i * kWindow + j) * step + c); },
                                  [&](const V* x, V* y) HWY_ATTR { result_side(d, x, y); },
                                  [&](std::int64_t i, std::int64_t j, V v) HWY_ATTR {
                                    V y = hn::Add(v, shift);
                                    if (relu) y = hn::IfThenElse(hn::Lt(y, zero), zero, y);  // NaN stays
                                    hn::StoreU(y, d, to.at + i * to.row_step + j * to.column_step + c);
                                  });
  });
}

void transform_gradients(const Pixels<const float>& g, std::int64_t channels, float* to, std::int64_t step) {
  const D d;
  each_vector(channels, [&](std::int64_t c) HWY_ATTR {
    both_sides<kResults, kWindow>(
        [&](std::int64_t i, std::int64_t j)
            HWY_ATTR { return hn::LoadU(d, g.at + i * g.row_step + j * g.column_step + c); },
        [&](const V* x, V* y) HWY_ATTR { gradient_side(d, x, y); },
        [&](std::int64_t i, std::int64_t j, V v)
            HWY_ATTR { hn::StoreU(v, d, to + (i * kWindow + j) * step + c); });
  });
}

void transform_taps(const float* m, std::int64_t step, std::int64_t parts, std::int64_t part_step,
                    std::int64_t channels, float* to) {
  const D d;
  each_vector(channels, [&](std::int64_t c) HWY_ATTR {
    both_sides<kWindow, kTaps>(
        [&](std::int64_t i, std::int64_t j) HWY_ATTR {
          const float* from = m + (i * kWindow + j) * step + c;
          V sum = hn::LoadU(d, from);
          for (std::int64_t part = 1; part < parts; ++part)
            sum = hn::Add(sum, hn::LoadU(d, from += part_step));
          return sum;
        },
        [&](const V* x, V* y) HWY_ATTR { tap_side(d, x, y); },
        [&](std::int64_t i, std::int64_t j, V v)
            HWY_ATTR { hn::StoreU(v, d, to + (i * kTaps + j) * channels + c); });
  });
}

WinogradKernels winograd_kernels_of() {
  return {transform_images, transform_filters, transform_results, transform_gradients, transform_taps};
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {

HWY_EXPORT(winograd_kernels_of);

WinogradKernels winograd_kernels() {
  choose_instruction_set();
  return HWY_DYNAMIC_DISPATCH(winograd_kernels_of)();
}

}  // namespace cairn::kernels
#endif
