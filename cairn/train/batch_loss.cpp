#include "cairn/train/batch_loss.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"

namespace cairn {

Tensor BatchLoss::operator()(const Tensor& output, const Tensor& y, const Tensor& weights) const {
  const bool classes = name == "cross_entropy";
  if (!classes && name != "mse")
    throw NotSupported("loss",
                       fmt::format("there is none called '{}' for a batch; cross_entropy and mse are", name));
  const Reduction reduction = weights.defined() ? Reduction::none : Reduction::mean;
  const Tensor each =
      classes ? cross_entropy(output, y, {.label_smoothing = label_smoothing, .reduction = reduction})
              : mse(output, y, reduction);
  if (!weights.defined()) return each;
  return mean(each.reshape({y.size(0)}) * weights.to(output.dtype()));
}

}  // namespace cairn
