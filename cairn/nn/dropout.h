// Layers that act in training only.
#pragma once

#include <cstdint>

#include "cairn/base/params.h"
#include "cairn/nn/module.h"
#include "cairn/tensor/step_counter.h"

namespace cairn {

struct DropoutParams {
  double rate = 0.5;
  std::int64_t seed = 0;
  static const ParamList& list();
};

// In training each number is 0 with probability `rate`, and the others are multiplied by 1 / (1 - rate); in
// evaluation nothing happens (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: Dropout; 2014). The
// mask follows from the seed, the layer's name and how often it has been called: a run that is taken up again
// draws the same.
class Dropout : public Module {
 public:
  using Params = DropoutParams;
  static constexpr const char* kName = "dropout";
  static constexpr const char* kDoc = "In training a share of the numbers becomes 0, anew in every step.";
  explicit Dropout(DropoutParams params);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v);
  Params params() const { return params_; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t multiply_adds(const Shape&) const { return 0; }

 private:
  Params params_;
  mutable StepCounter calls_;  // in training
};

}  // namespace cairn
