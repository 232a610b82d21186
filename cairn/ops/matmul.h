// Products of matrices, f32 and f64, on tiles whose shapes depend on the data alone: the same bits for any
// number of threads.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "cairn/tensor/op.h"

namespace cairn {

// a [..., m, k] times b [..., k, n]: [..., m, n]; what stands in front broadcasts. A side with one axis is a
// row on the left, a column on the right. Transposed views are read where they lie.
Tensor matmul(const Tensor& a, const Tensor& b);
Tensor outer(const Tensor& a, const Tensor& b);  // [m], [n]: [m, n]

// Sums of products by the names of axes: einsum("bij,bjk->bik", {a, b}). Without an arrow the names that
// stand once are the result, in the order of the alphabet.
Tensor einsum(std::string_view formula, std::span<const Tensor> inputs);
Tensor einsum(std::string_view formula, std::initializer_list<Tensor> inputs);

}  // namespace cairn
