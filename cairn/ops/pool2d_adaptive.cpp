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
        const std::int64_t i0 = p * h / p_end, i1 = ((p + 1) * h + p_end - 1) / p_end;
        const std::int64_t j0 = q * w / q_end, j1 = ((q + 1) * w + q_end - 1) / q_end;
        const double share = 1.0 / static_cast<double>((i1 - i0) * (j1 - j0));
        for (std::int64_t c = 0; c < channels; ++c) {
          double sum = 0;
          for (std::int64_t i = i0; i < i1; ++i)
            for (std::int64_t j = j0; j < j1; ++j) {
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

extern const OpDef kAdaptiveGradient;

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

}  // namespace

Tensor adaptive_average_pool2d(const Tensor& x, Pair result) {
  return apply_one(kAdaptive, {x}, AdaptiveAttributes{result.rows, result.columns});
}
Tensor global_average_pool2d(const Tensor& x) { return mean(x, {1, 2}); }

std::span<const OpDef* const> adaptive_pool_ops() {
  static constexpr const OpDef* kOps[] = {&kAdaptive, &kAdaptiveGradient};
  return kOps;
}

}  // namespace cairn
