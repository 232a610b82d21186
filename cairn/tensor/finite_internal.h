// Private to tensor/: the check behind set_check_finite().
#pragma once

#include <span>

#include "cairn/tensor/op.h"

namespace cairn {

// FitError when a result holds NaN or infinity that no input holds, or an input holds NaN.
void check_finite_result(const OpDef& op, std::span<const Tensor> in, std::span<const Tensor> out);

}  // namespace cairn
