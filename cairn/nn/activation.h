// Activations as modules, and two that only give their input another shape or none at all.
#pragma once

#include <cstdint>
#include <string>

#include "cairn/base/params.h"
#include "cairn/nn/module.h"

namespace cairn {

struct NoParams {
  static const ParamList& list();
};

// A module without members or parameters: Relu(), Tanh(), ... `Rule` says its name, what it is and how it is
// computed.
template <class Rule>
class Activation : public Module {
 public:
  using Params = NoParams;
  static constexpr const char* kName = Rule::kName;
  static constexpr const char* kDoc = Rule::kDoc;
  Activation() : Module(Rule::kTitle) {}
  explicit Activation(NoParams) : Activation() {}
  Tensor operator()(const Tensor& x) const {
    const ModuleScope here = scope();
    return Rule::apply(x);
  }
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return {}; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t multiply_adds(const Shape&) const { return 0; }
};

namespace activation_rules {
#define CAIRN_ACTIVATION(rule, name, title, doc) \
  struct rule {                                  \
    static constexpr const char* kName = name;   \
    static constexpr const char* kTitle = title; \
    static constexpr const char* kDoc = doc;     \
    static Tensor apply(const Tensor& x);        \
  }
CAIRN_ACTIVATION(Relu, "relu", "ReLU", "max(x, 0).");
CAIRN_ACTIVATION(Relu6, "relu6", "ReLU6", "min(max(x, 0), 6).");
CAIRN_ACTIVATION(Selu, "selu", "SELU", "Keeps mean 0 and variance 1 through deep networks.");
CAIRN_ACTIVATION(Sigmoid, "sigmoid", "Sigmoid", "1 / (1 + e^-x).");
CAIRN_ACTIVATION(Tanh, "tanh", "Tanh", "The hyperbolic tangent.");
CAIRN_ACTIVATION(Softplus, "softplus", "Softplus", "log(1 + e^x).");
CAIRN_ACTIVATION(Silu, "silu", "SiLU", "x sigmoid(x).");
CAIRN_ACTIVATION(Mish, "mish", "Mish", "x tanh(softplus(x)).");
CAIRN_ACTIVATION(Gelu, "gelu", "GELU", "x times the normal distribution function of x.");
CAIRN_ACTIVATION(HardSigmoid, "hard_sigmoid", "HardSigmoid", "min(max(x + 3, 0), 6) / 6.");
CAIRN_ACTIVATION(HardSwish, "hard_swish", "HardSwish", "x hard_sigmoid(x).");
CAIRN_ACTIVATION(HardTanh, "hard_tanh", "HardTanh", "min(max(x, -1), 1).");
CAIRN_ACTIVATION(Softmax, "softmax", "Softmax", "Probabilities along the last axis: e^x divided by its sum.");
CAIRN_ACTIVATION(LogSoftmax, "log_softmax", "LogSoftmax", "The logarithm of softmax along the last axis.");
CAIRN_ACTIVATION(Identity, "identity", "Identity", "The input itself.");
#undef CAIRN_ACTIVATION
}  // namespace activation_rules

using Relu = Activation<activation_rules::Relu>;
using Relu6 = Activation<activation_rules::Relu6>;
using Selu = Activation<activation_rules::Selu>;
using Sigmoid = Activation<activation_rules::Sigmoid>;
using Tanh = Activation<activation_rules::Tanh>;
using Softplus = Activation<activation_rules::Softplus>;
using Silu = Activation<activation_rules::Silu>;
using Mish = Activation<activation_rules::Mish>;
using Gelu = Activation<activation_rules::Gelu>;
using HardSigmoid = Activation<activation_rules::HardSigmoid>;
using HardSwish = Activation<activation_rules::HardSwish>;
using HardTanh = Activation<activation_rules::HardTanh>;
using Softmax = Activation<activation_rules::Softmax>;
using LogSoftmax = Activation<activation_rules::LogSoftmax>;
using Identity = Activation<activation_rules::Identity>;

struct LeakyReluParams {
  double slope = 0.01;
  static const ParamList& list();
};
// x where positive, slope x elsewhere.
class LeakyRelu : public Module {
 public:
  using Params = LeakyReluParams;
  static constexpr const char* kName = "leaky_relu";
  static constexpr const char* kDoc = "x where positive, slope x elsewhere.";
  explicit LeakyRelu(LeakyReluParams params);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return params_; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t multiply_adds(const Shape& sample) const { return sample.size(); }

 private:
  Params params_;
};

struct EluParams {
  double alpha = 1;
  static const ParamList& list();
};
// x where positive, alpha (e^x - 1) elsewhere.
class Elu : public Module {
 public:
  using Params = EluParams;
  static constexpr const char* kName = "elu";
  static constexpr const char* kDoc = "x where positive, alpha (e^x - 1) elsewhere.";
  explicit Elu(EluParams params);
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return params_; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const { return sample; }
  std::int64_t multiply_adds(const Shape& sample) const { return sample.size(); }

 private:
  Params params_;
};

// [N, ...] to [N, d]: one row a sample.
class Flatten : public Module {
 public:
  using Params = NoParams;
  static constexpr const char* kName = "flatten";
  static constexpr const char* kDoc = "Every sample as one row of numbers.";
  explicit Flatten(NoParams params = {});
  Tensor operator()(const Tensor& x) const;
  void visit(Visitor& v) { v.module(*this); }
  Params params() const { return {}; }
  static void complete(Params&, const Shape&) {}
  Shape output_shape(const Shape& sample) const { return Shape{sample.size()}; }
  std::int64_t multiply_adds(const Shape&) const { return 0; }
};

}  // namespace cairn
