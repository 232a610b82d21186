#include "cairn/ops/pool2d.h"

#include "cairn/base/parallel.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {

const ParamList& Pool2dAttributes::list() {
  using A = Pool2dAttributes;
  static const ParamList l{
      param<&A::window_rows>("window_rows", "rows of the window", at_least(1)),
      param<&A::window_columns>("window_columns", "columns of the window", at_least(1)),
      param<&A::stride_rows>("stride_rows", "rows that the window moves", at_least(1)),
      param<&A::stride_columns>("stride_columns", "columns that the window moves", at_least(1)),
      param<&A::top>("top", "rows of padding above", at_least(0)),
      param<&A::bottom>("bottom", "rows of padding below", at_least(0)),
      param<&A::left>("left", "columns of padding in front", at_least(0)),
      param<&A::right>("right", "columns of padding behind", at_least(0)),
      param<&A::count_padding>("count_padding", "averages: padding counts as zeros"),
      param<&A::rows>("rows", "rows of a gradient's result; 0: not one", at_least(0)),
      param<&A::columns>("columns", "columns of a gradient's result; 0: not one", at_least(0)),
  };
  return l;
}

Pool2dShape pool2d_shape(const Pool2dAttributes& at, const Shape& images) {
  return {images[0],
          images[3],
          {images[1], at.window_rows, at.stride_rows, 1, at.top, at.bottom},
          {images[2], at.window_columns, at.stride_columns, 1, at.left, at.right}};
}

namespace {

using A = Pool2dAttributes;

Shape pooled_shape(const OpArgs& a, const Shape& images) {
  const auto at = a.attributes.as<A>();
  if (std::min(at.window_rows, at.window_columns) < 1 || std::min(at.stride_rows, at.stride_columns) < 1)
    throw ShapeError(
        a.name, fmt::format("window = {} x {} and stride = {} x {}; they must be 1 or more", at.window_rows,
                            at.window_columns, at.stride_rows, at.stride_columns));
  if (std::min(std::min(at.top, at.bottom), std::min(at.left, at.right)) < 0 ||
      std::max(at.top, at.bottom) >= at.window_rows || std::max(at.left, at.right) >= at.window_columns)
    throw ShapeError(a.name,
                     fmt::format("padding {}, {}, {}, {} is not smaller than the window of {} x {}", at.top,
                                 at.bottom, at.left, at.right, at.window_rows, at.window_columns));
  const Pool2dShape s = pool2d_shape(at, images);
  if (s.rows.output() < 1 || s.columns.output() < 1)
    throw ShapeError(a.name, fmt::format("a window of {} x {} does not fit images of {} x {} with padding",
                                         at.window_rows, at.window_columns, s.rows.input + at.top + at.bottom,
                                         s.columns.input + at.left + at.right));
  return {images[0], s.rows.output(), s.columns.output(), images[3]};
}
void need_images(const OpArgs& a, std::size_t i) { need_ndim(a, i, 4, "images [N, H, W, C]"); }

TensorSpecs infer_pool(const OpArgs& a) {
  need_floating(a);
  need_images(a, 0);
  return {{pooled_shape(a, a.in[0].shape()), a.in[0].dtype()}};
}
TensorSpecs infer_max_gradient(const OpArgs& a) {
  need_floating(a);
  need_images(a, 0);
  need_images(a, 1);
  need_shape(a, 0, pooled_shape(a, a.in[1].shape()), "the gradient");
  return {{a.in[1].shape(), a.in[0].dtype()}};
}
TensorSpecs infer_max_gather(const OpArgs& a) {
  need_floating(a);
  need_images(a, 0);
  need_shape(a, 1, a.in[0].shape(), "the tensor of images");
  return {{pooled_shape(a, a.in[0].shape()), a.in[0].dtype()}};
}
TensorSpecs infer_average_gradient(const OpArgs& a) {
  const auto at = a.attributes.as<A>();
  need_floating(a);
  need_images(a, 0);
  const Shape images{a.in[0].size(0), at.rows, at.columns, a.in[0].size(3)};
  need_shape(a, 0, pooled_shape(a, images), "the gradient");
  return {{images, a.in[0].dtype()}};
}

// The pixels of window p inside the images.
struct Range {
  std::int64_t begin, end;
};
Range range_of(const WindowAxis& axis, std::int64_t p) {
  const std::int64_t from = p * axis.stride - axis.before;
  return {std::max<std::int64_t>(0, from), std::min(axis.input, from + axis.kernel)};
}

// Calls f(offset of the pooled value, rows, columns) for every window of one image and channel 0.
template <class F>
void each_window(const Pool2dShape& s, std::int64_t n, F&& f) {
  const std::int64_t p_end = s.rows.output(), q_end = s.columns.output();
  for (std::int64_t p = 0; p < p_end; ++p)
    for (std::int64_t q = 0; q < q_end; ++q)
      f(((n * p_end + p) * q_end + q) * s.channels, range_of(s.rows, p), range_of(s.columns, q));
}

// The pixel of a window with the largest value: the first of equals, the first NaN if there is one.
template <class T>
std::int64_t largest(const Pool2dShape& s, const T* x, std::int64_t n, const Range& rows,
                     const Range& columns, std::int64_t channel) {
  std::int64_t best = -1;
  for (std::int64_t i = rows.begin; i < rows.end; ++i)
    for (std::int64_t j = columns.begin; j < columns.end; ++j) {
      const std::int64_t at = ((n * s.rows.input + i) * s.columns.input + j) * s.channels + channel;
      if (best < 0 || x[at] > x[best] || (x[at] != x[at] && x[best] == x[best])) best = at;
    }
  return best;
}

// f(values of the pooled tensor, offset there, offset of the largest pixel)
template <class T, class F>
void each_largest(const Pool2dShape& s, const T* x, F&& f) {
  parallel_for(s.images, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n)
      each_window(s, n, [&](std::int64_t pooled, const Range& rows, const Range& columns) {
        for (std::int64_t c = 0; c < s.channels; ++c) f(pooled + c, largest(s, x, n, rows, columns, c));
      });
  });
}

void max_gradient_reference(const KernelArgs& a) {
  const Tensor gradient = dense(a.in[0]), images = dense(a.in[1]);
  with_floating(images.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *g = gradient.data<T>().data(), *x = images.data<T>().data();
    T* dx = a.out[0].mutable_data<T>().data();
    std::fill_n(dx, a.out[0].size(), T(0));
    each_largest(pool2d_shape(a.attributes.as<A>(), images.shape()), x,
                 [&](std::int64_t pooled, std::int64_t pixel) { dx[pixel] += g[pooled]; });
  });
}

// Averages: forward reads the pixels of a window, backward adds to them.
template <bool kBackward>
void average_reference(const KernelArgs& a) {
  const auto at = a.attributes.as<A>();
  const Pool2dShape s = pool2d_shape(at, kBackward ? a.out[0].shape() : a.in[0].shape());
  const Tensor input = dense(a.in[0]);
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = input.data<T>().data();
    T* to = a.out[0].mutable_data<T>().data();
    if (kBackward) std::fill_n(to, a.out[0].size(), T(0));
    parallel_for(s.images, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n)
        each_window(s, n, [&](std::int64_t pooled, const Range& rows, const Range& columns) {
          const std::int64_t seen = (rows.end - rows.begin) * (columns.end - columns.begin);
          const double count =
              static_cast<double>(at.count_padding ? s.rows.kernel * s.columns.kernel : seen);
          for (std::int64_t c = 0; c < s.channels; ++c) {
            double sum = 0;
            for (std::int64_t i = rows.begin; i < rows.end; ++i)
              for (std::int64_t j = columns.begin; j < columns.end; ++j) {
                const std::int64_t pixel = ((n * s.rows.input + i) * s.columns.input + j) * s.channels + c;
                if constexpr (kBackward)
                  to[pixel] += static_cast<T>(static_cast<double>(from[pooled + c]) / count);
                else
                  sum += static_cast<double>(from[pixel]);
              }
            if constexpr (!kBackward) to[pooled + c] = static_cast<T>(sum / count);
          }
        });
    });
  });
}

A with_result(A at, const Shape& images) {
  at.rows = static_cast<std::int32_t>(images[1]);
  at.columns = static_cast<std::int32_t>(images[2]);
  return at;
}
A forward_of(A at) {
  at.rows = at.columns = 0;
  return at;
}

const A kTwo{2, 2, 2, 2}, kOverlapping{3, 2, 1, 2, 1, 1, 0, 1};

}  // namespace

constinit const OpDef kMaxPool2d{
    .name = "max_pool2d",
    .doc = "the largest value of each window; the first of equals has the gradient",
    .attributes = &A::list,
    .infer = infer_pool,
    .cpu =
        [](const KernelArgs& a) {
          const Tensor images = dense(a.in[0]);
          with_floating(images.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const T* x = images.data<T>().data();
            T* y = a.out[0].mutable_data<T>().data();
            each_largest(pool2d_shape(a.attributes.as<A>(), images.shape()), x,
                         [&](std::int64_t pooled, std::int64_t pixel) { y[pooled] = x[pixel]; });
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kMaxPool2dGradient, {a.grad[0], a.in[0]}, a.attributes)};
    },
    .saves = {.inputs = 0b1},
    .slot = SlotId::max_pool2d,
    .samples =
        [] {
          return std::vector<Sample>{{{distinct({2, 4, 5, 2}, -1, 1)}, kTwo},
                                     {{distinct({1, 4, 5, 3}, -1, 1)}, kOverlapping},
                                     {{uniform({0, 4, 4, 1}, -1, 1)}, kTwo}};
        },
    .bad_samples =
        [] {
          const Tensor x = uniform({1, 3, 3, 1}, 0, 1);
          return std::vector<BadSample>{
              {{{uniform({3, 3, 1}, 0, 1)}, kTwo},
               "max_pool2d: f64 [3, 3, 1] is given; it takes images [N, H, W, C]"},
              {{{x}, A{4, 2}}, "max_pool2d: a window of 4 x 2 does not fit images of 3 x 3 with padding"},
              {{{x}, A{2, 2, 1, 1, 2}},
               "max_pool2d: padding 2, 0, 0, 0 is not smaller than the window of 2 x 2"},
              {{{x}, A{2, 2, 0, 1}}, "max_pool2d: window = 2 x 2 and stride = 0 x 1; they must be 1 or more"},
              {{{x.to(DType::i32)}, kTwo},
               "max_pool2d: i32 [1, 3, 3, 1] is given; it takes f32 and f64. Convert it with to()."}};
        },
};

constinit const OpDef kMaxPool2dGradient{
    .name = "max_pool2d_gradient",
    .doc = "each value at the place of its window's largest pixel, zeros elsewhere",
    .arity = 2,
    .attributes = &A::list,
    .infer = infer_max_gradient,
    .cpu = max_gradient_reference,
    .vjp = [](const VjpArgs& a) -> Tensors {  // linear in the gradient, constant in the images between ties
      return {apply_one(kMaxPool2dGather, {a.grad[0], a.in[1]}, a.attributes), Tensor()};
    },
    .saves = {.inputs = 0b10},
    .slot = SlotId::max_pool2d_gradient,
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 2, 2, 2}, -1, 1), distinct({2, 4, 5, 2}, -1, 1)}, kTwo},
              {{uniform({1, 4, 3, 3}, -1, 1), distinct({1, 4, 5, 3}, -1, 1)}, kOverlapping}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 2, 2, 1}, 0, 1), uniform({2, 4, 5, 2}, 0, 1)}, kTwo},
               "max_pool2d_gradient: the gradient is [2, 2, 2, 1]; it must be [2, 2, 2, 2]"}};
        },
};

constinit const OpDef kMaxPool2dGather{
    .name = "max_pool2d_gather",
    .doc = "the values at the places of each window's largest pixel: the gradient of max_pool2d_gradient",
    .arity = 2,
    .attributes = &A::list,
    .infer = infer_max_gather,
    .cpu =
        [](const KernelArgs& a) {
          const Tensor values = dense(a.in[0]), images = dense(a.in[1]);
          with_floating(images.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const T *v = values.data<T>().data(), *x = images.data<T>().data();
            T* y = a.out[0].mutable_data<T>().data();
            each_largest(pool2d_shape(a.attributes.as<A>(), images.shape()), x,
                         [&](std::int64_t pooled, std::int64_t pixel) { y[pooled] = v[pixel]; });
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kMaxPool2dGradient, {a.grad[0], a.in[1]}, a.attributes), Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({1, 4, 5, 3}, -1, 1), distinct({1, 4, 5, 3}, -1, 1)}, kOverlapping}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({1, 4, 4, 1}, 0, 1), uniform({1, 4, 5, 1}, 0, 1)}, kTwo},
               "max_pool2d_gather: the tensor of images is [1, 4, 5, 1]; it must be [1, 4, 4, 1]"}};
        },
};

constinit const OpDef kAveragePool2d{
    .name = "average_pool2d",
    .doc = "the mean of each window",
    .attributes = &A::list,
    .infer = infer_pool,
    .cpu = average_reference<false>,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kAveragePool2dGradient, {a.grad[0]},
                        with_result(a.attributes.as<A>(), a.in_specs[0].shape))};
    },
    .slot = SlotId::average_pool2d,
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 4, 5, 2}, -1, 1)}, kTwo},
                                     {{uniform({1, 4, 5, 3}, -1, 1)}, kOverlapping},
                                     {{uniform({1, 4, 5, 1}, -1, 1)}, A{3, 2, 1, 2, 1, 1, 0, 1, true}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({1, 3, 3, 1}, 0, 1)}, A{2, 4}},
               "average_pool2d: a window of 2 x 4 does not fit images of 3 x 3 with padding"}};
        },
};

constinit const OpDef kAveragePool2dGradient{
    .name = "average_pool2d_gradient",
    .doc = "each value's share spread over its window: the gradient of average_pool2d",
    .attributes = &A::list,
    .infer = infer_average_gradient,
    .cpu = average_reference<true>,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kAveragePool2d, {a.grad[0]}, forward_of(a.attributes.as<A>()))};
    },
    .slot = SlotId::average_pool2d_gradient,
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 2, 2, 2}, -1, 1)}, A{2, 2, 2, 2, 0, 0, 0, 0, false, 4, 5}},
                                     {{uniform({1, 4, 3, 3}, -1, 1)}, A{3, 2, 1, 2, 1, 1, 0, 1, true, 4, 5}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 2, 2, 2}, 0, 1)}, A{2, 2, 2, 2, 0, 0, 0, 0, false, 6, 5}},
               "average_pool2d_gradient: the gradient is [2, 2, 2, 2]; it must be [2, 3, 2, 2]"}};
        },
};

namespace {

A attributes_of(const Tensor& x, const Pair& window, const Pool2dOptions& o) {
  A at{window.rows, window.columns};
  at.stride_rows = o.stride.rows == 0 ? window.rows : o.stride.rows;
  at.stride_columns = o.stride.columns == 0 ? window.columns : o.stride.columns;
  at.top = o.padding.top, at.bottom = o.padding.bottom, at.left = o.padding.left, at.right = o.padding.right;
  at.count_padding = o.count_padding;
  if (o.padding.is_same && x.ndim() == 4 && std::min(at.stride_rows, at.stride_columns) > 0) {
    same_padding(x.size(1), window.rows, at.stride_rows, 1, at.top, at.bottom);
    same_padding(x.size(2), window.columns, at.stride_columns, 1, at.left, at.right);
  }
  return at;
}

}  // namespace

Tensor max_pool2d(const Tensor& x, Pair window, const Pool2dOptions& options) {
  return apply_one(kMaxPool2d, {x}, attributes_of(x, window, options));
}
Tensor average_pool2d(const Tensor& x, Pair window, const Pool2dOptions& options) {
  return apply_one(kAveragePool2d, {x}, attributes_of(x, window, options));
}

std::span<const OpDef* const> pool_ops() {
  static constexpr const OpDef* kOps[] = {&kMaxPool2d, &kMaxPool2dGradient, &kMaxPool2dGather,
                                          &kAveragePool2d, &kAveragePool2dGradient};
  return kOps;
}

}  // namespace cairn
