// The layer of every network: y = f(x W^T + b) for x [..., I], weight [O, I], bias [O].
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

enum class LinearActivation : std::int8_t { none, relu, sigmoid, tanh };

Tensor linear(const Tensor& x, const Tensor& weight, LinearActivation activation = LinearActivation::none);
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              LinearActivation activation = LinearActivation::none);

struct LinearAttributes {
  std::int8_t activation = 0;  // a LinearActivation
  static const ParamList& list();
};
extern const OpDef kLinear;  // x, weight and, if there is one, bias

}  // namespace cairn
