// Reductions over axes. No axis given: over all of them. keepdims leaves an axis of length 1 where one was
// reduced. The tree of every sum depends on the shape alone.
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

Tensor sum(const Tensor& x, const AxisList& axes = {}, bool keepdims = false);  // f32, f64, i64, i32
Tensor mean(const Tensor& x, const AxisList& axes = {}, bool keepdims = false);
Tensor prod(const Tensor& x, const AxisList& axes = {}, bool keepdims = false);
// Of nothing: ShapeError. Equal largest values share the gradient.
Tensor max(const Tensor& x, const AxisList& axes = {}, bool keepdims = false);
Tensor min(const Tensor& x, const AxisList& axes = {}, bool keepdims = false);
// Divided by n - correction.
Tensor var(const Tensor& x, const AxisList& axes = {}, bool keepdims = false, double correction = 0);
Tensor stddev(const Tensor& x, const AxisList& axes = {}, bool keepdims = false, double correction = 0);
Tensor logsumexp(const Tensor& x, const AxisList& axes = {}, bool keepdims = false);
Tensor norm(const Tensor& x, const AxisList& axes = {}, bool keepdims = false);  // Euclidean; gradient 0 at 0
Tensor argmax(const Tensor& x, int axis, bool keepdims = false);                 // i64; the first of equals
Tensor argmin(const Tensor& x, int axis, bool keepdims = false);
Tensor cumsum(const Tensor& x, int axis);

// x summed over the axes that broadcasting `shape` to x's shape has made: the gradient of broadcasting.
Tensor sum_to(const Tensor& x, const Shape& shape);

}  // namespace cairn
