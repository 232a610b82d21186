// Pooling of f32 images, vectors of channels.
#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/pool2d.h"
#include "cairn/tensor/strided.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/pool.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

#ifndef CAIRN_POOL_WINDOW  // the same for every instruction set
#define CAIRN_POOL_WINDOW
namespace cairn::kernels {
// The part of a window inside its image: `first` is its first pixel's first channel; steps in floats.
struct PoolWindow {
  std::int64_t first, rows, columns, row_step, column_step;
  float share;  // of an average
  bool alone;   // no other window touches these pixels
};
}  // namespace cairn::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

template <class F>
HWY_INLINE void each_pixel(const PoolWindow& w, F&& f) {
  for (std::int64_t i = 0; i < w.rows; ++i)
    for (std::int64_t j = 0; j < w.columns; ++j) f(w.first + i * w.row_step + j * w.column_step);
}

void max_window(const float* x, const PoolWindow& w, std::int64_t channels, float* y) {
  each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
    auto best = hn::LoadU(d, x + w.first + c);
    each_pixel(w, [&](std::int64_t at) HWY_ATTR {
      const auto v = hn::LoadU(d, x + at + c);
      best = hn::IfThenElse(hn::Or(hn::Gt(v, best), hn::IsNaN(v)), v, best);
    });
    hn::StoreU(best, d, y + c);
  });
}

// The pixel that max_window has taken is the first that is equal to its result (or NaN as it is).
void max_gradient_window(const float* x, const PoolWindow& w, std::int64_t channels, const float* g,
                         float* dx) {
  each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
    auto best = hn::LoadU(d, x + w.first + c);
    each_pixel(w, [&](std::int64_t at) HWY_ATTR {
      const auto v = hn::LoadU(d, x + at + c);
      best = hn::IfThenElse(hn::Or(hn::Gt(v, best), hn::IsNaN(v)), v, best);
    });
    const auto is_nan = hn::IsNaN(best);
    auto left = hn::LoadU(d, g + c);  // becomes zero where it was given away
    each_pixel(w, [&](std::int64_t at) HWY_ATTR {
      const auto v = hn::LoadU(d, x + at + c);
      const auto here = hn::Or(hn::Eq(v, best), hn::And(is_nan, hn::IsNaN(v)));
      const auto given = hn::IfThenElseZero(here, left);
      left = hn::IfThenElse(here, hn::Zero(d), left);
      hn::StoreU(w.alone ? given : hn::Add(hn::LoadU(d, dx + at + c), given), d, dx + at + c);
    });
  });
}

void average_window(const float* x, const PoolWindow& w, std::int64_t channels, float* y) {
  each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
    auto sum = hn::Zero(d);
    each_pixel(w, [&](std::int64_t at) HWY_ATTR { sum = hn::Add(sum, hn::LoadU(d, x + at + c)); });
    hn::StoreU(hn::Mul(sum, hn::Set(d, w.share)), d, y + c);
  });
}
void average_gradient_window(const float*, const PoolWindow& w, std::int64_t channels, const float* g,
                             float* dx) {
  each_channel(channels, [&](auto d, std::int64_t c) HWY_ATTR {
    const auto given = hn::Mul(hn::LoadU(d, g + c), hn::Set(d, w.share));
    each_pixel(w, [&](std::int64_t at) HWY_ATTR {
      hn::StoreU(w.alone ? given : hn::Add(hn::LoadU(d, dx + at + c), given), d, dx + at + c);
    });
  });
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {
namespace {

HWY_EXPORT(max_window);
HWY_EXPORT(max_gradient_window);
HWY_EXPORT(average_window);
HWY_EXPORT(average_gradient_window);

// The windows of one image: f(window, offset of its result in the pooled image).
struct Windows {
  Pool2dShape s;
  bool count_padding;
  bool tiles;  // windows side by side cover each pixel once
  Windows(const Pool2dAttributes& at, const Shape& images)
      : s(pool2d_shape(at, images)), count_padding(at.count_padding) {
    const auto tiled = [](const WindowAxis& w) {
      return w.stride == w.kernel && w.before == 0 && w.after == 0 && w.input % w.kernel == 0;
    };
    tiles = tiled(s.rows) && tiled(s.columns);
  }
  template <class F>
  void each(std::int64_t row_begin, std::int64_t row_end, F&& f) const {
    const std::int64_t q_end = s.columns.output();
    for (std::int64_t p = row_begin; p < row_end; ++p)
      for (std::int64_t q = 0; q < q_end; ++q) {
        const std::int64_t i = p * s.rows.stride - s.rows.before, j = q * s.columns.stride - s.columns.before;
        const std::int64_t i0 = std::max<std::int64_t>(0, i), i1 = std::min(s.rows.input, i + s.rows.kernel);
        const std::int64_t j0 = std::max<std::int64_t>(0, j),
                           j1 = std::min(s.columns.input, j + s.columns.kernel);
        const std::int64_t seen = count_padding ? s.rows.kernel * s.columns.kernel : (i1 - i0) * (j1 - j0);
        f(PoolWindow{(i0 * s.columns.input + j0) * s.channels, i1 - i0, j1 - j0, s.columns.input * s.channels,
                     s.channels, 1.f / static_cast<float>(seen), tiles},
          (p * q_end + q) * s.channels);
      }
  }
  std::int64_t image() const { return s.rows.input * s.columns.input * s.channels; }
  std::int64_t pooled() const { return s.rows.output() * s.columns.output() * s.channels; }
};

template <class Kernel>
void forward(const KernelArgs& a, Kernel kernel) {
  const Tensor images = dense(a.in[0]);
  const Windows windows(a.attributes.as<Pool2dAttributes>(), images.shape());
  const float* x = images.data<float>().data();
  float* y = a.out[0].mutable_data<float>().data();
  const std::int64_t rows = windows.s.rows.output();
  const std::int64_t grain =
      std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, windows.pooled() / rows));
  parallel_for(windows.s.images * rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t n = row / rows, p = row % rows;
      windows.each(p, p + 1, [&](const PoolWindow& w, std::int64_t at) {
        kernel(x + n * windows.image(), w, windows.s.channels, y + n * windows.pooled() + at);
      });
    }
  });
}

template <class Kernel>
void backward(const KernelArgs& a, const Tensor& images, Kernel kernel) {
  const Tensor gradient = dense(a.in[0]);
  const Windows windows(a.attributes.as<Pool2dAttributes>(), a.out[0].shape());
  const float* x = images.defined() ? images.data<float>().data() : nullptr;
  const float* g = gradient.data<float>().data();
  float* dx = a.out[0].mutable_data<float>().data();
  const std::int64_t grain =
      std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, windows.image()));
  parallel_for(windows.s.images, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      float* to = dx + n * windows.image();
      if (!windows.tiles) std::fill_n(to, windows.image(), 0.f);
      windows.each(0, windows.s.rows.output(), [&](const PoolWindow& w, std::int64_t at) {
        kernel(x ? x + n * windows.image() : nullptr, w, windows.s.channels, g + n * windows.pooled() + at,
               to);
      });
    }
  });
}

}  // namespace

bool simd_pool_supports(const KernelArgs& a) {
  choose_instruction_set();
  for (const Tensor& t : a.in)
    if (t.dtype() != DType::f32) return false;
  return a.out[0].size() > 0;
}
void simd_max_pool2d(const KernelArgs& a) { forward(a, HWY_DYNAMIC_DISPATCH(max_window)); }
void simd_average_pool2d(const KernelArgs& a) { forward(a, HWY_DYNAMIC_DISPATCH(average_window)); }
void simd_max_pool2d_gradient(const KernelArgs& a) {
  backward(a, dense(a.in[1]), HWY_DYNAMIC_DISPATCH(max_gradient_window));
}
void simd_average_pool2d_gradient(const KernelArgs& a) {
  backward(a, Tensor(), HWY_DYNAMIC_DISPATCH(average_gradient_window));
}

}  // namespace cairn::kernels
#endif
