// Private to ops/: what other operations with an activation of their own need for their gradients.
#pragma once

#include "cairn/tensor/tensor.h"

namespace cairn {

// gradient where y > 0, 0 elsewhere: the gradient of relu, y being its input or its result.
Tensor relu_gate(Tensor gradient, const Tensor& y);

}  // namespace cairn
