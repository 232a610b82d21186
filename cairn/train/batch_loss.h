// The loss of a batch by its name: what learners of networks train with and what flight recordings name.
//
//   const BatchLoss loss{.name = "cross_entropy", .label_smoothing = 0.1};
//   Tensor value = loss(net(batch.x), batch.y);
#pragma once

#include <string>

#include "cairn/tensor/tensor.h"

namespace cairn {

struct BatchLoss {
  std::string name;            // "cross_entropy" of logits, "mse"
  double label_smoothing = 0;  // of cross_entropy

  // Mean over the batch of each example's loss times its weight. Targets are classes i64 [n] or probabilities
  // [n, C] of cross_entropy, values [n, 1] of mse; weights [n], undefined: all 1. NotSupported: another name.
  Tensor operator()(const Tensor& output, const Tensor& y, const Tensor& weights = {}) const;
};

}  // namespace cairn
