#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/strided.h"

namespace cairn {

const ParamList& AxisAttributes::list() {
  static const ParamList l{param<&AxisAttributes::axis>("axis", "the axis that is worked along"),
                           param<&AxisAttributes::keepdims>("keepdims", "leaves an axis of length 1")};
  return l;
}

namespace {

TensorSpecs extreme_spec(const OpArgs& a) {
  TensorSpecs specs = reduced_number(a);
  if (a.in[0].size() == 0 && specs[0].shape.size() > 0)
    throw ShapeError(a.name, "the axes reduced of " + a.in[0].text() + " hold nothing");
  return specs;
}

template <bool kLargest, class T>
inline bool beats(T v, T best) {  // NaN beats all
  return (kLargest ? v > best : v < best) || (v != v && best == best);
}

template <bool kLargest>
void extreme_kernel(const KernelArgs& a) {
  const Tensor& x = a.in[0];
  const Lanes l = lanes_of(x, axes_of(a.attributes.as<ReduceAttributes>().axes, x.shape()));
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = reinterpret_cast<const T*>(x.raw());
    T* y = reinterpret_cast<T*>(const_cast<std::byte*>(a.out[0].raw()));
    parallel_for(l.num_kept, std::max<std::int64_t>(1, (1 << 15) / std::max<std::int64_t>(1, l.num_reduced)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t k = begin; k < end; ++k) {
                     T best = from[offset_of(l.kept, k)];
                     each_run(l, from, k, [&](const T* p, std::int64_t stride, std::int64_t n) {
                       for (std::int64_t i = 0; i < n; ++i)
                         if (beats<kLargest>(p[i * stride], best)) best = p[i * stride];
                     });
                     y[k] = best;
                   }
                 });
  });
}

// Equal extremes share the gradient.
Tensors extreme_vjp(const VjpArgs& a) {
  const Shape& shape = a.in_specs[0].shape;
  const AxisList axes = a.attributes.as<ReduceAttributes>().axes;
  const std::uint32_t bits = axes_of(axes, shape);
  const Tensor mask = equal(a.in[0], with_axes(a.out[0], shape, bits)).to(a.in_specs[0].dtype);
  return {with_axes(a.grad[0], shape, bits) * (mask / sum(mask, axes, true))};
}

template <bool kLargest>
void arg_kernel(const KernelArgs& a) {
  const Tensor& x = a.in[0];
  const std::int64_t axis = a.attributes.as<AxisAttributes>().axis;
  const Lanes l = lanes_of(x, 1U << (axis < 0 ? axis + x.ndim() : axis));
  std::int64_t* y = a.out[0].mutable_data<std::int64_t>().data();
  with_type(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = reinterpret_cast<const T*>(x.raw());
    for (std::int64_t k = 0; k < l.num_kept; ++k) {
      const T* p = from + offset_of(l.kept, k);
      const std::int64_t stride = l.reduced[0].stride;
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < l.num_reduced; ++i)
        if (beats<kLargest>(p[i * stride], p[best * stride])) best = i;
      y[k] = best;
    }
  });
}
TensorSpecs arg_spec(const OpArgs& a) {
  const auto r = a.attributes.as<AxisAttributes>();
  const int axis = checked_axis(a.name, r.axis, a.in[0]);
  if (a.in[0].size(axis) == 0)
    throw ShapeError(a.name, "axis " + std::to_string(axis) + " of " + a.in[0].text() + " holds nothing");
  return {{reduced_shape(a.in[0].shape(), 1U << axis, r.keepdims), DType::i64}};
}

std::vector<Sample> reductions() {
  return {{{distinct({2, 3}, -2, 2.2)}, ReduceAttributes{}},
          {{distinct({2, 3, 4}, -2, 2.2)}, ReduceAttributes{{1}, true}},
          {{distinct({3, 2}, -2, 2.2).transpose()}, ReduceAttributes{{0}, false}}};
}
std::vector<Sample> along() {
  return {{{distinct({2, 3}, -2, 2.2)}, AxisAttributes{}},
          {{distinct({3, 2}, -2, 2.2).transpose()}, AxisAttributes{0, true}}};
}

}  // namespace

constinit const OpDef kMax{
    .name = "max",
    .doc = "the largest over axes; equal ones share the gradient",
    .attributes = &ReduceAttributes::list,
    .infer = extreme_spec,
    .cpu = extreme_kernel<true>,
    .vjp = extreme_vjp,
    .saves = {.inputs = 0b1, .outputs = 0b1},
    .samples = reductions,
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({0, 3}, 0, 1)}, ReduceAttributes{{0}, false}},
                                         "max: the axes reduced of f64 [0, 3] hold nothing"}};
        },
};
constinit const OpDef kMin{
    .name = "min",
    .doc = "the smallest over axes; equal ones share the gradient",
    .attributes = &ReduceAttributes::list,
    .infer = extreme_spec,
    .cpu = extreme_kernel<false>,
    .vjp = extreme_vjp,
    .saves = {.inputs = 0b1, .outputs = 0b1},
    .samples = reductions,
};
constinit const OpDef kArgmax{
    .name = "argmax",
    .doc = "where the largest along an axis is, the first of equals",
    .attributes = &AxisAttributes::list,
    .infer = arg_spec,
    .cpu = arg_kernel<true>,
    .vjp = not_differentiable,
    .samples = along,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 0}, 0, 1)}, AxisAttributes{}}, "argmax: axis 1 of f64 [2, 0] holds nothing"},
              {{{uniform({}, 0, 1)}, AxisAttributes{}},
               "argmax: axis -1 does not exist in f64 [], which has none"}};
        },
};
constinit const OpDef kArgmin{
    .name = "argmin",
    .doc = "where the smallest along an axis is, the first of equals",
    .attributes = &AxisAttributes::list,
    .infer = arg_spec,
    .cpu = arg_kernel<false>,
    .vjp = not_differentiable,
    .samples = along,
};

Tensor max(const Tensor& x, const AxisList& axes, bool keepdims) {
  return apply_one(kMax, {x}, ReduceAttributes{axes, keepdims});
}
Tensor min(const Tensor& x, const AxisList& axes, bool keepdims) {
  return apply_one(kMin, {x}, ReduceAttributes{axes, keepdims});
}
Tensor argmax(const Tensor& x, int axis, bool keepdims) {
  return apply_one(kArgmax, {x}, AxisAttributes{axis, keepdims});
}
Tensor argmin(const Tensor& x, int axis, bool keepdims) {
  return apply_one(kArgmin, {x}, AxisAttributes{axis, keepdims});
}

std::span<const OpDef* const> extreme_ops() {
  static constexpr const OpDef* kOps[] = {&kMax, &kMin, &kArgmax, &kArgmin};
  return kOps;
}

}  // namespace cairn
