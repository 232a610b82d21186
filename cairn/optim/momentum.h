// Gradient descent with and without momentum, and Lion.
#pragma once

#include "cairn/optim/optimizer.h"

namespace cairn {

struct SgdOptimizerParams {
  double learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  bool average = false;
  static const ParamList& list();
};

// v = momentum v + g, p = p - learning_rate v (Polyak 1964); nesterov: p = p - learning_rate (g + momentum v)
// (Sutskever, Martens, Dahl, Hinton 2013). average: v = momentum v + (1 - momentum) g, a running mean.
// momentum 0: plain descent.
class SgdOptimizer final : public Optimizer {
 public:
  using Params = SgdOptimizerParams;
  static constexpr const char* kName = "sgd";
  static constexpr const char* kDoc = "Gradient descent, with momentum where it is given.";
  SgdOptimizer(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  Params params_;
};

struct LionParams {
  double learning_rate = 1e-4;
  double beta1 = 0.9, beta2 = 0.99;
  double weight_decay = 0;
  static const ParamList& list();
};

// p = p - learning_rate (sign(beta1 m + (1 - beta1) g) + weight_decay p), m = beta2 m + (1 - beta2) g (Chen
// et al.: Symbolic discovery of optimization algorithms; 2023).
class Lion final : public Optimizer {
 public:
  using Params = LionParams;
  static constexpr const char* kName = "lion";
  static constexpr const char* kDoc = "Steps of one length, in the direction of a running mean's sign.";
  Lion(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  Params params_;
};

}  // namespace cairn
