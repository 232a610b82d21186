#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/norm_internal.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {
namespace {

using A = NormAttributes;

struct GroupAttributes {
  std::int64_t groups = 1;
  double epsilon = 1e-5;
  static const ParamList& list() {
    static const ParamList l{
        param<&GroupAttributes::groups>("groups", "parts of the channels", at_least(1)),
        param<&GroupAttributes::epsilon>("epsilon", "added to the variance", above(0), {"eps"})};
    return l;
  }
};

// The rows [...] of x, which is tensor i and whose last axis is as long as `width`.
Shape check_rows(const OpArgs& a, std::size_t i) {
  need_floating(a);
  const Tensor& x = a.in[i];
  if (x.ndim() < 1 || x.size(x.ndim() - 1) < 1)
    throw ShapeError(a.name,
                     fmt::format("{} is given; it takes rows [..., D] of one value or more", x.text()));
  return Shape(x.shape().dims().first(static_cast<std::size_t>(x.ndim() - 1)));
}

Tensor normal(const Tensor& x, const Tensor& mean, const Tensor& variance, double epsilon) {
  return (x - expand_dims(mean, -1)) * rsqrt(expand_dims(variance, -1) + epsilon);
}

AxisList all_but_last(int ndim) {
  AxisList axes;
  for (int i = 0; i + 1 < ndim; ++i) axes.push_back(i);
  return axes;
}
// Over all rows; one row has nothing to add.
Tensor sum_rows(const Tensor& x) { return x.ndim() == 1 ? x : sum(x, all_but_last(x.ndim())); }

Tensors layer_vjp(const VjpArgs& a) {
  Tensors r(3);
  if (a.grad[0].defined())
    r = apply(kLayerNormGradient, {a.grad[0], a.in[0], a.in[1], a.out[1], a.out[2]}, a.attributes);
  const Shape shape = a.in_specs[0].shape;
  const double width = static_cast<double>(shape[shape.ndim() - 1]);
  const auto add_to_x = [&](const Tensor& t) { r[0] = r[0].defined() ? r[0] + t : t; };
  if (a.wanted[0] && a.grad[1].defined())
    add_to_x(scale(expand_dims(a.grad[1], -1), 1 / width) + Tensor::zeros(shape, a.in_specs[0].dtype));
  if (a.wanted[0] && a.grad[2].defined())
    add_to_x(scale(expand_dims(a.grad[2], -1), 2 / width) * (a.in[0] - expand_dims(a.out[1], -1)));
  return r;
}

}  // namespace

constinit const OpDef kLayerNorm{
    .name = "layer_norm",
    .doc = "gamma (x - mean) / sqrt(variance + epsilon) + beta, with the mean and variance of each row",
    .arity = 3,
    .num_outputs = 3,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const Shape rows = check_rows(a, 0);
      const Shape width{a.in[0].size(a.in[0].ndim() - 1)};
      need_shape(a, 1, width, "gamma");
      need_shape(a, 2, width, "beta");
      if (a.attributes.as<A>().relu) throw NotSupported(a.name, "relu = true is for batch_norm alone");
      const DType t = a.in[0].dtype();
      return {{a.in[0].shape(), t}, {rows, t}, {rows, t}};
    },
    .cpu = layer_norm_reference,
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor m = mean(a.in[0], -1), v = var(a.in[0], -1);
      return {normal(a.in[0], m, v, a.attributes.as<A>().epsilon) * a.in[1] + a.in[2], m, v};
    },
    .vjp = layer_vjp,
    .saves = {.inputs = 0b11, .outputs = 0b110},
    .slot = SlotId::layer_norm,
    .samples =
        [] {
          return std::vector<Sample>{
              {{distinct({3, 4}, -1, 1.3), uniform({4}, 0.5, 1.5), uniform({4}, -1, 1)}, A{}},
              {{distinct({2, 2, 3}, -1, 1.3), uniform({3}, 0.5, 1.5), uniform({3}, -1, 1)}, A{1e-3}},
              {{distinct({3}, -1, 1.3), uniform({3}, 0.5, 1.5), uniform({3}, -1, 1)}, A{}},
              {{uniform({0, 3}, -1, 1.3), uniform({3}, 0.5, 1.5), uniform({3}, -1, 1)}, A{}}};
        },
    .bad_samples =
        [] {
          const Tensor x = uniform({4, 3}, 0, 1), three = uniform({3}, 0, 1);
          return std::vector<BadSample>{
              {{{x, three, uniform({4}, 0, 1)}, A{}}, "layer_norm: beta is [4]; it must be [3]"},
              {{{uniform({4, 0}, 0, 1), three, three}, A{}},
               "layer_norm: f64 [4, 0] is given; it takes rows [..., D] of one value or more"}};
        },
};

constinit const OpDef kLayerNormGradient{
    .name = "layer_norm_gradient",
    .doc = "the gradients of layer_norm for x, gamma and beta, its means and variances being given",
    .arity = 5,
    .num_outputs = 3,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const Shape rows = check_rows(a, 1), width{a.in[1].size(a.in[1].ndim() - 1)};
      need_shape(a, 0, a.in[1].shape(), "the gradient");
      need_shape(a, 2, width, "gamma");
      need_shape(a, 3, rows, "the mean");
      need_shape(a, 4, rows, "the variance");
      const DType t = a.in[1].dtype();
      return {{a.in[1].shape(), t}, {width, t}, {width, t}};
    },
    .cpu = layer_norm_gradient_reference,
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor &g = a.in[0], &x = a.in[1], &gamma = a.in[2];
      const double epsilon = a.attributes.as<A>().epsilon;
      const Tensor y = normal(x, a.in[3], a.in[4], epsilon), v = g * gamma;
      const Tensor dx =
          rsqrt(expand_dims(a.in[4], -1) + epsilon) * (v - mean(v, -1, true) - y * mean(v * y, -1, true));
      return {dx, sum_rows(g * y), sum_rows(g)};
    },
    .slot = SlotId::layer_norm_gradient,
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({3, 4}, -1, 1), distinct({3, 4}, -1, 1.3), uniform({4}, 0.5, 1.5),
                uniform({3}, -0.2, 0.3), uniform({3}, 0.3, 0.9)},
               A{}}};
        },
    .bad_samples =
        [] {
          const Tensor x = uniform({4, 3}, 0, 1), three = uniform({3}, 0, 1);
          return std::vector<BadSample>{{{{x, x, three, three, uniform({4}, 0, 1)}, A{}},
                                         "layer_norm_gradient: the mean is [3]; it must be [4]"}};
        },
};

namespace {

constinit const OpDef kGroupNorm{
    .name = "group_norm",
    .doc = "gamma (x - mean) / sqrt(variance + epsilon) + beta over each group of channels of each example",
    .arity = 3,
    .attributes = &GroupAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto at = a.attributes.as<GroupAttributes>();
      need_floating(a);
      const Tensor& x = a.in[0];
      if (x.ndim() < 2 || (x.size() == 0 && x.size(0) > 0))
        throw ShapeError(
            a.name, fmt::format("{} is given; it takes examples [N, ..., C] that are not empty", x.text()));
      const std::int64_t channels = x.size(x.ndim() - 1);
      if (at.groups < 1 || channels % at.groups != 0)
        throw ShapeError(a.name,
                         fmt::format("{} channels do not divide into {} groups", channels, at.groups));
      need_shape(a, 1, {channels}, "gamma");
      need_shape(a, 2, {channels}, "beta");
      return {{x.shape(), x.dtype()}};
    },
    .composed = [](const OpArgs& a) -> Tensors {
      const auto at = a.attributes.as<GroupAttributes>();
      const Shape shape = a.in[0].shape();
      const std::int64_t channels = shape[shape.ndim() - 1], each = channels / at.groups;
      std::int64_t places = 1;
      for (int i = 1; i + 1 < shape.ndim(); ++i) places *= shape[i];
      const Tensor x = a.in[0].reshape({shape[0], places, at.groups, each});
      const Tensor y = (x - mean(x, {1, 3}, true)) * rsqrt(var(x, {1, 3}, true) + at.epsilon);
      return {y.reshape(shape) * a.in[1] + a.in[2]};
    },
    .samples =
        [] {
          return std::vector<Sample>{
              {{distinct({2, 2, 2, 4}, -1, 1.3), uniform({4}, 0.5, 1.5), uniform({4}, -1, 1)},
               GroupAttributes{2}},
              {{distinct({2, 4}, -1, 1.3), uniform({4}, 0.5, 1.5), uniform({4}, -1, 1)},
               GroupAttributes{1, 1e-3}}};
        },
    .bad_samples =
        [] {
          const Tensor three = uniform({3}, 0, 1);
          return std::vector<BadSample>{{{{uniform({2, 3}, 0, 1), three, three}, GroupAttributes{2}},
                                         "group_norm: 3 channels do not divide into 2 groups"}};
        },
};

}  // namespace

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon) {
  return apply(kLayerNorm, {x, gamma, beta}, A{epsilon})[0];
}
Tensor group_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::int64_t groups,
                  double epsilon) {
  return apply_one(kGroupNorm, {x, gamma, beta}, GroupAttributes{groups, epsilon});
}

std::span<const OpDef* const> layer_norm_ops() {
  static constexpr const OpDef* kOps[] = {&kLayerNorm, &kLayerNormGradient, &kGroupNorm};
  return kOps;
}

}  // namespace cairn
