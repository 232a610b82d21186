// Dropout; Srivastava et al.: Dropout; 2014, scaled while training ("inverted"), so nothing changes
// afterwards.
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

// Zeros with probability `rate`, the others times 1 / (1 - rate). The mask is a function of seed, counter and
// place: the same three give the same mask again, and the gradient the same as forward.
Tensor dropout(const Tensor& x, double rate, std::uint64_t seed, std::uint64_t counter);

}  // namespace cairn
