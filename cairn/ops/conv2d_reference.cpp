#include "cairn/base/parallel.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/conv2d_internal.h"

namespace cairn {
namespace {

// Calls f(input position) for each tap of output position p that lies inside: f(tap, position).
template <class F>
inline void each_tap(const WindowAxis& axis, std::int64_t p, F&& f) {
  for (std::int64_t k = 0; k < axis.kernel; ++k) {
    const std::int64_t at = p * axis.stride - axis.before + k * axis.dilation;
    if (at >= 0 && at < axis.input) f(k, at);
  }
}

// Where the weights of a filter's tap and the channels of its group begin.
struct Places {
  const Conv2dShape& s;
  std::int64_t weight(std::int64_t o, std::int64_t i, std::int64_t j) const {
    return ((o * s.rows.kernel + i) * s.columns.kernel + j) * s.group_channels();
  }
  std::int64_t image(std::int64_t n, std::int64_t row, std::int64_t column, std::int64_t o) const {
    return ((n * s.rows.input + row) * s.columns.input + column) * s.channels +
           o / (s.filters / s.groups) * s.group_channels();
  }
  std::int64_t result(std::int64_t n, std::int64_t p, std::int64_t q) const {
    return ((n * s.out_rows() + p) * s.out_columns() + q) * s.filters;
  }
};

template <class F>
void each_position(const Conv2dShape& s, F&& f) {
  for (std::int64_t p = 0; p < s.out_rows(); ++p)
    for (std::int64_t q = 0; q < s.out_columns(); ++q) f(p, q);
}

}  // namespace

void conv2d_reference(const KernelArgs& a) {
  const Conv2dShape s = conv2d_shape(a);
  const Places at{s};
  const bool relu = a.attributes.as<Conv2dAttributes>().relu;
  const Tensor images = dense(a.in[0]), weight = dense(a.in[1]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  with_floating(images.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *x = images.data<T>().data(), *w = weight.data<T>().data();
    const T* b = bias.defined() ? bias.data<T>().data() : nullptr;
    T* y = a.out[0].mutable_data<T>().data();
    parallel_for(s.images, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n)
        each_position(s, [&](std::int64_t p, std::int64_t q) {
          for (std::int64_t o = 0; o < s.filters; ++o) {
            double sum = b ? static_cast<double>(b[o]) : 0.0;
            each_tap(s.rows, p, [&](std::int64_t i, std::int64_t row) {
              each_tap(s.columns, q, [&](std::int64_t j, std::int64_t column) {
                const T *v = x + at.image(n, row, column, o), *u = w + at.weight(o, i, j);
                for (std::int64_t c = 0; c < s.group_channels(); ++c)
                  sum += static_cast<double>(v[c]) * static_cast<double>(u[c]);
              });
            });
            y[at.result(n, p, q) + o] = static_cast<T>(relu && sum < 0 ? 0.0 : sum);
          }
        });
    });
  });
}

void conv2d_data_gradient_reference(const KernelArgs& a) {
  const Conv2dShape s = conv2d_data_gradient_shape(a);
  const Places at{s};
  const Tensor gradient = dense(a.in[0]), weight = dense(a.in[1]);
  with_floating(gradient.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *g = gradient.data<T>().data(), *w = weight.data<T>().data();
    T* dx = a.out[0].mutable_data<T>().data();
    const std::int64_t size = s.rows.input * s.columns.input * s.channels;
    parallel_for(s.images, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> sums(static_cast<std::size_t>(size));
      for (std::int64_t n = begin; n < end; ++n) {
        std::fill(sums.begin(), sums.end(), 0.0);
        each_position(s, [&](std::int64_t p, std::int64_t q) {
          for (std::int64_t o = 0; o < s.filters; ++o) {
            const double v = static_cast<double>(g[at.result(n, p, q) + o]);
            each_tap(s.rows, p, [&](std::int64_t i, std::int64_t row) {
              each_tap(s.columns, q, [&](std::int64_t j, std::int64_t column) {
                double* to = sums.data() + at.image(0, row, column, o);
                const T* u = w + at.weight(o, i, j);
                for (std::int64_t c = 0; c < s.group_channels(); ++c) to[c] += v * static_cast<double>(u[c]);
              });
            });
          }
        });
        for (std::int64_t i = 0; i < size; ++i)
          dx[n * size + i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
      }
    });
  });
}

void conv2d_weight_gradient_reference(const KernelArgs& a) {
  const Conv2dShape s = conv2d_weight_gradient_shape(a);
  const Places at{s};
  const Tensor images = dense(a.in[0]), gradient = dense(a.in[1]);
  with_floating(images.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *x = images.data<T>().data(), *g = gradient.data<T>().data();
    T* dw = a.out[0].mutable_data<T>().data();
    const std::int64_t size = s.rows.kernel * s.columns.kernel * s.group_channels();
    parallel_for(s.filters, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> sums(static_cast<std::size_t>(size));
      for (std::int64_t o = begin; o < end; ++o) {
        std::fill(sums.begin(), sums.end(), 0.0);
        for (std::int64_t n = 0; n < s.images; ++n)
          each_position(s, [&](std::int64_t p, std::int64_t q) {
            const double v = static_cast<double>(g[at.result(n, p, q) + o]);
            each_tap(s.rows, p, [&](std::int64_t i, std::int64_t row) {
              each_tap(s.columns, q, [&](std::int64_t j, std::int64_t column) {
                double* to = sums.data() + at.weight(0, i, j);
                const T* u = x + at.image(n, row, column, o);
                for (std::int64_t c = 0; c < s.group_channels(); ++c) to[c] += v * static_cast<double>(u[c]);
              });
            });
          });
        for (std::int64_t i = 0; i < size; ++i)
          dw[o * size + i] = static_cast<T>(sums[static_cast<std::size_t>(i)]);
      }
    });
  });
}

}  // namespace cairn
