// Private to kernels/: what a kernel of the operation `linear` works on.
#pragma once

#include <cstdint>

#include "cairn/ops/linear.h"
#include "cairn/tensor/op.h"
#include "cairn/tensor/strided.h"

namespace cairn::kernels {

// y [m, n] = f(x [m, k] w [n, k]^T + b [n]), all of f32 in C order.
struct LinearOperands {
  Tensor input, weight, bias;  // hold the memory
  const float *x, *w, *b;      // b: null where there is none
  float* y;
  std::int64_t m, n, k;
  LinearActivation activation;

  explicit LinearOperands(const KernelArgs& a)
      : input(dense(a.in[0])),
        weight(dense(a.in[1])),
        bias(a.in.size() == 3 ? dense(a.in[2]) : Tensor()),
        x(input.data<float>().data()),
        w(weight.data<float>().data()),
        b(bias.defined() ? bias.data<float>().data() : nullptr),
        y(a.out[0].mutable_data<float>().data()),
        m(a.out[0].size() / weight.size(0)),
        n(weight.size(0)),
        k(weight.size(1)),
        activation(static_cast<LinearActivation>(a.attributes.as<LinearAttributes>().activation)) {}
};

}  // namespace cairn::kernels
