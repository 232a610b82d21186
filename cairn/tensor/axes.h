// Axes as people give them, checked.
#pragma once

#include <cstdint>

#include "cairn/tensor/attributes.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

// The axis of `t`, negative ones counted from the end. ShapeError `where: axis 2 does not exist in f32 [2,
// 3];
// ...`.
int checked_axis(const char* where, std::int64_t axis, const Tensor& t);
// One bit an axis; all of them when none is given. ShapeError also when one is given twice.
std::uint32_t checked_axes(const char* where, const AxisList& axes, const Tensor& t);

}  // namespace cairn
