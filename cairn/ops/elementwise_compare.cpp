#include <fmt/format.h>

#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/elementwise_internal.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

std::vector<Sample> pairs() {
  return {{{whole_numbers({2, 3}, 3), whole_numbers({3}, 3)}},
          {{uniform({3, 2}, -1, 1).transpose(), uniform({2, 3}, -1, 1)}}};
}
std::vector<Sample> truth_pairs() {
  return {{{whole_numbers({2, 3}, 2, DType::boolean), whole_numbers({3}, 2, DType::boolean)}}};
}

void need_bool(const OpArgs& a, const Tensor& t) {
  if (t.dtype() != DType::boolean)
    throw DTypeError(a.name, t.text() + " is given; it takes bool", "Compare first, as in x > y.");
}
TensorSpecs logical_spec(const OpArgs& a) {
  for (const Tensor& t : a.in) need_bool(a, t);
  return {{a.in.size() == 2 ? broadcast_shape(a.name, a.in[0].shape(), a.in[1].shape()) : a.in[0].shape(),
           DType::boolean}};
}

template <class T>
void where_row(const Row& r) {
  const auto* c = reinterpret_cast<const bool*>(r.in[0]);
  const T *a = reinterpret_cast<const T*>(r.in[1]), *b = reinterpret_cast<const T*>(r.in[2]);
  T* y = reinterpret_cast<T*>(r.out);
  const std::int64_t s = r.stride[0], t = r.stride[1], u = r.stride[2];
  for (std::int64_t i = 0; i < r.n; ++i) y[i] = c[i * s] ? a[i * t] : b[i * u];
}
template <class T>
void finite_row(const Row& r) {
  const T* x = reinterpret_cast<const T*>(r.in[0]);
  bool* y = reinterpret_cast<bool*>(r.out);
  for (std::int64_t i = 0; i < r.n; ++i) y[i] = std::isfinite(x[i * r.stride[0]]);
}
void not_row(const Row& r) {
  const auto* x = reinterpret_cast<const bool*>(r.in[0]);
  bool* y = reinterpret_cast<bool*>(r.out);
  for (std::int64_t i = 0; i < r.n; ++i) y[i] = !x[i * r.stride[0]];
}

}  // namespace

constinit const OpDef kEqual{
    .name = "equal",
    .doc = "a = b, as bool",
    .arity = 2,
    .infer = broadcast_compare,
    .cpu = compare([](auto a, auto b) { return a == b; }),
    .vjp = not_differentiable,
    .samples = pairs,
    .bad_samples = [] {
      return std::vector<BadSample>{{{{Tensor::zeros({2}, DType::i64), Tensor::zeros({2}, DType::i32)}},
                                     "equal: left is i64 [2] and right is i32 [2]; both must have one "
                                     "element type. Convert one with to()."}};
    }};
constinit const OpDef kNotEqual{.name = "not_equal",
                                .doc = "a != b, as bool",
                                .arity = 2,
                                .infer = broadcast_compare,
                                .cpu = compare([](auto a, auto b) { return a != b; }),
                                .vjp = not_differentiable,
                                .samples = pairs};
constinit const OpDef kLess{.name = "less",
                            .doc = "a < b, as bool",
                            .arity = 2,
                            .infer = broadcast_compare,
                            .cpu = compare([](auto a, auto b) { return a < b; }),
                            .vjp = not_differentiable,
                            .samples = pairs};
constinit const OpDef kLessEqual{.name = "less_equal",
                                 .doc = "a <= b, as bool",
                                 .arity = 2,
                                 .infer = broadcast_compare,
                                 .cpu = compare([](auto a, auto b) { return a <= b; }),
                                 .vjp = not_differentiable,
                                 .samples = pairs};
constinit const OpDef kLogicalAnd{
    .name = "logical_and",
    .doc = "both are true",
    .arity = 2,
    .infer = logical_spec,
    .cpu = compare([](auto a, auto b) { return a != 0 && b != 0; }),
    .vjp = not_differentiable,
    .samples = truth_pairs,
    .bad_samples = [] {
      return std::vector<BadSample>{
          {{{uniform({2}, 0, 1), uniform({2}, 0, 1)}},
           "logical_and: f64 [2] is given; it takes bool. Compare first, as in x > y."}};
    }};
constinit const OpDef kLogicalOr{.name = "logical_or",
                                 .doc = "one or both are true",
                                 .arity = 2,
                                 .infer = logical_spec,
                                 .cpu = compare([](auto a, auto b) { return a != 0 || b != 0; }),
                                 .vjp = not_differentiable,
                                 .samples = truth_pairs};
constinit const OpDef kLogicalNot{
    .name = "logical_not",
    .doc = "true where false",
    .infer = logical_spec,
    .cpu = [](const KernelArgs& a) { map_rows(a, not_row); },
    .vjp = not_differentiable,
    .samples = [] { return std::vector<Sample>{{{whole_numbers({5}, 2, DType::boolean)}}}; }};
constinit const OpDef kIsFinite{
    .name = "is_finite",
    .doc = "neither NaN nor infinite",
    .infer = [](const OpArgs& a) -> TensorSpecs {
      same_as_first(a);
      return {{a.in[0].shape(), DType::boolean}};
    },
    .cpu =
        [](const KernelArgs& a) {
          map_rows(a, a.in[0].dtype() == DType::f32 ? finite_row<float> : finite_row<double>);
        },
    .vjp = not_differentiable,
    .samples = [] { return std::vector<Sample>{{{log(uniform({4}, -1, 1))}}}; },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{whole_numbers({3}, 5)}},
               "is_finite: i64 [3] is given; it takes f32 and f64. Convert it with to()."}};
        },
};

constinit const OpDef kWhere{
    .name = "where",
    .doc = "a where the condition holds, else b; all three broadcast",
    .arity = 3,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_bool(a, a.in[0]);
      if (a.in[1].dtype() != a.in[2].dtype())
        throw DTypeError("where",
                         fmt::format("the choices are {} and {}; both must have one element type",
                                     a.in[1].text(), a.in[2].text()),
                         "Convert one with to().");
      const Shape values = broadcast_shape("where", a.in[1].shape(), a.in[2].shape());
      return {{broadcast_shape("where", a.in[0].shape(), values), a.in[1].dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          with_width(size_of(a.out[0].dtype()), [&](auto zero) { map_rows(a, where_row<decltype(zero)>); });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Tensor none = Tensor::zeros({}, a.grad[0].dtype());
      return {Tensor(), gradient_for(a, 1, [&] { return where(a.in[0], a.grad[0], none); }),
              gradient_for(a, 2, [&] { return where(a.in[0], none, a.grad[0]); })};
    },
    .saves = {.inputs = 0b1},
    .samples =
        [] {
          return std::vector<Sample>{
              {{whole_numbers({2, 3}, 2, DType::boolean), uniform({2, 3}, -1, 1), uniform({3}, 0, 2)}},
              {{whole_numbers({2, 1}, 2, DType::boolean), uniform({3, 2}, -1, 1).transpose(),
                uniform({}, 0, 2)}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2}, 0, 1), uniform({2}, 0, 1), uniform({2}, 0, 1)}},
               "where: f64 [2] is given; it takes bool. Compare first, as in x > y."}};
        },
};

Tensor equal(const Tensor& a, const Tensor& b) { return apply_one(kEqual, {a, b}); }
Tensor not_equal(const Tensor& a, const Tensor& b) { return apply_one(kNotEqual, {a, b}); }
Tensor less(const Tensor& a, const Tensor& b) { return apply_one(kLess, {a, b}); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return apply_one(kLessEqual, {a, b}); }
Tensor greater(const Tensor& a, const Tensor& b) { return apply_one(kLess, {b, a}); }
Tensor greater_equal(const Tensor& a, const Tensor& b) { return apply_one(kLessEqual, {b, a}); }
Tensor logical_and(const Tensor& a, const Tensor& b) { return apply_one(kLogicalAnd, {a, b}); }
Tensor logical_or(const Tensor& a, const Tensor& b) { return apply_one(kLogicalOr, {a, b}); }
Tensor logical_not(const Tensor& x) { return apply_one(kLogicalNot, {x}); }
Tensor is_finite(const Tensor& x) { return apply_one(kIsFinite, {x}); }
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return apply_one(kWhere, {condition, a, b});
}

std::span<const OpDef* const> compare_ops() {
  static constexpr const OpDef* kOps[] = {&kEqual,     &kNotEqual,   &kLess,     &kLessEqual, &kLogicalAnd,
                                          &kLogicalOr, &kLogicalNot, &kIsFinite, &kWhere};
  return kOps;
}

}  // namespace cairn
