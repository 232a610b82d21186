// Muon: the momentum of each matrix made orthogonal before it is taken off.
#pragma once

#include "cairn/optim/optimizer.h"

namespace cairn {

struct MuonParams {
  double learning_rate = 0.02;
  double momentum = 0.95;
  bool nesterov = true;
  double weight_decay = 0;
  std::int64_t iterations = 5;
  double adam_rate = 0.015;
  static const ParamList& list();
};

// For weights with two axes or more (seen as [rows, rest]); everything else, which has no direction to make
// orthogonal, is moved by Adam with `adam_rate` times the learning rate (Jordan et al.: Muon, an optimizer
// for hidden layers; 2024). The orthogonal factor comes from Newton and Schulz's iteration X = a X + (b X X^T
// + c (X X^T)^2) X.
class Muon final : public Optimizer {
 public:
  using Params = MuonParams;
  static constexpr const char* kName = "muon";
  static constexpr const char* kDoc =
      "Matrices move by an orthogonal step, the rest by Adam; for hidden layers.";
  Muon(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  void move_matrix(const Moved& m) const;
  Params params_;
};

}  // namespace cairn
