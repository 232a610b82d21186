// Columns that the next piece of work will read, asked for line by line while this one is computed: hardware
// follows few streams at once, and none across the end of a page.
#pragma once

#include <cstdint>

namespace cairn {

// May be empty. Reads nothing: a wrong address costs time only.
struct Prefetch {
  const char* const* columns = nullptr;
  std::int64_t num_columns = 0, bytes = 0;  // of each column
};

class LineWalk {
 public:
  // All lines are asked for in `steps` steps.
  LineWalk(const Prefetch& next, std::int64_t steps) : next_(next) {
    const std::int64_t lines = next.num_columns * ((next.bytes + kLine - 1) / kLine);
    per_step_ = (lines + steps - 1) / steps;
  }
  void step() {
    for (std::int64_t i = 0; i < per_step_ && column_ < next_.num_columns; ++i) {
      __builtin_prefetch(next_.columns[column_] + offset_);
      offset_ += kLine;
      if (offset_ >= next_.bytes) {
        offset_ = 0;
        ++column_;
      }
    }
  }

 private:
  static constexpr std::int64_t kLine = 64;
  const Prefetch& next_;
  std::int64_t per_step_ = 0, column_ = 0, offset_ = 0;
};

}  // namespace cairn
