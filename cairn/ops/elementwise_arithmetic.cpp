#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/elementwise_internal.h"

namespace cairn {
namespace {

struct ScaleAttributes {
  double factor = 1, offset = 0;
  static const ParamList& list() {
    static const ParamList l{param<&ScaleAttributes::factor>("factor", "multiplies"),
                             param<&ScaleAttributes::offset>("offset", "is added")};
    return l;
  }
};
struct PowerAttributes {
  double exponent = 1;
  static const ParamList& list() {
    static const ParamList l{param<&PowerAttributes::exponent>("exponent", "the power")};
    return l;
  }
};

std::vector<Sample> pairs() {
  return {{{uniform({2, 3}, -2, 2), uniform({2, 3}, 0.5, 2)}},
          {{uniform({2, 3}, -2, 2), uniform({3}, 0.5, 2)}},
          {{uniform({2, 1, 3}, -2, 2), uniform({4, 1}, 0.5, 2)}},
          {{uniform({}, -2, 2), uniform({2}, 0.5, 2)}},
          {{uniform({3, 2}, -2, 2).transpose(), uniform({2, 3}, 0.5, 2)}},
          {{uniform({0, 3}, -2, 2), uniform({3}, 0.5, 2)}}};
}
std::vector<Sample> positive_pairs() {
  return {{{uniform({2, 3}, 0.5, 2), uniform({2, 3}, -2, 2)}},
          {{uniform({2, 3}, 0.5, 2), uniform({3}, -2, 2)}}};
}
std::vector<Sample> distinct_pairs() {
  return {{{distinct({2, 3}, -2, 2), distinct({2, 3}, -1.7, 2.4)}},
          {{distinct({4, 3}, -2, 2), distinct({3}, -1, 1.1)}}};
}

// 1 where a > b, 1/2 where they are equal, 0 elsewhere: who gets the gradient of a maximum.
constinit const OpDef kPrefer{
    .name = "prefer",
    .doc = "1 where a > b, 1/2 where a = b, else 0",
    .arity = 2,
    .infer = broadcast_floating,
    .cpu = binary([](auto a, auto b) {
      using T = decltype(a);
      return a > b ? T(1) : a == b ? T(0.5) : T(0);
    }),
    .vjp = not_differentiable,
    .samples = distinct_pairs,
};
Tensor prefer(const Tensor& a, const Tensor& b) { return apply_one(kPrefer, {a, b}); }

}  // namespace

constinit const OpDef kAdd{
    .name = "add",
    .doc = "a + b",
    .arity = 2,
    .infer = broadcast_number,
    .cpu = binary_number([](auto a, auto b) { return a + b; }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return a.grad[0]; }), gradient_for(a, 1, [&] { return a.grad[0]; })};
    },
    .slot = SlotId::add,
    .samples = pairs,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), uniform({4}, 0, 1)}},
               "add: left is [2, 3] and right is [4]; counted from the last, each two axes must be equal, or "
               "one of "
               "them 1"},
              {{{uniform({2}, 0, 1), uniform({2}, 0, 1, DType::f32)}},
               "add: left is f64 [2] and right is f32 [2]; both must have one element type. Convert one with "
               "to()."},
              {{{Tensor::zeros({2}, DType::boolean), Tensor::zeros({2}, DType::boolean)}},
               "add: bool [2] is given; it takes f32, f64, i64 and i32. Convert it with to()."}};
        },
};

constinit const OpDef kSubtract{
    .name = "subtract",
    .doc = "a - b",
    .arity = 2,
    .infer = broadcast_number,
    .cpu = binary_number([](auto a, auto b) { return a - b; }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return a.grad[0]; }),
              gradient_for(a, 1, [&] { return negative(a.grad[0]); })};
    },
    .slot = SlotId::subtract,
    .samples = pairs,
};

constinit const OpDef kMultiply{
    .name = "multiply",
    .doc = "a b",
    .arity = 2,
    .infer = broadcast_number,
    .cpu = binary_number([](auto a, auto b) { return a * b; }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return multiply(a.grad[0], a.in[1]); }),
              gradient_for(a, 1, [&] { return multiply(a.grad[0], a.in[0]); })};
    },
    .saves = {.inputs = 0b11},
    .slot = SlotId::multiply,
    .samples = pairs,
};

constinit const OpDef kDivide{
    .name = "divide",
    .doc = "a / b",
    .arity = 2,
    .infer = broadcast_floating,
    .cpu = binary([](auto a, auto b) { return a / b; }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return divide(a.grad[0], a.in[1]); }),
              gradient_for(a, 1, [&] { return negative(divide(multiply(a.grad[0], a.out[0]), a.in[1])); })};
    },
    .saves = {.inputs = 0b10, .outputs = 0b1},
    .slot = SlotId::divide,
    .samples = pairs,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{Tensor::zeros({2}, DType::i64), Tensor::zeros({2}, DType::i64)}},
               "divide: i64 [2] is given; it takes f32 and f64. Convert it with to()."}};
        },
};

constinit const OpDef kMinimum{
    .name = "minimum",
    .doc = "the smaller of a and b",
    .arity = 2,
    .infer = broadcast_number,
    .cpu = binary_number([](auto a, auto b) { return a < b || a != a ? a : b; }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return multiply(a.grad[0], prefer(a.in[1], a.in[0])); }),
              gradient_for(a, 1, [&] { return multiply(a.grad[0], prefer(a.in[0], a.in[1])); })};
    },
    .saves = {.inputs = 0b11},
    .samples = distinct_pairs,
};

constinit const OpDef kMaximum{
    .name = "maximum",
    .doc = "the larger of a and b",
    .arity = 2,
    .infer = broadcast_number,
    .cpu = binary_number([](auto a, auto b) { return a > b || a != a ? a : b; }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return multiply(a.grad[0], prefer(a.in[0], a.in[1])); }),
              gradient_for(a, 1, [&] { return multiply(a.grad[0], prefer(a.in[1], a.in[0])); })};
    },
    .saves = {.inputs = 0b11},
    .samples = distinct_pairs,
};

constinit const OpDef kPower{
    .name = "power",
    .doc = "a^b; the gradient of b needs a > 0",
    .arity = 2,
    .infer = broadcast_floating,
    .cpu = binary([](auto a, auto b) { return std::pow(a, b); }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return a.grad[0] * a.in[1] * power(a.in[0], a.in[1] - 1.0); }),
              gradient_for(a, 1, [&] { return a.grad[0] * a.out[0] * log(a.in[0]); })};
    },
    .saves = {.inputs = 0b11, .outputs = 0b1},
    .samples = positive_pairs,
};

constinit const OpDef kScale{
    .name = "scale",
    .doc = "factor x + offset",
    .attributes = &ScaleAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto s = a.attributes.as<ScaleAttributes>();
      if (!is_floating(a.in[0].dtype()) &&
          (s.factor != std::trunc(s.factor) || s.offset != std::trunc(s.offset)))
        throw DTypeError("scale",
                         a.in[0].text() + " holds whole numbers and cannot be multiplied by " +
                             to_text(s.factor) + " and moved by " + to_text(s.offset),
                         "Convert it with to().");
      return same_number(a);
    },
    .cpu = unary_number<ScaleAttributes>([](auto v, const ScaleAttributes& s) {
      using T = decltype(v);
      return v * static_cast<T>(s.factor) + static_cast<T>(s.offset);
    }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {scale(a.grad[0], a.attributes.as<ScaleAttributes>().factor)};
    },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 3}, -2, 2)}, ScaleAttributes{-2.5, 1}},
                                     {{uniform({3, 2}, -2, 2).transpose()}, ScaleAttributes{0.5, 0}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{Tensor::zeros({2}, DType::i64)}, ScaleAttributes{0.5, 0}},
                                         "scale: i64 [2] holds whole numbers and cannot be multiplied by 0.5 "
                                         "and moved by 0. Convert it with "
                                         "to()."}};
        },
};

constinit const OpDef kPowerScalar{
    .name = "power_scalar",
    .doc = "x^exponent",
    .attributes = &PowerAttributes::list,
    .infer = same_as_first,
    .cpu = unary<PowerAttributes>(
        [](auto v, const PowerAttributes& p) { return std::pow(v, static_cast<decltype(v)>(p.exponent)); }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      const double p = a.attributes.as<PowerAttributes>().exponent;
      return {scale(multiply(a.grad[0], power(a.in[0], p - 1)), p)};
    },
    .saves = {.inputs = 0b1},
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 3}, 0.5, 2)}, PowerAttributes{2.5}},
                                     {{uniform({4}, -2, -0.5)}, PowerAttributes{3}}};
        },
};

Tensor add(const Tensor& a, const Tensor& b) { return apply_one(kAdd, {a, b}); }
Tensor subtract(const Tensor& a, const Tensor& b) { return apply_one(kSubtract, {a, b}); }
Tensor multiply(const Tensor& a, const Tensor& b) { return apply_one(kMultiply, {a, b}); }
Tensor divide(const Tensor& a, const Tensor& b) { return apply_one(kDivide, {a, b}); }
Tensor minimum(const Tensor& a, const Tensor& b) { return apply_one(kMinimum, {a, b}); }
Tensor maximum(const Tensor& a, const Tensor& b) { return apply_one(kMaximum, {a, b}); }
Tensor power(const Tensor& a, const Tensor& b) { return apply_one(kPower, {a, b}); }
Tensor power(const Tensor& x, double exponent) {
  return apply_one(kPowerScalar, {x}, PowerAttributes{exponent});
}
Tensor scale(const Tensor& x, double factor, double offset) {
  return apply_one(kScale, {x}, ScaleAttributes{factor, offset});
}
Tensor negative(const Tensor& x) { return scale(x, -1); }

namespace {

// A number beside a tensor of x's element type.
Tensor beside(const Tensor& x, double c) {
  return Tensor::full({}, c, is_floating(x.dtype()) ? x.dtype() : DType::f64);
}

}  // namespace

Tensor operator/(const Tensor& x, double c) { return divide(x, beside(x, c)); }
Tensor operator/(double c, const Tensor& x) { return divide(beside(x, c), x); }

std::span<const OpDef* const> arithmetic_ops() {
  static constexpr const OpDef* kOps[] = {&kAdd,     &kSubtract, &kMultiply, &kDivide,      &kMinimum,
                                          &kMaximum, &kPower,    &kScale,    &kPowerScalar, &kPrefer};
  return kOps;
}

}  // namespace cairn
