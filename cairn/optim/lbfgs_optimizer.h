// L-BFGS as an optimiser of networks, for losses without noise: small data, whole batches.
#pragma once

#include <deque>

#include "cairn/optim/optimizer.h"

namespace cairn {

struct LbfgsParams {
  double learning_rate = 1;
  std::int64_t memory = 10;
  static const ParamList& list();
};

// One quasi-Newton step a call: p = p - learning_rate H g, with H from the last `memory` steps and gradient
// changes (Nocedal, Wright: Numerical Optimization, algorithm 7.4), without a line search; the first step is
// at most learning_rate long in the sum of absolute values. All parameters are one vector in f64. A parameter
// without a gradient counts as gradient 0; decoupled decay does not apply. solve/lbfgs.h searches along the
// line; use it where the loss is a function.
class Lbfgs final : public Optimizer {
 public:
  using Params = LbfgsParams;
  static constexpr const char* kName = "lbfgs";
  static constexpr const char* kDoc = "Quasi-Newton steps; for small networks on whole data.";
  Lbfgs(ModuleRef net, Params params, StepOptions options = {});
  std::string_view name() const override { return kName; }

 private:
  void move(std::span<Moved> moved) override;
  void visit_more(Visitor& v) override;
  std::vector<double> direction(const std::vector<double>& gradient);
  Params params_;
  std::vector<double> last_gradient_, last_step_;  // empty before the first step
  std::deque<std::vector<double>> steps_taken_, changes_;
};

}  // namespace cairn
