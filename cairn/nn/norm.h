// Layers that bring what flows through a network to mean 0 and variance 1, then scale and shift it.
#pragma once

#include <cstdint>

#include "cairn/base/params.h"
#include "cairn/nn/layer.h"

namespace cairn {

struct BatchNormParams {
  std::int64_t channels = 0;
  double momentum = 0.1;
  double epsilon = 1e-5;
  static const ParamList& list();
};

// Over all axes but the last, x [..., C] (Ioffe, Szegedy: Batch normalization; 2015). In training by the
// batch's own mean and variance, which also move the running ones by the share `momentum` (the variance
// divided by n - 1); in evaluation by those.
class BatchNorm : public Module {
 public:
  using Params = BatchNormParams;
  static constexpr const char* kName = "batch_norm";
  static constexpr const char* kDoc = "Each channel to mean 0 and variance 1 over the batch.";
  explicit BatchNorm(BatchNormParams params);
  Tensor operator()(const Tensor& x) const { return (*this)(x, Finish{}); }
  bool finishes(bool /*with_residual*/) const { return true; }
  Tensor operator()(const Tensor& x, const Finish& finish) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params& params, const Shape& sample);
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape& sample) const { return sample.size(); }

 private:
  void follow(const Tensor& mean, const Tensor& variance, std::int64_t rows) const;
  Params params_;
  Parameter gamma_, beta_;
  mutable Tensor running_mean_, running_variance_;  // moved in training only
};

struct LayerNormParams {
  std::int64_t size = 0;
  double epsilon = 1e-5;
  static const ParamList& list();
};

// Over the last axis of each row (Ba, Kiros, Hinton: Layer normalization; 2016).
class LayerNorm : public Module {
 public:
  using Params = LayerNormParams;
  static constexpr const char* kName = "layer_norm";
  static constexpr const char* kDoc = "Each row to mean 0 and variance 1.";
  explicit LayerNorm(LayerNormParams params);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params& params, const Shape& sample);
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape& sample) const { return sample.size(); }

 private:
  Params params_;
  Parameter gamma_, beta_;
};

struct GroupNormParams {
  std::int64_t channels = 0;
  std::int64_t groups = 1;
  double epsilon = 1e-5;
  static const ParamList& list();
};

// Over each group of channels of each example, x [N, ..., C] (Wu, He: Group normalization; 2018).
class GroupNorm : public Module {
 public:
  using Params = GroupNormParams;
  static constexpr const char* kName = "group_norm";
  static constexpr const char* kDoc = "Each group of an example's channels to mean 0 and variance 1.";
  explicit GroupNorm(GroupNormParams params);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params& params, const Shape& sample);
  Shape output_shape(const Shape& sample) const;
  std::int64_t multiply_adds(const Shape& sample) const { return sample.size(); }

 private:
  Params params_;
  Parameter gamma_, beta_;
};

}  // namespace cairn
