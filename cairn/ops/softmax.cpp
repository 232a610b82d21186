#include <algorithm>

#include "cairn/ops/activation.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/strided.h"

namespace cairn {

const ParamList& SoftmaxAttributes::list() {
  static const ParamList l{param<&SoftmaxAttributes::axis>("axis", "the axis that sums to 1")};
  return l;
}

namespace {

TensorSpecs softmax_spec(const OpArgs& a) {
  checked_axis(a.name, a.attributes.as<SoftmaxAttributes>().axis, a.in[0]);
  return same_as_first(a);
}

// One lane: the largest is subtracted, so nothing overflows. All -inf: NaN, as 0 / 0 is.
template <class T, bool kLog>
void softmax_lane(const T* x, T* y, std::int64_t n, std::int64_t s) {
  T top = x[0];
  for (std::int64_t i = 1; i < n; ++i) top = std::max(top, x[i * s]);
  double total = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const T e = std::exp(x[i * s] - top);
    if constexpr (!kLog) y[i * s] = e;
    total += e;
  }
  if constexpr (kLog) {
    const T rest = static_cast<T>(std::log(total));  // beside a large top it would be rounded away
    for (std::int64_t i = 0; i < n; ++i) y[i * s] = x[i * s] - top - rest;
  } else {
    const T factor = static_cast<T>(1 / total);
    for (std::int64_t i = 0; i < n; ++i) y[i * s] *= factor;
  }
}

template <bool kLog>
void softmax_kernel(const KernelArgs& a) {
  const Tensor x = dense(a.in[0]);
  if (x.size() == 0) return;
  const std::int64_t axis = a.attributes.as<SoftmaxAttributes>().axis;
  const int at = static_cast<int>(axis < 0 ? axis + x.ndim() : axis);
  const std::int64_t n = x.size(at), inner = x.stride(at), lanes = x.size() / n;
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data<T>().data();
    T* to = a.out[0].mutable_data<T>().data();
    parallel_for(lanes, std::max<std::int64_t>(1, 4096 / n), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        const std::int64_t offset = k / inner * inner * n + k % inner;
        softmax_lane<T, kLog>(from + offset, to + offset, n, inner);
      }
    });
  };
  x.dtype() == DType::f32 ? run(float{}) : run(double{});
}

std::vector<Sample> samples() {
  return {{{uniform({2, 4}, -3, 3)}, SoftmaxAttributes{}},
          {{uniform({2, 3, 2}, -3, 3)}, SoftmaxAttributes{1}},
          {{uniform({4, 2}, 700, 720).transpose()}, SoftmaxAttributes{0}},
          {{uniform({0, 2}, 0, 1)}, SoftmaxAttributes{}}};
}

}  // namespace

constinit const OpDef kSoftmax{
    .name = "softmax",
    .doc = "e^x / sum of e^x along an axis",
    .attributes = &SoftmaxAttributes::list,
    .infer = softmax_spec,
    .cpu = softmax_kernel<false>,
    .vjp = [](const VjpArgs& a) -> Tensors {  // y (g - <g, y>)
      const int axis = static_cast<int>(a.attributes.as<SoftmaxAttributes>().axis);
      return {a.out[0] * (a.grad[0] - sum(a.grad[0] * a.out[0], {axis}, true))};
    },
    .saves = {.outputs = 0b1},
    .slot = SlotId::softmax,
    .samples = samples,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1)}, SoftmaxAttributes{2}},
               "softmax: axis 2 does not exist in f64 [2, 3]; its axes are -2 to 1"}};
        },
};
constinit const OpDef kLogSoftmax{
    .name = "log_softmax",
    .doc = "logarithm of softmax, exact for small probabilities",
    .attributes = &SoftmaxAttributes::list,
    .infer = softmax_spec,
    .cpu = softmax_kernel<true>,
    .vjp = [](const VjpArgs& a) -> Tensors {
      const int axis = static_cast<int>(a.attributes.as<SoftmaxAttributes>().axis);
      return {a.grad[0] - exp(a.out[0]) * sum(a.grad[0], {axis}, true)};
    },
    .saves = {.outputs = 0b1},
    .slot = SlotId::log_softmax,
    .samples = samples,
};
constinit const OpDef kSoftmaxJacobian{
    .name = "softmax_jacobian",
    .doc = "diag(y) - y y^T along the last axis",
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const TensorSpecs specs = same_as_first(a);
      checked_axis(a.name, -1, a.in[0]);
      SmallVector<std::int64_t, 8> dims;
      for (const std::int64_t d : specs[0].shape.dims()) dims.push_back(d);
      dims.push_back(dims.back());
      return {{Shape(std::span<const std::int64_t>(dims.data(), dims.size())), specs[0].dtype}};
    },
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor& y = a.in[0];
      const Tensor column = expand_dims(y, -1), row = expand_dims(y, -2);
      return {column * eye(y.size(y.ndim() - 1), y.dtype()) - column * row};
    },
    .samples = [] { return std::vector<Sample>{{{uniform({2, 3}, 0, 1)}}}; },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{whole_numbers({3}, 5)}},
               "softmax_jacobian: i64 [3] is given; it takes f32 and f64. Convert it with to()."}};
        },
};

Tensor softmax(const Tensor& x, int axis) { return apply_one(kSoftmax, {x}, SoftmaxAttributes{axis}); }
Tensor log_softmax(const Tensor& x, int axis) { return apply_one(kLogSoftmax, {x}, SoftmaxAttributes{axis}); }
Tensor softmax_jacobian(const Tensor& y) { return apply_one(kSoftmaxJacobian, {y}); }

std::span<const OpDef* const> softmax_ops() {
  static constexpr const OpDef* kOps[] = {&kSoftmax, &kLogSoftmax, &kSoftmaxJacobian};
  return kOps;
}

}  // namespace cairn
