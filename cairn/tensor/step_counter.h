// Counts how often something has drawn random numbers: dropout's masks are told apart by it.
#pragma once

#include <cstdint>

namespace cairn {

class StepCounter {
 public:
  // The number of calls before this one. A recording notes the counter, so that a replayed step takes numbers
  // of its own, the same ones as the step itself would have.
  std::uint64_t take();
  std::int64_t& value() { return value_; }  // for visit()

 private:
  std::int64_t value_ = 0;
};

}  // namespace cairn
