// Parameters that the learners of networks have alike, described once.
#pragma once

#include <algorithm>
#include <string>

#include "cairn/base/params.h"
#include "cairn/train/trainer.h"

namespace cairn::train_detail {

template <auto Member>
Param label_smoothing_param() {
  return param<Member>("label_smoothing",
                       "share of the target that training spreads over all classes (Szegedy 2016)",
                       ParamRule{.low = 0, .high = 1, .high_open = true});
}
template <auto Member>
Param mixup_param() {
  return param<Member>("mixup",
                       "alpha: training sees points between two examples, the share drawn from Beta(alpha, "
                       "alpha) (Zhang 2018); 0: the examples",
                       between(0, 1000));
}
template <auto Member>
Param ema_param() {
  return param<Member>("ema", "decay of a running mean of the weights that becomes the model; 0: none",
                       ParamRule{.low = 0, .high = 1, .high_open = true});
}

// Of a learner's parameter `schedule`. On a plateau of a tenth of the epochs the rate falls to 0.3 of itself.
inline void set_schedule(TrainerOptions& options, const std::string& name) {
  constexpr double kFactor = 0.3;
  constexpr std::int64_t kShare = 10;
  if (name == "plateau")
    options.plateau =
        PlateauParams{.factor = kFactor, .patience = std::max<std::int64_t>(1, options.epochs / kShare)};
  else
    options.schedule.kind = name;
}

}  // namespace cairn::train_detail
