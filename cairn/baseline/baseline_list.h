// The learners of this family, for the registry.
#pragma once

#include <span>

#include "cairn/model/registry.h"

namespace cairn {

std::span<const LearnerEntry> baseline_learners();

}  // namespace cairn
