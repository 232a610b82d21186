// Private to ops/: what reductions share.
#pragma once

#include "cairn/base/parallel.h"
#include "cairn/ops/elementwise_internal.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/axes.h"

namespace cairn {

struct ReduceAttributes {
  AxisList axes;
  bool keepdims = false;
  static const ParamList& list();
};
struct AxisAttributes {
  std::int64_t axis = -1;
  bool keepdims = false;
  static const ParamList& list();
};

Shape reduced_shape(const Shape& shape, std::uint32_t axes, bool keepdims);
TensorSpecs reduced_number(const OpArgs& a);    // ReduceAttributes; f32, f64, i64, i32
TensorSpecs reduced_floating(const OpArgs& a);  // f32, f64
// A reduced tensor (a result or its gradient) with its axes of length 1 back in place.
Tensor with_axes(const Tensor& reduced, const Shape& shape, std::uint32_t axes);
// The axes as bits, by the shape of the input: what a gradient has at hand.
std::uint32_t axes_of(const AxisList& axes, const Shape& shape);

// The lanes of a reduction: for each element of the result, the elements of the input that make it.
struct Lanes {
  struct Axis {
    std::int64_t length, stride;
  };
  SmallVector<Axis, 8> kept, reduced;  // the last one innermost; never empty
  std::int64_t num_kept = 1, num_reduced = 1;
};
Lanes lanes_of(const Tensor& x, std::uint32_t axes);
std::int64_t offset_of(const SmallVector<Lanes::Axis, 8>& axes, std::int64_t index);

// Calls f(pointer, stride, n) for the runs of elements of result k, in order.
template <class T, class F>
void each_run(const Lanes& l, const T* x, std::int64_t k, F&& f) {
  const T* base = x + offset_of(l.kept, k);
  const Lanes::Axis inner = l.reduced[l.reduced.size() - 1];
  const std::int64_t runs = inner.length ? l.num_reduced / inner.length : 0;
  for (std::int64_t r = 0; r < runs; ++r)
    f(base + offset_of(l.reduced, r * inner.length), inner.stride, inner.length);
}

}  // namespace cairn
