// The learners of this folder.
#pragma once

#include <span>

#include "cairn/model/registry.h"

namespace cairn {

std::span<const LearnerEntry> tree_learners();

}  // namespace cairn
