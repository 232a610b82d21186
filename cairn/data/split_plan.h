// What a split of these rows must heed: copies that must not be torn apart, and an order of time that a
// random split would ignore.
#pragma once

#include <optional>
#include <vector>

#include "cairn/data/near_copies.h"
#include "cairn/data/time_order.h"

namespace cairn {

struct SplitPlan {
  NearCopies copies;
  std::optional<TimeOrder> time;
  // Codes: near_duplicates, near_duplicates_everywhere, time_order.
  std::vector<Warning> warnings;
};

// Nothing is looked for where a role of group or time decides the split; near copies only when asked.
SplitPlan plan_split(const Dataset& data, bool near_copies, const StopToken& stop = {});

}  // namespace cairn
