// What layers on images ask of their parameters and of the samples that come in.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/ops/window.h"
#include "cairn/tensor/shape.h"

namespace cairn {

inline constexpr double kMostTaps = 10000;  // sides, strides and paddings beyond this are mistakes

// "valid" (none), "same", or a number of rows and columns on every side. ParamError naming `owner`.
Padding padding_named(const char* owner, const std::string& text);
// The sample itself. ShapeError: it is no image [H, W, C].
Shape image_sample(const char* name, const Shape& sample);

}  // namespace cairn
