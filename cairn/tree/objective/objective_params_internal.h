// What a person set, as the objective reads it.
#pragma once

#include "cairn/tree/gradient_boosting.h"
#include "cairn/tree/objective/objective_internal.h"

namespace cairn::tree {

// UsageError: a setting that cannot be read, or that another objective than this one looks at.
ObjectiveParams objective_params(const GradientBoostingParams& params, const Objective& objective);

}  // namespace cairn::tree
