// Which learning rate: one short run in which it grows, and the loss at each (Smith: Cyclical learning rates
// for training neural networks; 2017).
#pragma once

#include <functional>
#include <vector>

#include "cairn/optim/optimizer.h"

namespace cairn {

struct RateTestOptions {
  double low = 1e-7, high = 10;
  int steps = 100;
  double give_up = 4;  // ends when the smoothed loss is this many times its best
};
struct RateTest {
  std::vector<double> rates, losses;  // losses smoothed over about ten steps
  double suggestion = 0;              // a tenth of the rate at the lowest loss
};

// `loss` computes the next batch's loss. The network is as before afterwards; the optimizer, made for this,
// is not. FitError when the first loss is not finite.
RateTest rate_test(ModuleRef net, Optimizer& optimizer, const std::function<Tensor()>& loss,
                   const RateTestOptions& options = {});

}  // namespace cairn
