// Private to ops/: the plain kernels of convolutions, sums in f64 and in the order of the formulas.
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

void conv2d_reference(const KernelArgs& a);
void conv2d_data_gradient_reference(const KernelArgs& a);
void conv2d_weight_gradient_reference(const KernelArgs& a);

}  // namespace cairn
