// The two tensors that a residual block adds.
#pragma once

#include <string>

#include "cairn/tensor/tensor.h"

namespace cairn::layer_detail {

// ShapeError naming both where what the body gives and what stands beside it are not alike. To be asked
// before a layer has changed anything: nothing is broadcast, and no running mean has moved.
void check_beside(const std::string& where, const Tensor& body, const Tensor& beside);

}  // namespace cairn::layer_detail
