// The learners of this corner, for the registry.
#pragma once

#include <span>

#include "cairn/model/registry.h"

namespace cairn {

std::span<const LearnerEntry> logistic_regressions();

}  // namespace cairn
