// Values for the samples of operations: the same ones every time.
#pragma once

#include <vector>

#include "cairn/tensor/op.h"

namespace cairn {

Tensor uniform(const Shape& shape, double low, double high, DType dtype = DType::f64);  // in [low, high)
// 0 .. n-1 in an order of their own, divided by n and spread over [low, high]: no two alike, for maxima and
// sorting.
Tensor distinct(const Shape& shape, double low, double high, DType dtype = DType::f64);
Tensor indices(const std::vector<std::int64_t>& values, const Shape& shape);  // i64: rows, or classes
Tensor whole_numbers(const Shape& shape, std::int64_t below, DType dtype = DType::i64);  // in [0, below)

}  // namespace cairn
