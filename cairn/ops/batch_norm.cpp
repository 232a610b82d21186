#include "cairn/ops/activation.h"
#include "cairn/ops/activation_internal.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/norm_internal.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {

const ParamList& NormAttributes::list() {
  static const ParamList l{
      param<&NormAttributes::epsilon>("epsilon", "added to the variance", above(0), {"eps"}),
      param<&NormAttributes::relu>("relu", "max(y, 0)")};
  return l;
}

namespace {

using A = NormAttributes;

// All axes but the last.
AxisList rows_of(int ndim) {
  AxisList axes;
  for (int i = 0; i + 1 < ndim; ++i) axes.push_back(i);
  return axes;
}
double num_rows(const Shape& s) {
  const std::int64_t rows = s.size() / s[s.ndim() - 1];
  return static_cast<double>(rows);
}

// The channels of x, which is tensor i; every other one in [first, last) has one value a channel.
Shape check_channels(const OpArgs& a, std::size_t i, std::size_t first, std::size_t last) {
  need_floating(a);
  const Tensor& x = a.in[i];
  if (x.ndim() < 2 || x.size() == 0)
    throw ShapeError(a.name,
                     fmt::format("{} is given; it takes rows of channels [..., C], one or more", x.text()));
  const Shape channels{x.size(x.ndim() - 1)};
  static constexpr const char* kNames[] = {"gamma", "beta", "the mean", "the variance"};
  for (std::size_t k = first; k < last; ++k) need_shape(a, k, channels, kNames[k - first]);
  return channels;
}

// (x - mean) / sqrt(variance + epsilon)
Tensor normal(const Tensor& x, const Tensor& mean, const Tensor& variance, double epsilon) {
  return (x - mean) * rsqrt(variance + epsilon);
}
Tensor finish(Tensor y, std::span<const Tensor> residual, bool with_relu) {
  if (!residual.empty()) y = y + residual[0];
  return with_relu ? relu(y) : y;
}

template <bool WithRelu>
TensorSpecs infer_batch(const OpArgs& a) {
  CAIRN_ASSERT(a.attributes.as<A>().relu == WithRelu);
  need_count(a, 3, 4, "x, gamma, beta and, if there is one, residual");
  const Shape channels = check_channels(a, 0, 1, 3);
  if (a.in.size() == 4) need_shape(a, 3, a.in[0].shape(), "the residual");
  const DType t = a.in[0].dtype();
  return {{a.in[0].shape(), t}, {channels, t}, {channels, t}};
}

Tensors batch_vjp(const VjpArgs& a) {
  const auto at = a.attributes.as<A>();
  Tensors r(a.in_specs.size());
  const auto add_to = [&](std::size_t i, const Tensor& t) { r[i] = r[i].defined() ? r[i] + t : t; };
  if (a.grad[0].defined()) {
    const bool last = !a.grad[1].defined() && !a.grad[2].defined();  // the lines below do not need x
    const bool with_residual = r.size() == 4;
    if (with_residual && !at.relu) r[3] = a.grad[0];
    Tensors given{std::move(a.grad[0]), last ? std::move(a.in[0]) : a.in[0], a.in[1]};
    if (at.relu) given.push_back(with_residual ? std::move(a.out[0]) : a.in[2]);
    given.push_back(a.out[1]);
    given.push_back(a.out[2]);
    const OpDef& op = !at.relu         ? kBatchNormGradient
                      : !with_residual ? kBatchNormReluGradient
                                       : kBatchNormAddReluGradient;
    const Tensors of = apply_giving(op, std::move(given), A{at.epsilon});
    for (std::size_t i = 0; i < of.size(); ++i) r[i] = of[i];
  }
  const double rows = num_rows(a.in_specs[0].shape);
  if (a.wanted[0] && a.grad[1].defined())
    add_to(0, scale(a.grad[1], 1 / rows) + Tensor::zeros(a.in_specs[0].shape, a.in_specs[0].dtype));
  if (a.wanted[0] && a.grad[2].defined()) add_to(0, scale(a.grad[2], 2 / rows) * (a.in[0] - a.out[1]));
  return r;
}

std::vector<Sample> batch_samples() {
  const Tensor x = distinct({4, 3}, -1, 1.3), images = distinct({2, 2, 3, 2}, -2, 1);
  return {{{x, uniform({3}, 0.5, 1.5), uniform({3}, -1, 1)}, A{}},
          {{images, uniform({2}, 0.5, 1.5), uniform({2}, -1, 1)}, A{1e-3}},
          {{images, uniform({2}, 0.5, 1.5), uniform({2}, -1, 1), distinct({2, 2, 3, 2}, 2.5, 5)}, A{}}};
}
std::vector<Sample> batch_relu_samples() {
  const Tensor x = distinct({4, 3}, -1, 1.3), images = distinct({2, 2, 3, 2}, -2, 1);
  return {
      {{x, uniform({3}, 0.5, 1.5), uniform({3}, 2, 4)}, A{1e-5, true}},
      {{images, uniform({2}, 0.5, 1.5), uniform({2}, 4, 6)}, A{1e-3, true}},
      {{images, uniform({2}, 0.5, 1.5), uniform({2}, -1, 1), distinct({2, 2, 3, 2}, 2.5, 5)}, A{1e-5, true}}};
}

}  // namespace

namespace {

std::vector<BadSample> batch_bad_samples() {
  const Tensor x = uniform({4, 3}, 0, 1), three = uniform({3}, 0, 1);
  return std::vector<BadSample>{
      {{{x, uniform({4}, 0, 1), three}, A{}}, "batch_norm: gamma is [4]; it must be [3]"},
      {{{uniform({0, 3}, 0, 1), three, three}, A{}},
       "batch_norm: f64 [0, 3] is given; it takes rows of channels [..., C], one or more"},
      {{{x, three, three, uniform({3, 4}, 0, 1)}, A{}},
       "batch_norm: the residual is [3, 4]; it must be [4, 3]"},
      {{{x, three}, A{}},
       "batch_norm: 2 tensors are given; it takes x, gamma, beta and, if there is one, residual"}};
}

std::vector<BadSample> batch_relu_bad_samples() {
  const Tensor x = uniform({4, 3}, 0, 1), three = uniform({3}, 0, 1);
  return {{{{x, uniform({4}, 0, 1), three}, A{1e-5, true}}, "batch_norm_relu: gamma is [4]; it must be [3]"}};
}

// Two records: only one with relu keeps its result for the way back.
constexpr OpDef batch_norm_record(bool with_relu) {
  return {
      .name = with_relu ? "batch_norm_relu" : "batch_norm",
      .doc =
          with_relu
              ? "max(batch_norm, 0)"
              : "gamma (x - mean) / sqrt(variance + epsilon) + beta, with the mean and variance of the rows",
      .arity = -1,
      .num_outputs = 3,
      .attributes = &A::list,
      .infer = with_relu ? infer_batch<true> : infer_batch<false>,
      .cpu = batch_norm_reference,
      .composed = [](const OpArgs& a) -> Tensors {
        const auto at = a.attributes.as<A>();
        const AxisList rows = rows_of(a.in[0].ndim());
        const Tensor m = mean(a.in[0], rows), v = var(a.in[0], rows);
        return {finish(normal(a.in[0], m, v, at.epsilon) * a.in[1] + a.in[2], a.in.subspan(3), at.relu), m,
                v};
      },
      .vjp = batch_vjp,
      .saves_for = [](const Attributes&, std::size_t inputs) -> Saves {
        // With a residual, the gate of relu hangs on the result, and making it again would take the residual.
        return {.inputs = 0b111, .outputs = inputs == 4 ? 0b111U : 0b110U};
      },
      .again = [](const VjpArgs& a) -> Tensor {
        return apply_one(kBatchNormInference, {a.in[0], a.in[1], a.in[2], a.out[1], a.out[2]},
                         a.attributes.as<A>());
      },
      .slot = SlotId::batch_norm,
      .samples = with_relu ? batch_relu_samples : batch_samples,
      .bad_samples = with_relu ? batch_relu_bad_samples : batch_bad_samples,
  };
}

}  // namespace

constinit const OpDef kBatchNorm = batch_norm_record(false);
constinit const OpDef kBatchNormRelu = batch_norm_record(true);

constinit const OpDef kBatchNormGradient{
    .name = "batch_norm_gradient",
    .doc = "the gradients of batch_norm for x, gamma and beta, its mean and variance being given",
    .arity = 5,
    .num_outputs = 3,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const Shape channels = check_channels(a, 1, 2, 2);
      need_shape(a, 0, a.in[1].shape(), "the gradient");
      need_shape(a, 2, channels, "gamma");
      need_shape(a, 3, channels, "the mean");
      need_shape(a, 4, channels, "the variance");
      const DType t = a.in[1].dtype();
      return {{a.in[1].shape(), t}, {channels, t}, {channels, t}};
    },
    .cpu = batch_norm_gradient_reference,
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor &g = a.in[0], &x = a.in[1], &gamma = a.in[2];
      const double epsilon = a.attributes.as<A>().epsilon;
      const AxisList rows = rows_of(x.ndim());
      const Tensor y = normal(x, a.in[3], a.in[4], epsilon);
      const Tensor dgamma = sum(g * y, rows), dbeta = sum(g, rows);
      const Tensor dx =
          gamma * rsqrt(a.in[4] + epsilon) * (g - scale(dbeta + y * dgamma, 1 / num_rows(x.shape())));
      return {dx, dgamma, dbeta};
    },
    .over = {1, -1, -1, -1},
    .slot = SlotId::batch_norm_gradient,
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({4, 3}, -1, 1), distinct({4, 3}, -1, 1.3), uniform({3}, 0.5, 1.5),
                uniform({3}, -0.2, 0.3), uniform({3}, 0.3, 0.9)},
               A{}}};
        },
    .bad_samples =
        [] {
          const Tensor x = uniform({4, 3}, 0, 1), three = uniform({3}, 0, 1);
          return std::vector<BadSample>{{{{x, x, three, uniform({2}, 0, 1), three}, A{}},
                                         "batch_norm_gradient: the mean is [2]; it must be [3]"}};
        },
};

namespace {

// The rectifier's gate is the sign of what batch_norm gave, computed again where that alone decides it, or
// seen in the result where a residual was added.
template <bool WithResidual>
TensorSpecs infer_relu_gradient(const OpArgs& a) {
  const Shape channels = check_channels(a, 1, 2, 2);
  need_shape(a, 0, a.in[1].shape(), "the gradient");
  need_shape(a, 2, channels, "gamma");
  need_shape(a, 3, WithResidual ? a.in[1].shape() : channels, WithResidual ? "the result" : "beta");
  need_shape(a, 4, channels, "the mean");
  need_shape(a, 5, channels, "the variance");
  const DType t = a.in[1].dtype();
  TensorSpecs specs{{a.in[1].shape(), t}, {channels, t}, {channels, t}};
  if (WithResidual) specs.push_back({a.in[1].shape(), t});
  return specs;
}

template <bool WithResidual>
Tensors composed_relu_gradient(const OpArgs& a) {
  const Tensor &x = a.in[1], &gamma = a.in[2], &mean = a.in[4], &variance = a.in[5];
  const auto at = a.attributes.as<A>();
  const Tensor y = WithResidual ? a.in[3] : normal(x, mean, variance, at.epsilon) * gamma + a.in[3];
  const Tensor gated = relu_gate(a.in[0], y);
  Tensors r = apply(kBatchNormGradient, {gated, x, gamma, mean, variance}, A{at.epsilon});
  if (WithResidual) r.push_back(gated);
  return r;
}

template <bool WithResidual>
std::vector<Sample> relu_gradient_samples() {
  const Tensor other = WithResidual ? distinct({4, 3}, -1.1, 1) : uniform({3}, -0.4, 0.5);
  return {{{uniform({4, 3}, -1, 1), distinct({4, 3}, -1, 1.3), uniform({3}, 0.5, 1.5), other,
            uniform({3}, -0.2, 0.3), uniform({3}, 0.3, 0.9)},
           A{}}};
}
template <bool WithResidual>
std::vector<BadSample> relu_gradient_bad_samples() {
  const Tensor x = uniform({4, 3}, 0, 1), three = uniform({3}, 0, 1);
  return {{{{x, x, three, uniform({2}, 0, 1), three, three}, A{}},
           WithResidual ? "batch_norm_add_relu_gradient: the result is [2]; it must be [4, 3]"
                        : "batch_norm_relu_gradient: beta is [2]; it must be [3]"}};
}

template <bool WithResidual>
constexpr OpDef relu_gradient_record() {
  return {.name = WithResidual ? "batch_norm_add_relu_gradient" : "batch_norm_relu_gradient",
          .doc = WithResidual ? "the gradients of max(batch_norm + residual, 0), its result being given"
                              : "the gradients of max(batch_norm, 0), its mean and variance being given",
          .arity = 6,
          .num_outputs = WithResidual ? 4 : 3,
          .attributes = &A::list,
          .infer = infer_relu_gradient<WithResidual>,
          .composed = composed_relu_gradient<WithResidual>,
          .over = {1, -1, -1, WithResidual ? std::int8_t{0} : std::int8_t{-1}},
          .slot = WithResidual ? SlotId::batch_norm_add_relu_gradient : SlotId::batch_norm_relu_gradient,
          .samples = relu_gradient_samples<WithResidual>,
          .bad_samples = relu_gradient_bad_samples<WithResidual>};
}

}  // namespace

constinit const OpDef kBatchNormReluGradient = relu_gradient_record<false>();
constinit const OpDef kBatchNormAddReluGradient = relu_gradient_record<true>();

constinit const OpDef kBatchNormInference{
    .name = "batch_norm_inference",
    .doc = "gamma (x - mean) / sqrt(variance + epsilon) + beta, with a mean and variance that are given",
    .arity = -1,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_count(a, 5, 6, "x, gamma, beta, mean, variance and, if there is one, residual");
      need_floating(a);
      if (a.in[0].ndim() < 1)
        throw ShapeError(a.name, fmt::format("{} is given; it takes channels [..., C]", a.in[0].text()));
      const Shape channels{a.in[0].size(a.in[0].ndim() - 1)};
      static constexpr const char* kNames[] = {"gamma", "beta", "the mean", "the variance"};
      for (std::size_t k = 1; k < 5; ++k) need_shape(a, k, channels, kNames[k - 1]);
      if (a.in.size() == 6) need_shape(a, 5, a.in[0].shape(), "the residual");
      return {{a.in[0].shape(), a.in[0].dtype()}};
    },
    .cpu = batch_norm_inference_reference,
    .composed = [](const OpArgs& a) -> Tensors {  // one factor and one shift a channel
      const auto at = a.attributes.as<A>();
      const Tensor factor = a.in[1] * rsqrt(a.in[4] + at.epsilon);
      return {finish(a.in[0] * factor + (a.in[2] - a.in[3] * factor), a.in.subspan(5), at.relu)};
    },
    .over = {0, -1, -1, -1},
    .slot = SlotId::batch_norm_inference,
    .samples =
        [] {
          const Tensor gamma = uniform({3}, 0.5, 1.5), beta = uniform({3}, 2, 4);
          return std::vector<Sample>{
              {{distinct({4, 3}, -1, 1.3), gamma, beta, uniform({3}, -0.2, 0.3), uniform({3}, 0.3, 0.9)},
               A{}},
              {{distinct({2, 1, 3}, -1, 1.3), gamma, beta, uniform({3}, -0.2, 0.3), uniform({3}, 0.3, 0.9)},
               A{1e-3, true}},
              {{distinct({4, 3}, -1, 1.3), gamma, beta, uniform({3}, -0.2, 0.3), uniform({3}, 0.3, 0.9),
                uniform({4, 3}, -1, 1)},
               A{1e-5, true}},
              {{uniform({0, 3}, -1, 1.3), gamma, beta, uniform({3}, -0.2, 0.3), uniform({3}, 0.3, 0.9)},
               A{}}};
        },
    .bad_samples =
        [] {
          const Tensor x = uniform({4, 3}, 0, 1), three = uniform({3}, 0, 1);
          return std::vector<BadSample>{{{{x, three, three, three, uniform({4}, 0, 1)}, A{}},
                                         "batch_norm_inference: the variance is [4]; it must be [3]"},
                                        {{{x, three, three, three, three, three}, A{}},
                                         "batch_norm_inference: the residual is [3]; it must be [4, 3]"}};
        },
};

namespace {

struct AverageAttributes {
  double share = 0.1, factor = 1;
  static const ParamList& list() {
    static const ParamList l{param<&AverageAttributes::share>("share", "of the new value"),
                             param<&AverageAttributes::factor>("factor", "times the new value")};
    return l;
  }
};

}  // namespace

constinit const OpDef kMovedTowards{
    .name = "moved_towards",
    .doc = "average + share (factor value - average)",
    .arity = 2,
    .attributes = &AverageAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a);
      need_shape(a, 1, a.in[0].shape(), "the value");
      return {{a.in[0].shape(), a.in[0].dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const auto at = a.attributes.as<AverageAttributes>();
          const Tensor averages = dense(a.in[0]), values = dense(a.in[1]);
          with_floating(averages.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const T share = static_cast<T>(at.share), factor = static_cast<T>(at.factor);
            const T *average = averages.data<T>().data(), *value = values.data<T>().data();
            T* to = a.out[0].mutable_data<T>().data();
            const std::int64_t n = averages.size();
            for (std::int64_t i = 0; i < n; ++i)
              to[i] = average[i] + share * (value[i] * factor - average[i]);
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const auto at = a.attributes.as<AverageAttributes>();
      return {scale(a.grad[0], 1 - at.share), scale(a.grad[0], at.share * at.factor)};
    },
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({3}, -1, 1), uniform({3}, -1, 1)}, AverageAttributes{0.1, 1.5}},
              {{uniform({2, 3}, -1, 1), uniform({2, 3}, -1, 1)}, AverageAttributes{}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({3}, 0, 1), uniform({2}, 0, 1)}, AverageAttributes{}},
                                         "moved_towards: the value is [2]; it must be [3]"}};
        },
};

Tensor moved_towards(const Tensor& average, const Tensor& value, double share, double factor) {
  return apply_one(kMovedTowards, {average, value}, AverageAttributes{share, factor});
}

BatchNormResult batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                           const NormOptions& options) {
  Tensors r =
      apply(options.relu ? kBatchNormRelu : kBatchNorm, {x, gamma, beta}, A{options.epsilon, options.relu});
  return {r[0], r[1], r[2]};
}
BatchNormResult batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& residual,
                           const NormOptions& options) {
  Tensors r = apply(options.relu ? kBatchNormRelu : kBatchNorm, {x, gamma, beta, residual},
                    A{options.epsilon, options.relu});
  return {r[0], r[1], r[2]};
}
Tensor batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                            const Tensor& variance, const NormOptions& options) {
  return apply_one(kBatchNormInference, {x, gamma, beta, mean, variance}, A{options.epsilon, options.relu});
}

Tensor batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                            const Tensor& variance, const Tensor& residual, const NormOptions& options) {
  return apply_one(kBatchNormInference, {x, gamma, beta, mean, variance, residual},
                   A{options.epsilon, options.relu});
}

std::span<const OpDef* const> batch_norm_ops() {
  static constexpr const OpDef* kOps[] = {&kBatchNorm,
                                          &kBatchNormRelu,
                                          &kBatchNormGradient,
                                          &kBatchNormReluGradient,
                                          &kBatchNormAddReluGradient,
                                          &kBatchNormInference,
                                          &kMovedTowards};
  return kOps;
}

}  // namespace cairn
