// Activations of networks, f32 and f64.
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

struct SlopeAttributes {  // of leaky_relu
  double slope = 0.01;
  static const ParamList& list();
};

Tensor relu(const Tensor& x);   // max(x, 0); gradient 0 at 0
Tensor relu6(const Tensor& x);  // min(max(x, 0), 6)
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
Tensor elu(const Tensor& x, double alpha = 1);
Tensor selu(const Tensor& x);  // Klambauer et al.: Self-normalizing neural networks; 2017
Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor softplus(const Tensor& x);      // log(1 + e^x)
Tensor log_sigmoid(const Tensor& x);   // -log(1 + e^-x)
Tensor silu(const Tensor& x);          // x sigmoid(x)
Tensor mish(const Tensor& x);          // x tanh(softplus(x)); Misra 2019
Tensor gelu(const Tensor& x);          // x Phi(x), with the error function; Hendrycks, Gimpel 2016
Tensor hard_sigmoid(const Tensor& x);  // min(max(x + 3, 0), 6) / 6; Howard et al.: MobileNetV3; 2019
Tensor hard_swish(const Tensor& x);    // x hard_sigmoid(x)
Tensor hard_tanh(const Tensor& x);     // min(max(x, -1), 1)

struct SoftmaxAttributes {
  std::int64_t axis = -1;
  static const ParamList& list();
};
Tensor softmax(const Tensor& x, int axis = -1);
Tensor log_softmax(const Tensor& x, int axis = -1);
// diag(y) - y y^T for the softmax y [..., d] along the last axis: [..., d, d].
Tensor softmax_jacobian(const Tensor& y);

}  // namespace cairn
