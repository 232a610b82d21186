// Every loss of a network by name: for the program's tables, the documentation and the tests.
#pragma once

#include <span>

#include "cairn/tensor/op.h"

namespace cairn {

struct LossFunction {
  const char* name;  // "cross_entropy"
  const char* doc;   // one sentence
  const char* call;  // as in C++, with what may be said beside: "cross_entropy(logits, targets, {...})"
  // The mean loss of an example of its own, a function of the first tensor.
  Tensors (*example)();
  Tensor (*mean)(const Tensors& in);
};

std::span<const LossFunction> loss_functions();

}  // namespace cairn
