#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/elementwise_internal.h"

namespace cairn {
namespace {

struct ClipAttributes {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  static const ParamList& list() {
    static const ParamList l{param<&ClipAttributes::low>("low", "smaller values become this"),
                             param<&ClipAttributes::high>("high", "larger values become this")};
    return l;
  }
};

std::vector<Sample> signed_values() {  // not near 0, where abs and its like have a corner
  return {
      {{distinct({2, 4}, -2, 2.3)}}, {{distinct({4, 2}, -2, 2.3).transpose()}}, {{uniform({0, 2}, -1, 1)}}};
}
std::vector<Sample> positive_values() {
  return {{{uniform({2, 3}, 0.3, 3)}}, {{uniform({3, 2}, 0.3, 3).transpose()}}};
}

// Between whole numbers, the corners of floor and its like.
std::vector<Sample> off_whole() { return {{{scale(distinct({5}, -2, 2), 1, 0.3)}}}; }
Tensors zero_gradient(const VjpArgs& a) { return {scale(a.grad[0], 0)}; }

constexpr double kTwoOverRootPi = 1.12837916709551257390;

constinit const OpDef kInside{
    .name = "inside",
    .doc = "1 where low <= x <= high, else 0",
    .attributes = &ClipAttributes::list,
    .infer = same_number,
    .cpu = unary_number<ClipAttributes>([](auto v, const ClipAttributes& c) {
      return static_cast<decltype(v)>(static_cast<double>(v) >= c.low && static_cast<double>(v) <= c.high);
    }),
    .vjp = not_differentiable,
    .samples = [] { return std::vector<Sample>{{{distinct({5}, -2, 2)}, ClipAttributes{-1, 1}}}; },
};

}  // namespace

constinit const OpDef kExp{
    .name = "exp",
    .doc = "e^x",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::exp(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * a.out[0]}; },
    .saves = {.outputs = 0b1},
    .slot = SlotId::exp,
    .samples = signed_values,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{Tensor::zeros({3}, DType::i32)}},
               "exp: i32 [3] is given; it takes f32 and f64. Convert it with to()."},
              {{{Tensor()}}, "exp: its tensor is undefined"},
              {{{uniform({1}, 0, 1), uniform({1}, 0, 1)}}, "exp: 2 tensors are given; it takes 1"}};
        },
};
constinit const OpDef kExpm1{
    .name = "expm1",
    .doc = "e^x - 1, exact for small x",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::expm1(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * (a.out[0] + 1.0)}; },
    .saves = {.outputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kLog{
    .name = "log",
    .doc = "natural logarithm",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::log(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] / a.in[0]}; },
    .saves = {.inputs = 0b1},
    .slot = SlotId::log,
    .samples = positive_values,
};
constinit const OpDef kLog1p{
    .name = "log1p",
    .doc = "log(1 + x), exact for small x",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::log1p(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] / (a.in[0] + 1.0)}; },
    .saves = {.inputs = 0b1},
    .samples = positive_values,
};
constinit const OpDef kSqrt{
    .name = "sqrt",
    .doc = "square root",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::sqrt(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {scale(a.grad[0], 0.5) / a.out[0]}; },
    .saves = {.outputs = 0b1},
    .samples = positive_values,
};
constinit const OpDef kRsqrt{
    .name = "rsqrt",
    .doc = "1 / sqrt(x)",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return 1 / std::sqrt(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {scale(a.grad[0], -0.5) * a.out[0] * square(a.out[0])}; },
    .saves = {.outputs = 0b1},
    .samples = positive_values,
};
constinit const OpDef kReciprocal{
    .name = "reciprocal",
    .doc = "1 / x",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return 1 / v; }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {negative(a.grad[0]) * square(a.out[0])}; },
    .saves = {.outputs = 0b1},
    .samples = positive_values,
};
constinit const OpDef kSquare{
    .name = "square",
    .doc = "x^2",
    .infer = same_number,
    .cpu = unary_number([](auto v) { return v * v; }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {scale(a.grad[0], 2) * a.in[0]}; },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{Tensor::zeros({2}, DType::boolean)}},
               "square: bool [2] is given; it takes f32, f64, i64 and i32. Convert it with to()."}};
        },
};
constinit const OpDef kAbs{
    .name = "abs",
    .doc = "|x|; gradient 0 at 0",
    .infer = same_number,
    .cpu = unary_number([](auto v) { return std::abs(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * sign(a.in[0])}; },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kSign{
    .name = "sign",
    .doc = "-1, 0 or 1",
    .infer = same_number,
    .cpu = unary_number([](auto v) {
      using T = decltype(v);
      return v > 0 ? T(1) : v < 0 ? T(-1) : v;  // NaN stays NaN
    }),
    .vjp = zero_gradient,
    .samples = signed_values,
};
constinit const OpDef kClip{
    .name = "clip",
    .doc = "x, not below low and not above high",
    .attributes = &ClipAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto c = a.attributes.as<ClipAttributes>();
      if (!(c.low <= c.high))
        throw ParamError("clip", "low = " + to_text(c.low) + " lies above high = " + to_text(c.high));
      return same_number(a);
    },
    .cpu = unary_number<ClipAttributes>([](auto v, const ClipAttributes& c) {
      using T = decltype(v);
      return static_cast<double>(v) < c.low    ? static_cast<T>(c.low)
             : static_cast<double>(v) > c.high ? static_cast<T>(c.high)
                                               : v;
    }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {a.grad[0] * apply_one(kInside, {a.in[0]}, a.attributes)};
    },
    .saves = {.inputs = 0b1},
    .samples = [] { return std::vector<Sample>{{{distinct({2, 4}, -2, 2.3)}, ClipAttributes{-1, 1}}}; },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2}, 0, 1)}, ClipAttributes{1, -1}}, "clip: low = 1 lies above high = -1"}};
        },
};
constinit const OpDef kSin{
    .name = "sin",
    .doc = "sine",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::sin(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * cos(a.in[0])}; },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kCos{
    .name = "cos",
    .doc = "cosine",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::cos(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {negative(a.grad[0] * sin(a.in[0]))}; },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kTan{
    .name = "tan",
    .doc = "tangent",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::tan(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * (square(a.out[0]) + 1.0)}; },
    .saves = {.outputs = 0b1},
    .samples = [] { return std::vector<Sample>{{{uniform({2, 3}, -1, 1)}}}; },
};
constinit const OpDef kAtan{
    .name = "atan",
    .doc = "arc tangent",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::atan(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] / (square(a.in[0]) + 1.0)}; },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kSinh{
    .name = "sinh",
    .doc = "hyperbolic sine",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::sinh(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * cosh(a.in[0])}; },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kCosh{
    .name = "cosh",
    .doc = "hyperbolic cosine",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::cosh(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * sinh(a.in[0])}; },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kErf{
    .name = "erf",
    .doc = "error function",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::erf(v); }),
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {scale(a.grad[0], kTwoOverRootPi) * exp(negative(square(a.in[0])))};
    },
    .saves = {.inputs = 0b1},
    .samples = signed_values,
};
constinit const OpDef kFloor{
    .name = "floor",
    .doc = "the next whole number below",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::floor(v); }),
    .vjp = zero_gradient,
    .samples = off_whole,
};
constinit const OpDef kCeil{
    .name = "ceil",
    .doc = "the next whole number above",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::ceil(v); }),
    .vjp = zero_gradient,
    .samples = off_whole,
};
constinit const OpDef kRound{
    .name = "round",
    .doc = "the nearest whole number, halves to even",
    .infer = same_as_first,
    .cpu = unary([](auto v) { return std::nearbyint(v); }),
    .vjp = zero_gradient,
    .samples = off_whole,
};

Tensor exp(const Tensor& x) { return apply_one(kExp, {x}); }
Tensor expm1(const Tensor& x) { return apply_one(kExpm1, {x}); }
Tensor log(const Tensor& x) { return apply_one(kLog, {x}); }
Tensor log1p(const Tensor& x) { return apply_one(kLog1p, {x}); }
Tensor sqrt(const Tensor& x) { return apply_one(kSqrt, {x}); }
Tensor rsqrt(const Tensor& x) { return apply_one(kRsqrt, {x}); }
Tensor reciprocal(const Tensor& x) { return apply_one(kReciprocal, {x}); }
Tensor square(const Tensor& x) { return apply_one(kSquare, {x}); }
Tensor abs(const Tensor& x) { return apply_one(kAbs, {x}); }
Tensor sign(const Tensor& x) { return apply_one(kSign, {x}); }
Tensor clip(const Tensor& x, double low, double high) {
  return apply_one(kClip, {x}, ClipAttributes{low, high});
}
Tensor sin(const Tensor& x) { return apply_one(kSin, {x}); }
Tensor cos(const Tensor& x) { return apply_one(kCos, {x}); }
Tensor tan(const Tensor& x) { return apply_one(kTan, {x}); }
Tensor atan(const Tensor& x) { return apply_one(kAtan, {x}); }
Tensor sinh(const Tensor& x) { return apply_one(kSinh, {x}); }
Tensor cosh(const Tensor& x) { return apply_one(kCosh, {x}); }
Tensor erf(const Tensor& x) { return apply_one(kErf, {x}); }
Tensor floor(const Tensor& x) { return apply_one(kFloor, {x}); }
Tensor ceil(const Tensor& x) { return apply_one(kCeil, {x}); }
Tensor round(const Tensor& x) { return apply_one(kRound, {x}); }

std::span<const OpDef* const> math_ops() {
  static constexpr const OpDef* kOps[] = {
      &kExp,    &kExpm1, &kLog, &kLog1p, &kSqrt, &kRsqrt, &kReciprocal, &kSquare, &kAbs,   &kSign, &kClip,
      &kInside, &kSin,   &kCos, &kTan,   &kAtan, &kSinh,  &kCosh,       &kErf,    &kFloor, &kCeil, &kRound};
  return kOps;
}

}  // namespace cairn
