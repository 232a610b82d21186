// Counts of parameters and multiply-adds. A declaration from a file may stand for more of them than there are
// numbers to count with; it is then the largest one.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>

namespace cairn {

// Of counts, which are not negative.
inline std::int64_t count_sum(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return a > kMost - b ? kMost : a + b;
}
inline std::int64_t count_product(std::initializer_list<std::int64_t> factors) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t product = 1;
  for (const std::int64_t f : factors)
    if (f == 0) return 0;
  for (const std::int64_t f : factors) product = product > kMost / f ? kMost : product * f;
  return product;
}

}  // namespace cairn
