// The learners of this folder that fit numbers (and, by gradient steps, classes), for the registry.
#pragma once

#include <span>

#include "cairn/model/registry.h"

namespace cairn {

std::span<const LearnerEntry> linear_regressions();

}  // namespace cairn
