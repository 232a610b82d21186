// A fully connected layer: y = x W^T + b.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/base/params.h"
#include "cairn/nn/layer.h"

namespace cairn {

struct LinearParams {
  std::int64_t in = 0;
  std::int64_t out = 0;
  bool bias = true;
  std::string init = "xavier_uniform";
  double init_scale = 1;
  static const ParamList& list();
};

// x [..., in] to [..., out]; weight [out, in], bias [out], at first 0. ParamError: a size outside its range;
// ShapeError: another last axis.
class Linear : public Module {
 public:
  using Params = LinearParams;
  static constexpr const char* kName = "linear";
  static constexpr const char* kDoc = "Every output is a weighted sum of all inputs, and a bias.";
  explicit Linear(LinearParams params);
  Tensor operator()(const Tensor& x) const { return (*this)(x, Finish{}); }
  bool finishes(bool with_residual) const { return !with_residual; }
  Tensor operator()(const Tensor& x, const Finish& finish) const;
  void visit(Visitor& v);

  Params params() const { return params_; }
  static void complete(Params& params, const Shape& sample);  // what a sample's shape tells, where it is 0
  Shape output_shape(const Shape& sample) const;              // of one sample
  std::int64_t multiply_adds(const Shape& sample) const;
  Parameter& weight() { return weight_; }
  Parameter& bias() { return bias_; }

 private:
  Params params_;
  Parameter weight_, bias_;
};

}  // namespace cairn
