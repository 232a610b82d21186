#include "cairn/ops/activation.h"

#include "cairn/ops/activation_internal.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/elementwise_internal.h"

namespace cairn {

const ParamList& SlopeAttributes::list() {
  static const ParamList l{param<&SlopeAttributes::slope>("slope", "of the negative side")};
  return l;
}

namespace {

struct EluAttributes {
  double alpha = 1, scale = 1;
  static const ParamList& list() {
    static const ParamList l{
        param<&EluAttributes::alpha>("alpha", "the negative side tends to -alpha", above(0)),
        param<&EluAttributes::scale>("scale", "multiplies both sides", above(0))};
    return l;
  }
};

std::vector<Sample> values() {  // not at 0
  return {{{distinct({2, 4}, -4, 4.5)}},
          {{distinct({4, 2}, -4, 4.5).transpose()}},
          {{distinct({2}, 39, 41)}},
          {{uniform({0}, 0, 1)}}};
}

// The gradient of leaky_relu, which is linear in its first input; slope 0 is that of relu.
extern const OpDef kGate;
Tensor gate(Tensor gradient, const Tensor& x, double slope) {
  Tensors both{std::move(gradient), x};
  return std::move(apply_giving(kGate, std::move(both), SlopeAttributes{slope})[0]);
}
template <class T>
void gate_row(const Row& r) {
  const T *g = reinterpret_cast<const T*>(r.in[0]), *x = reinterpret_cast<const T*>(r.in[1]);
  T* y = reinterpret_cast<T*>(r.out);
  const T slope = static_cast<T>(r.attributes->as<SlopeAttributes>().slope);
  if (r.stride[0] == 1 && r.stride[1] == 1) {
    for (std::int64_t i = 0; i < r.n; ++i) y[i] = x[i] > 0 ? g[i] : slope * g[i];
  } else {
    for (std::int64_t i = 0; i < r.n; ++i)
      y[i] = x[i * r.stride[1]] > 0 ? g[i * r.stride[0]] : slope * g[i * r.stride[0]];
  }
}
constinit const OpDef kGate{
    .name = "gate",
    .doc = "a where b > 0, slope a elsewhere: the gradient of relu and leaky_relu",
    .arity = 2,
    .attributes = &SlopeAttributes::list,
    .infer = broadcast_floating,
    .cpu =
        [](const KernelArgs& a) {
          map_rows(a, a.in[0].dtype() == DType::f32 ? gate_row<float> : gate_row<double>);
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(
                  a, 0, [&] { return gate(a.grad[0], a.in[1], a.attributes.as<SlopeAttributes>().slope); }),
              Tensor()};
    },
    .saves = {.inputs = 0b10},
    .over = {0, -1, -1, -1},
    .slot = SlotId::gate,
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 3}, -1, 1), distinct({2, 3}, -1, 1.2)}, SlopeAttributes{0.1}}};
        },
};

template <class T>
T sigmoid_of(T v) {
  const T e = std::exp(-std::abs(v));  // never overflows
  return (v >= 0 ? T(1) : e) / (1 + e);
}
template <class T>
T softplus_of(T v) {
  return std::max(v, T(0)) + std::log1p(std::exp(-std::abs(v)));
}
constexpr double kRootHalf = 0.70710678118654752440, kRootTwoPi = 2.50662827463100050242;

}  // namespace

constinit const OpDef kRelu{
    .name = "relu",
    .doc = "max(x, 0); gradient 0 at 0",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return v > 0 || v != v ? v : decltype(v)(0); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {gate(std::move(a.grad[0]), a.out[0], 0)}; },
    .saves = {.outputs = 0b1},
    .slot = SlotId::relu,
    .samples = values,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{Tensor::zeros({2}, DType::i64)}},
               "relu: i64 [2] is given; it takes f32 and f64. Convert it with to()."}};
        },
};
constinit const OpDef kLeakyRelu{
    .name = "leaky_relu",
    .doc = "x where positive, slope x elsewhere",
    .attributes = &SlopeAttributes::list,
    .infer = same_as_first,
    .cpu = unary<SlopeAttributes>(
        [](auto v, const SlopeAttributes& s) { return v > 0 ? v : static_cast<decltype(v)>(s.slope) * v; }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gate(std::move(a.grad[0]), a.in[0], a.attributes.as<SlopeAttributes>().slope)};
    },
    .saves = {.inputs = 0b1},
    .samples = [] { return std::vector<Sample>{{{distinct({2, 4}, -4, 4.5)}, SlopeAttributes{0.2}}}; },
};
constinit const OpDef kElu{
    .name = "elu",
    .doc = "scale x where positive, scale alpha (e^x - 1) elsewhere",
    .attributes = &EluAttributes::list,
    .infer = same_as_first,
    .cpu = unary<EluAttributes>([](auto v, const EluAttributes& e) {
      using T = decltype(v);
      return static_cast<T>(e.scale) * (v > 0 ? v : static_cast<T>(e.alpha) * std::expm1(v));
    }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      const auto e = a.attributes.as<EluAttributes>();
      const Tensor zero = Tensor::zeros({}, a.in[0].dtype());
      // Beyond 0 the exponential is not used, and must not overflow.
      const Tensor slope = where(greater(a.in[0], zero), Tensor::full({}, e.scale, a.in[0].dtype()),
                                 scale(exp(minimum(a.in[0], zero)), e.scale * e.alpha));
      return {a.grad[0] * slope};
    },
    .saves = {.inputs = 0b1},
    .samples =
        [] {
          return std::vector<Sample>{
              {{distinct({2, 4}, -4, 4.5)}, EluAttributes{}},
              {{distinct({3}, -4, 4.5)}, EluAttributes{1.6732632423543772, 1.0507009873554805}}};
        },
};
constinit const OpDef kSigmoid{
    .name = "sigmoid",
    .doc = "1 / (1 + e^-x)",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return sigmoid_of(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * a.out[0] * (1.0 - a.out[0])}; },
    .saves = {.outputs = 0b1},
    .slot = SlotId::sigmoid,
    .samples = values,
};
constinit const OpDef kTanh{
    .name = "tanh",
    .doc = "hyperbolic tangent",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::tanh(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * (1.0 - square(a.out[0]))}; },
    .saves = {.outputs = 0b1},
    .slot = SlotId::tanh,
    .samples = values,
};
constinit const OpDef kSoftplus{
    .name = "softplus",
    .doc = "log(1 + e^x), stable for large |x|",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return softplus_of(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * sigmoid(a.in[0])}; },
    .saves = {.inputs = 0b1},
    .samples = values,
};
constinit const OpDef kSilu{
    .name = "silu",
    .doc = "x sigmoid(x)",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return v * sigmoid_of(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Tensor s = sigmoid(a.in[0]);
      return {a.grad[0] * s * (a.in[0] * (1.0 - s) + 1.0)};
    },
    .saves = {.inputs = 0b1},
    .slot = SlotId::silu,
    .samples = values,
};
constinit const OpDef kMish{
    .name = "mish",
    .doc = "x tanh(softplus(x))",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return v * std::tanh(softplus_of(v)); }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Tensor t = tanh(softplus(a.in[0]));
      return {a.grad[0] * (t + a.in[0] * sigmoid(a.in[0]) * (1.0 - square(t)))};
    },
    .saves = {.inputs = 0b1},
    .samples = values,
};
constinit const OpDef kGelu{
    .name = "gelu",
    .doc = "x Phi(x), Phi the normal distribution function",
    .infer = same_as_first,
    .cpu = unary([](auto v) {
      using T = decltype(v);
      return v * std::erfc(-v * static_cast<T>(kRootHalf)) / 2;
    }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Tensor below = scale(erf(scale(a.in[0], kRootHalf)), 0.5, 0.5);
      const Tensor density = scale(exp(scale(square(a.in[0]), -0.5)), 1 / kRootTwoPi);
      return {a.grad[0] * (below + a.in[0] * density)};
    },
    .saves = {.inputs = 0b1},
    .slot = SlotId::gelu,
    .samples = values,
};

Tensor relu(const Tensor& x) { return apply_one(kRelu, {x}); }
Tensor relu6(const Tensor& x) { return clip(x, 0, 6); }
Tensor leaky_relu(const Tensor& x, double slope) {
  return apply_one(kLeakyRelu, {x}, SlopeAttributes{slope});
}
Tensor elu(const Tensor& x, double alpha) { return apply_one(kElu, {x}, EluAttributes{alpha, 1}); }
Tensor selu(const Tensor& x) {
  return apply_one(kElu, {x}, EluAttributes{1.6732632423543772, 1.0507009873554805});
}
Tensor sigmoid(const Tensor& x) { return apply_one(kSigmoid, {x}); }
Tensor tanh(const Tensor& x) { return apply_one(kTanh, {x}); }
Tensor softplus(const Tensor& x) { return apply_one(kSoftplus, {x}); }
Tensor log_sigmoid(const Tensor& x) { return negative(softplus(negative(x))); }
Tensor silu(const Tensor& x) { return apply_one(kSilu, {x}); }
Tensor mish(const Tensor& x) { return apply_one(kMish, {x}); }
Tensor gelu(const Tensor& x) { return apply_one(kGelu, {x}); }
Tensor hard_sigmoid(const Tensor& x) { return scale(clip(x, -3, 3), 1.0 / 6, 0.5); }
Tensor hard_swish(const Tensor& x) { return x * hard_sigmoid(x); }
Tensor hard_tanh(const Tensor& x) { return clip(x, -1, 1); }

Tensor relu_gate(Tensor gradient, const Tensor& y) { return gate(std::move(gradient), y, 0); }

std::span<const OpDef* const> activation_ops() {
  static constexpr const OpDef* kOps[] = {&kRelu,     &kLeakyRelu, &kElu,  &kSigmoid, &kTanh,
                                          &kSoftplus, &kSilu,      &kMish, &kGelu,    &kGate};
  return kOps;
}

}  // namespace cairn
