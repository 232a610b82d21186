#include "cairn/base/parallel.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/ops/pool2d.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {
namespace {

struct AdaptiveAttributes {
  std::int32_t rows = 1, columns = 1;  // of the result
  static const ParamList& list() {
    using A = AdaptiveAttributes;
    static const ParamList l{param<&A::rows>("rows", "rows of the result", at_least(1)),
                             param<&A::columns>("columns", "columns of the result", at_least(1))};
    return l;
  }
};

TensorSpecs infer(const OpArgs& a) {
  const auto at = a.attributes.as<AdaptiveAttributes>();
  need_floating(a);
  need_ndim(a, 0, 4, "images [N, H, W, C]");
  const Shape s = a.in[0].shape();
  if (at.rows < 1 || at.columns < 1 || s[1] < 1 || s[2] < 1)
    throw ShapeError(a.name,
                     fmt::format("images of {} x {} cannot become {} x {}", s[1], s[2], at.rows, at.columns));
  return {{{s[0], at.rows, at.columns, s[3]}, a.in[0].dtype()}};
}

// The pixels [begin, end) of window p among `of`, of an axis of n: floor(p n / of) to ceil((p + 1) n / of).
struct Range {
  std::int64_t begin, end;
};
Range window(std::int64_t p, std::int64_t n, std::int64_t of) {
  return {p * n / of, ((p + 1) * n + of - 1) / of};
}

// Averages from the images [.., h, w, ..] to [.., p, q, ..]; backward spreads from the latter to the former.
template <bool kBackward>
void kernel(const KernelArgs& a) {
  const Tensor input = dense(a.in[0]);
  const Shape images = kBackward ? a.out[0].shape() : input.shape();
  const Shape pooled = kBackward ? input.shape() : a.out[0].shape();
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = input.data<T>().data();
    T* to = a.out[0].mutable_data<T>().data();
    if (kBackward) std::fill_n(to, a.out[0].size(), T(0));
    const std::int64_t h = images[1], w = images[2], channels = images[3], p_end = pooled[1],
                       q_end = pooled[2];
    parallel_for(images[0], 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t item = begin * p_end * q_end; item < end * p_end * q_end; ++item) {
        const std::int64_t n = item / (p_end * q_end), p = item / q_end % p_end, q = item % q_end;
        const Range rows = window(p, h, p_end), columns = window(q, w, q_end);
        const double share =
            1.0 / static_cast<double>((rows.end - rows.begin) * (columns.end - columns.begin));
        for (std::int64_t c = 0; c < channels; ++c) {
          double sum = 0;
          for (std::int64_t i = rows.begin; i < rows.end; ++i)
            for (std::int64_t j = columns.begin; j < columns.end; ++j) {
              const std::int64_t pixel = ((n * h + i) * w + j) * channels + c;
              if constexpr (kBackward)
                to[pixel] += static_cast<T>(static_cast<double>(from[item * channels + c]) * share);
              else
                sum += static_cast<double>(from[pixel]);
            }
          if constexpr (!kBackward) to[item * channels + c] = static_cast<T>(sum * share);
        }
      }
    });
  });
}

extern const OpDef kAdaptiveGradient, kAdaptiveMaxGradient, kAdaptiveMaxGather;

// f(place in the pooled tensor, place of its window's largest pixel): the first of equals, the first NaN if
// there is one.
template <class T, class F>
void each_largest(const T* x, const Shape& images, const Shape& pooled, F&& f) {
  const std::int64_t h = images[1], w = images[2], channels = images[3], p_end = pooled[1], q_end = pooled[2];
  parallel_for(images[0], 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin * p_end * q_end; item < end * p_end * q_end; ++item) {
      const std::int64_t n = item / (p_end * q_end);
      const Range rows = window(item / q_end % p_end, h, p_end), columns = window(item % q_end, w, q_end);
      for (std::int64_t c = 0; c < channels; ++c) {
        std::int64_t best = -1;
        for (std::int64_t i = rows.begin; i < rows.end; ++i)
          for (std::int64_t j = columns.begin; j < columns.end; ++j) {
            const std::int64_t at = ((n * h + i) * w + j) * channels + c;
            if (best < 0 || x[at] > x[best] || (x[at] != x[at] && x[best] == x[best])) best = at;
          }
        f(item * channels + c, best);
      }
    }
  });
}

// Of values and images: each window's value at its largest pixel. max_pool2d of the images themselves when
// the values are they.
void max_kernel(const KernelArgs& a) {
  const Tensor values = dense(a.in[0]), images = dense(a.in[a.in.size() - 1]);
  with_floating(images.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* v = values.data<T>().data();
    T* y = a.out[0].mutable_data<T>().data();
    each_largest(images.data<T>().data(), images.shape(), a.out[0].shape(),
                 [&](std::int64_t pooled, std::int64_t pixel) { y[pooled] = v[pixel]; });
  });
}
void max_gradient_kernel(const KernelArgs& a) {
  const Tensor gradient = dense(a.in[0]), images = dense(a.in[1]);
  with_floating(images.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* g = gradient.data<T>().data();
    T* dx = a.out[0].mutable_data<T>().data();
    std::fill_n(dx, a.out[0].size(), T(0));
    each_largest(images.data<T>().data(), images.shape(), gradient.shape(),
                 [&](std::int64_t pooled, std::int64_t pixel) { dx[pixel] += g[pooled]; });
  });
}

TensorSpecs infer_max_gradient(const OpArgs& a) {
  const auto at = a.attributes.as<AdaptiveAttributes>();
  need_floating(a);
  need_ndim(a, 1, 4, "images [N, H, W, C]");
  const Shape images = a.in[1].shape();
  need_shape(a, 0, {images[0], at.rows, at.columns, images[3]}, "the gradient");
  return {{images, a.in[1].dtype()}};
}
TensorSpecs infer_max_gather(const OpArgs& a) {
  const TensorSpecs specs = infer(a);
  need_shape(a, 1, a.in[0].shape(), "the tensor of images");
  return specs;
}

AdaptiveAttributes size_of_images(const Shape& s) {
  return {static_cast<std::int32_t>(s[1]), static_cast<std::int32_t>(s[2])};
}

constinit const OpDef kAdaptive{
    .name = "adaptive_average_pool2d",
    .doc = "means of windows so chosen that the result has a given size",
    .attributes = &AdaptiveAttributes::list,
    .infer = infer,
    .cpu = kernel<false>,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kAdaptiveGradient, {a.grad[0]}, size_of_images(a.in_specs[0].shape))};
    },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 4, 5, 2}, -1, 1)}, AdaptiveAttributes{2, 3}},
                                     {{uniform({1, 2, 3, 1}, -1, 1)}, AdaptiveAttributes{1, 1}},
                                     {{uniform({1, 2, 3, 1}, -1, 1)}, AdaptiveAttributes{3, 4}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 4, 5, 2}, 0, 1)}, AdaptiveAttributes{0, 3}},
                                         "adaptive_average_pool2d: images of 4 x 5 cannot become 0 x 3"}};
        },
};

constinit const OpDef kAdaptiveGradient{
    .name = "adaptive_average_pool2d_gradient",
    .doc = "each value's share spread over its window: the gradient of adaptive_average_pool2d",
    .attributes = &AdaptiveAttributes::list,  // the size of the images
    .infer = infer,
    .cpu = kernel<true>,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kAdaptive, {a.grad[0]}, size_of_images(a.in_specs[0].shape))};
    },
    .samples = [] { return std::vector<Sample>{{{uniform({2, 2, 3, 2}, -1, 1)}, AdaptiveAttributes{4, 5}}}; },
};

constinit const OpDef kAdaptiveMax{
    .name = "adaptive_max_pool2d",
    .doc = "the largest values of windows so chosen that the result has a given size",
    .attributes = &AdaptiveAttributes::list,
    .infer = infer,
    .cpu = max_kernel,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kAdaptiveMaxGradient, {a.grad[0], a.in[0]}, a.attributes)};
    },
    .saves = {.inputs = 0b1},
    .samples =
        [] {
          return std::vector<Sample>{{{distinct({2, 4, 5, 2}, -1, 1)}, AdaptiveAttributes{2, 3}},
                                     {{distinct({1, 2, 3, 1}, -1, 1)}, AdaptiveAttributes{1, 1}},
                                     {{distinct({1, 2, 3, 1}, -1, 1)}, AdaptiveAttributes{3, 4}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 0, 5, 2}, 0, 1)}, AdaptiveAttributes{2, 3}},
                                         "adaptive_max_pool2d: images of 0 x 5 cannot become 2 x 3"}};
        },
};

constinit const OpDef kAdaptiveMaxGradient{
    .name = "adaptive_max_pool2d_gradient",
    .doc = "each value at the place of its window's largest pixel, zeros elsewhere",
    .arity = 2,
    .attributes = &AdaptiveAttributes::list,
    .infer = infer_max_gradient,
    .cpu = max_gradient_kernel,
    .vjp = [](const VjpArgs& a) -> Tensors {  // linear in the gradient, constant in the images between ties
      return {apply_one(kAdaptiveMaxGather, {a.grad[0], a.in[1]}, a.attributes), Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 2, 3, 2}, -1, 1), distinct({2, 4, 5, 2}, -1, 1)}, AdaptiveAttributes{2, 3}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 2, 2, 2}, 0, 1), uniform({2, 4, 5, 2}, 0, 1)}, AdaptiveAttributes{2, 3}},
               "adaptive_max_pool2d_gradient: the gradient is [2, 2, 2, 2]; it must be [2, 2, 3, 2]"}};
        },
};

constinit const OpDef kAdaptiveMaxGather{
    .name = "adaptive_max_pool2d_gather",
    .doc =
        "the values at the places of each window's largest pixel: the gradient of "
        "adaptive_max_pool2d_gradient",
    .arity = 2,
    .attributes = &AdaptiveAttributes::list,
    .infer = infer_max_gather,
    .cpu = max_kernel,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kAdaptiveMaxGradient, {a.grad[0], a.in[1]}, a.attributes), Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({1, 4, 5, 2}, -1, 1), distinct({1, 4, 5, 2}, -1, 1)}, AdaptiveAttributes{2, 3}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({1, 4, 4, 1}, 0, 1), uniform({1, 4, 5, 1}, 0, 1)}, AdaptiveAttributes{2, 2}},
               "adaptive_max_pool2d_gather: the tensor of images is [1, 4, 5, 1]; it must be [1, 4, 4, 1]"}};
        },
};

}  // namespace

Tensor adaptive_max_pool2d(const Tensor& x, Pair result) {
  return apply_one(kAdaptiveMax, {x}, AdaptiveAttributes{result.rows, result.columns});
}
Tensor adaptive_average_pool2d(const Tensor& x, Pair result) {
  return apply_one(kAdaptive, {x}, AdaptiveAttributes{result.rows, result.columns});
}
Tensor global_average_pool2d(const Tensor& x) { return mean(x, {1, 2}); }

std::span<const OpDef* const> adaptive_pool_ops() {
  static constexpr const OpDef* kOps[] = {&kAdaptive, &kAdaptiveGradient, &kAdaptiveMax,
                                          &kAdaptiveMaxGradient, &kAdaptiveMaxGather};
  return kOps;
}

}  // namespace cairn
