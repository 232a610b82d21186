#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss_internal.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {

const ParamList& LossAttributes::list() {
  using A = LossAttributes;
  static const ParamList l{param<&A::reduction>("reduction", "0 mean, 1 sum, 2 none", between(0, 2)),
                           param<&A::a>("a", "the loss's first number: delta, alpha, margin"),
                           param<&A::b>("b", "the loss's second number: gamma"),
                           param<&A::flag>("flag", "the loss's choice: squared distances")};
  return l;
}

double sum_in_blocks(std::int64_t n, double (*block)(const void*, std::int64_t, std::int64_t),
                     const void* self) {
  return parallel_reduce<double>(
      n, 4096, [&](std::int64_t begin, std::int64_t end) { return block(self, begin, end); },
      [](double& into, const double& other) { into += other; });
}

Tensor share_of(const VjpArgs& a, Reduction r, std::int64_t n) {
  return r == Reduction::mean ? scale(a.grad[0], 1 / static_cast<double>(n)) : a.grad[0];
}

namespace {

using A = LossAttributes;

Reduction reduction(const OpArgs& a) { return reduction_of(a.attributes.as<A>().reduction); }

Tensors opposite(const VjpArgs& a, const Tensor& of_inputs) {  // of a loss of the difference
  return {of_inputs, a.wanted[1] ? negative(of_inputs) : Tensor()};
}

std::vector<Sample> samples(double a) {
  const Tensor x = distinct({2, 3}, -2, 2.2), t = uniform({2, 3}, -0.1, 0.1);
  return {{{x, t}, A{0, a}}, {{x, t}, A{1, a}}, {{x, t}, A{2, a}}};
}

constinit const OpDef kMse{
    .name = "mse",
    .doc = "(x - t)^2",
    .arity = 2,
    .attributes = &A::list,
    .infer = pair_spec,
    .cpu = [](const KernelArgs& a) { pair_kernel(a, [](double x, double t) { return (x - t) * (x - t); }); },
    .composed = [](const OpArgs& a) -> Tensors { return {reduced(reduction(a), square(a.in[0] - a.in[1]))}; },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Reduction r = reduction_of(a.attributes.as<A>().reduction);
      return opposite(a, (a.in[0] - a.in[1]) * scale(share_of(a, r, a.in[0].size()), 2));
    },
    .saves = {.inputs = 0b11},
    .samples = [] { return samples(0); },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({3}, 0, 1), uniform({3, 1}, 0, 1)}, A{}},
               "mse: inputs are [3] and targets are [3, 1]; they must be equal. Did you mean reshape?"},
              {{{uniform({0}, 0, 1), uniform({0}, 0, 1)}, A{}},
               "mse: f64 [0] is given; there is nothing to average"},
              {{{uniform({3}, 0, 1), uniform({3}, 0, 1, DType::f32)}, A{}},
               "mse: f64 [3] and f32 [3] are given; they must have one element type. Convert one with "
               "to()."}};
        },
};

constinit const OpDef kMae{
    .name = "mae",
    .doc = "|x - t|; gradient 0 where they are equal",
    .arity = 2,
    .attributes = &A::list,
    .infer = pair_spec,
    .cpu = [](const KernelArgs& a) { pair_kernel(a, [](double x, double t) { return std::abs(x - t); }); },
    .composed = [](const OpArgs& a) -> Tensors { return {reduced(reduction(a), abs(a.in[0] - a.in[1]))}; },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Reduction r = reduction_of(a.attributes.as<A>().reduction);
      return opposite(a, sign(a.in[0] - a.in[1]) * share_of(a, r, a.in[0].size()));
    },
    .saves = {.inputs = 0b11},
    .samples = [] { return samples(0); },
};

constinit const OpDef kHuber{
    .name = "huber",
    .doc = "d^2 / 2 where d = |x - t| <= delta, delta (d - delta / 2) elsewhere",
    .arity = 2,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const double delta = a.attributes.as<A>().a;
      if (!(delta > 0)) throw ParamError(a.name, fmt::format("delta = {} is outside (0, inf)", delta));
      return pair_spec(a);
    },
    .cpu =
        [](const KernelArgs& a) {
          const double delta = a.attributes.as<A>().a;
          pair_kernel(a, [delta](double x, double t) {
            const double d = std::abs(x - t);
            return d <= delta ? d * d / 2 : delta * (d - delta / 2);
          });
        },
    // With c = d clipped to [-delta, delta]: c (d - c / 2).
    .composed = [](const OpArgs& a) -> Tensors {
      const auto at = a.attributes.as<A>();
      const Tensor d = a.in[0] - a.in[1], c = clip(d, -at.a, at.a);
      return {reduced(reduction(a), c * (d - scale(c, 0.5)))};
    },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const auto at = a.attributes.as<A>();
      return opposite(
          a, clip(a.in[0] - a.in[1], -at.a, at.a) * share_of(a, reduction_of(at.reduction), a.in[0].size()));
    },
    .saves = {.inputs = 0b11},
    .samples = [] { return samples(1); },
    .bad_samples =
        [] {
          const Tensor x = uniform({3}, 0, 1);
          return std::vector<BadSample>{{{{x, x}, A{}}, "huber: delta = 0 is outside (0, inf)"}};
        },
};

}  // namespace

Tensor mse(const Tensor& inputs, const Tensor& targets, Reduction r) {
  return apply_one(kMse, {inputs, targets}, A{number_of(r)});
}
Tensor mae(const Tensor& inputs, const Tensor& targets, Reduction r) {
  return apply_one(kMae, {inputs, targets}, A{number_of(r)});
}
Tensor huber(const Tensor& inputs, const Tensor& targets, double delta, Reduction r) {
  return apply_one(kHuber, {inputs, targets}, A{number_of(r), delta});
}

std::span<const OpDef* const> regression_loss_ops() {
  static constexpr const OpDef* kOps[] = {&kMse, &kMae, &kHuber};
  return kOps;
}

}  // namespace cairn
