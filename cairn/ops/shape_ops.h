// Work on shapes: views where nothing must move, any element type. Negative axes count from the end.
#pragma once

#include <span>
#include <vector>

#include "cairn/tensor/op.h"

namespace cairn {

// Views.
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor permute(const Tensor& x, const AxisList& axes);  // output axis i is input axis axes[i]
Tensor transpose(const Tensor& x, int axis_a = -2, int axis_b = -1);
Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1);
Tensor flip(const Tensor& x, int axis);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
Tensor expand_dims(const Tensor& x, int axis);               // a new axis of length 1 that becomes `axis`
Tensor squeeze(const Tensor& x, const AxisList& axes = {});  // those of length 1 go; none given: all of them
std::vector<Tensor> split(const Tensor& x, std::int64_t parts, int axis = 0);  // of equal length
std::vector<Tensor> split(const Tensor& x, std::span<const std::int64_t> lengths, int axis = 0);

// Copies.
Tensor concatenate(std::span<const Tensor> parts, int axis = 0);
Tensor concatenate(std::initializer_list<Tensor> parts, int axis = 0);
Tensor stack(std::span<const Tensor> parts, int axis = 0);  // along a new axis
Tensor stack(std::initializer_list<Tensor> parts, int axis = 0);
Tensor repeat(const Tensor& x, std::int64_t times, int axis);  // each element `times` times in a row
Tensor pad(const Tensor& x, int axis, std::int64_t before, std::int64_t after, double value = 0);
Tensor tril(const Tensor& x, std::int64_t diagonal = 0);  // zeros above the diagonal of the last two axes
Tensor triu(const Tensor& x, std::int64_t diagonal = 0);  // zeros below it

// By index, i64; outside of the axis: ShapeError.
// Rows of an axis: out[..., i, ...] = x[..., index[i], ...] with index [n].
Tensor index_select(const Tensor& x, const Tensor& index, int axis = 0);
// x with source[..., i, ...] added at index[i] along the axis.
Tensor index_add(const Tensor& x, const Tensor& index, const Tensor& source, int axis = 0);
// out[i][j] = x[i][index[i][j]] for axis 1, and so on: index has x's shape except along the axis.
Tensor gather(const Tensor& x, const Tensor& index, int axis);
// x with source put at index, the reverse of gather. ShapeError: an index that names a place twice.
Tensor scatter(const Tensor& x, const Tensor& index, const Tensor& source, int axis);
// x with source added at index.
Tensor scatter_add(const Tensor& x, const Tensor& index, const Tensor& source, int axis);
Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype = DType::f32);  // [..., classes]

Tensor eye(std::int64_t n, DType dtype = DType::f32);
Tensor arange(std::int64_t n, DType dtype = DType::i64);  // 0 .. n-1

}  // namespace cairn
