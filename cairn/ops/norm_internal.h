// Private to ops/: the plain kernels of normalisations, sums in f64, two passes.
#pragma once

#include "cairn/ops/norm.h"

namespace cairn {

void batch_norm_reference(const KernelArgs& a);
void batch_norm_inference_reference(const KernelArgs& a);
void batch_norm_gradient_reference(const KernelArgs& a);
void layer_norm_reference(const KernelArgs& a);
void layer_norm_gradient_reference(const KernelArgs& a);

}  // namespace cairn
