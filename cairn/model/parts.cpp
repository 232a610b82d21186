#include "cairn/model/parts.h"

#include <fmt/format.h>

namespace cairn {

std::string why_not_in_parts(const Learner& learner) {
  const auto* able = dynamic_cast<const PartsLearner*>(&learner);
  return able ? able->why_not_in_parts() : fmt::format("{} needs all rows in memory", learner.name());
}

}  // namespace cairn
