// Private to optim/: parameters that several optimisers have, described once.
#pragma once

#include <utility>

#include "cairn/base/params.h"
#include "cairn/optim/optimizer.h"

namespace cairn::rule_params {

template <auto Member>
Param learning_rate() {
  return param<Member>("learning_rate", "length of a step", at_least(0), {"lr", "eta", "alpha"});
}
template <auto Member>
Param beta(const char* name, const char* doc) {
  return param<Member>(name, doc, ParamRule{.low = 0, .high = 1, .high_open = true});
}
template <auto Member>
Param epsilon() {
  return param<Member>("epsilon", "keeps the divisor from 0", at_least(0), {"eps"});
}
template <auto Member>
Param weight_decay() {
  return param<Member>("weight_decay", "share of a weight taken off before a step, times the learning rate",
                       at_least(0));
}

// The decay that an optimiser has as a parameter of its own and the one of all are the same thing; given
// twice they would add up.
inline StepOptions with_decay(StepOptions options, double decay) {
  options.decay += decay;
  return options;
}

}  // namespace cairn::rule_params
