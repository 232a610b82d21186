// Steps scaled by the gradients seen so far: AdaGrad, RMSprop, Adafactor.
#pragma once

#include "cairn/optim/optimizer.h"

namespace cairn {

struct AdaGradParams {
  double learning_rate = 0.01;
  double epsilon = 1e-10;
  static const ParamList& list();
};
// s = s + g^2, p = p - learning_rate g / (sqrt(s) + epsilon) (Duchi, Hazan, Singer: Adaptive subgradient
// methods; 2011).
class AdaGrad final : public Optimizer {
 public:
  using Params = AdaGradParams;
  static constexpr const char* kName = "adagrad";
  static constexpr const char* kDoc =
      "Steps that shorten with the sum of squared gradients; for sparse data.";
  AdaGrad(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  Params params_;
};

struct RmsPropParams {
  double learning_rate = 0.01;
  double rho = 0.99;
  double epsilon = 1e-8;
  double momentum = 0;
  bool centered = false;
  static const ParamList& list();
};
// s = rho s + (1 - rho) g^2, v = momentum v + g / (sqrt(s) + epsilon), p = p - learning_rate v (Tieleman,
// Hinton 2012); centered: the square of the running mean is taken off s (Graves 2013).
class RmsProp final : public Optimizer {
 public:
  using Params = RmsPropParams;
  static constexpr const char* kName = "rmsprop";
  static constexpr const char* kDoc = "Steps divided by the root of a running mean of squared gradients.";
  RmsProp(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  Params params_;
};

struct AdafactorParams {
  double learning_rate = 0.01;
  double beta2_decay = -0.8;
  double scale_floor = 1e-3;
  double clip = 1;
  double weight_decay = 0;
  static const ParamList& list();
};
// Adam's scaling with one number a row and one a column instead of one a weight; steps relative to the size
// of the weights (Shazeer, Stern: Adafactor; 2018).
class Adafactor final : public Optimizer {
 public:
  using Params = AdafactorParams;
  static constexpr const char* kName = "adafactor";
  static constexpr const char* kDoc =
      "Adam's scaling with memory for rows and columns only; for very large networks.";
  Adafactor(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  void move_one(const Moved& m) const;
  Params params_;
};

}  // namespace cairn
