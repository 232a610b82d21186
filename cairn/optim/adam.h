// Adam and its kin: steps divided by the root of a running mean of squared gradients.
#pragma once

#include "cairn/optim/optimizer.h"

namespace cairn {

struct AdamParams {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  bool amsgrad = false;
  static const ParamList& list();
};

// m = beta1 m + (1 - beta1) g, s = beta2 s + (1 - beta2) g^2, p = p - learning_rate m' / (sqrt(s') + epsilon)
// with m' = m / (1 - beta1^t), s' = s / (1 - beta2^t) (Kingma, Ba: Adam; 2015). amsgrad: the largest s so far
// (Reddi, Kale, Kumar 2018).
class Adam final : public Optimizer {
 public:
  using Params = AdamParams;
  static constexpr const char* kName = "adam";
  static constexpr const char* kDoc =
      "Every parameter has a step length of its own, from the size of its gradients.";
  Adam(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  Params params_;
};

struct AdamWParams {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
  static const ParamList& list();
};

// Adam with decoupled weight decay (Loshchilov, Hutter: Decoupled weight decay regularization; 2019).
class AdamW final : public Optimizer {
 public:
  using Params = AdamWParams;
  static constexpr const char* kName = "adamw";
  static constexpr const char* kDoc =
      "Adam whose weights shrink by a share of themselves, whatever their gradients.";
  AdamW(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  Params params_;
};

struct NAdamParams {
  double learning_rate = 2e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double momentum_decay = 4e-3;
  static const ParamList& list();
};

// Adam with Nesterov's momentum (Dozat: Incorporating Nesterov momentum into Adam; 2016).
class NAdam final : public Optimizer {
 public:
  using Params = NAdamParams;
  static constexpr const char* kName = "nadam";
  static constexpr const char* kDoc = "Adam that looks ahead along its momentum.";
  NAdam(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  void visit_more(Visitor& v) override;
  Params params_;
  double momentum_product_ = 1;
};

}  // namespace cairn
