// Normalisation of activations: y = gamma (x - mean) / sqrt(variance + epsilon) + beta, channels last.
//
//   auto [y, mean, variance] = batch_norm(x, gamma, beta);      // training: of this batch
//   Tensor z = batch_norm_inference(x, gamma, beta, running_mean, running_variance);
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

struct NormOptions {
  double epsilon = 1e-5;
  bool relu = false;  // max(y, 0), in the same pass over memory
};

// Over all axes but the last; Ioffe, Szegedy: Batch normalization; 2015. x [..., C], gamma and beta [C]; mean
// and variance [C] are divided by the number of rows. With `residual`, of x's shape, y + residual comes
// before relu.
struct BatchNormResult {
  Tensor y, mean, variance;
};
BatchNormResult batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                           const NormOptions& options = {});
BatchNormResult batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& residual,
                           const NormOptions& options = {});
Tensor batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                            const Tensor& variance, const NormOptions& options = {});
Tensor batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                            const Tensor& variance, const Tensor& residual, const NormOptions& options = {});

// average + share (factor value - average): running statistics. Both of one shape.
Tensor moved_towards(const Tensor& average, const Tensor& value, double share, double factor = 1);

// Over the last axis of each row; Ba, Kiros, Hinton: Layer normalization; 2016. gamma and beta [D].
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon = 1e-5);
// Over each group of channels of each example x [N, ..., C]; Wu, He: Group normalization; 2018. C groups:
// instance normalisation.
Tensor group_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::int64_t groups,
                  double epsilon = 1e-5);

struct NormAttributes {
  double epsilon = 1e-5;
  bool relu = false;
  static const ParamList& list();
};

extern const OpDef kBatchNorm;          // x, gamma, beta and, if there is one, residual: y, mean, variance
extern const OpDef kBatchNormRelu;      // the same with .relu
extern const OpDef kBatchNormGradient;  // gradient, x, gamma, mean, variance: of x, gamma, beta
// Of batch_norm_relu: gradient, x, gamma, beta, mean, variance: of x, gamma, beta.
extern const OpDef kBatchNormReluGradient;
// Of batch_norm_relu with a residual: gradient, x, gamma, y, mean, variance: of x, gamma, beta, residual.
extern const OpDef kBatchNormAddReluGradient;
extern const OpDef kBatchNormInference;  // x, gamma, beta, mean, variance and, if there is one, residual
extern const OpDef kMovedTowards;
extern const OpDef kLayerNorm;          // x, gamma, beta: y, mean, variance
extern const OpDef kLayerNormGradient;  // gradient, x, gamma, mean, variance: of x, gamma, beta

}  // namespace cairn
