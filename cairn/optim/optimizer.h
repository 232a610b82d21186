// Optimisers of networks: each step moves every parameter of the network against its gradient, in one pass
// over memory.
//
//   Adam opt(net, {.learning_rate = 1e-3});
//   opt.step(backward(loss, net));
//
// Gradients are values: nothing accumulates, and nothing must be zeroed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/params.h"
#include "cairn/nn/module.h"

namespace cairn {

// Parameters treated otherwise than the rest, by name: {.match = "*.bias", .learning_rate = 0.5, .decay = 0}.
struct ParameterGroup {
  std::string match = "*";   // as in freeze(); the last group that matches counts
  double learning_rate = 1;  // times the optimiser's
  double penalty = 1;        // times l2, l1 and decay
};

// What can be said to every optimiser beside its own parameters.
struct StepOptions {
  double l2 = 0;          // coupled: l2 p is added to the gradient
  double l1 = 0;          // l1 sign(p) is added to the gradient
  double decay = 0;       // decoupled: p (1 - learning_rate decay) before the step (Loshchilov, Hutter 2019)
  double clip_value = 0;  // each number of the gradient into [-clip_value, clip_value]; 0: not
  double clip_norm = 0;   // the length of the whole gradient, all parameters together, at most; 0: not
  double max_norm = 0;    // after the step: the length of every row of a weight at most; 0: not
  std::vector<ParameterGroup> groups;
  static const ParamList& list();
};

// One parameter as an optimiser sees it in a step.
struct OptimizedParameter {
  std::string name;
  Parameter* parameter = nullptr;
  double rate_factor = 1, penalty_factor = 1;
  std::vector<Tensor> state;  // momentum, squares, ...: of the parameter's element type
};

class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;
  virtual std::string_view name() const = 0;  // "adam"

  // Frozen parameters and those no gradient reached stay. FitError: a gradient that is not finite, with the
  // parameter's name; nothing has moved then.
  void step(const Gradients& gradients);

  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double rate);  // ParamError: not in [0, inf)
  std::int64_t steps() const { return steps_; }
  double gradient_norm() const { return gradient_norm_; }  // of the last step, before clipping
  std::span<const OptimizedParameter> parameters() const { return parameters_; }
  // What the next step depends on, for checkpoints. On loading, state of another network is a ModelFileError.
  void visit(Visitor& v);

 protected:
  // The network must live longer and stay where it is.
  Optimizer(ModuleRef net, double learning_rate, StepOptions options, std::size_t num_states);

  struct Moved {  // a parameter with its gradient, ready for the step
    OptimizedParameter* of = nullptr;
    Tensor gradient;                              // contiguous
    double rate = 0;                              // learning rate
    double l2 = 0, l1 = 0, decay = 0, scale = 1;  // the gradient is multiplied by scale first
  };
  virtual void move(std::span<Moved> moved) = 0;
  virtual void visit_more(Visitor& /*v*/) {}
  const StepOptions& options() const { return options_; }
  std::vector<OptimizedParameter> parameters_;

 private:
  std::vector<Moved> gather(const Gradients& gradients);
  void limit_norms(std::span<const Moved> moved);
  StepOptions options_;
  double learning_rate_, gradient_norm_ = 0;
  std::int64_t steps_ = 0;
};

}  // namespace cairn
