// Private to kernels/: functions of rows of f32, the instruction set chosen at run time.
#pragma once

#include <cstdint>

#include "cairn/ops/linear.h"

namespace cairn::kernels {

void tanh_row(const float* x, float* y, std::int64_t n);  // y may be x
void sigmoid_row(const float* x, float* y, std::int64_t n);
void relu_row(const float* x, float* y, std::int64_t n);
void activate_row(LinearActivation f, float* row, std::int64_t n);  // in place

// To be called before the address of a function is taken by HWY_DYNAMIC_DISPATCH: until an instruction set
// has been chosen it is that of the chooser, which asks the processor again at every call, and a virtual
// machine takes its time to answer.
void choose_instruction_set();

}  // namespace cairn::kernels
