// Which operations ran, and what of a network's structure they tell: linear maps that follow each other,
// biases that a normalisation takes out, weights without a bias.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "cairn/nn/module.h"
#include "cairn/tensor/apply.h"

namespace cairn {

class Trace {
 public:
  struct Pair {
    std::string first, second;  // places
  };
  std::vector<std::string> operations;  // names, in order; what a composed one is made of is left out
  std::vector<Pair> linear_after_linear, bias_before_norm;
  std::vector<std::string> without_bias;
  bool has(std::string_view operation) const;
  std::string last;  // the operation that gave the output
};

// Runs `forward` and watches.
Trace trace_of(ModuleRef net, const std::function<Tensor()>& forward);

}  // namespace cairn
