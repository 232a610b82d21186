#include "cairn/tree/distinct_rows_internal.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace cairn::tree {

DistinctRows distinct_rows(std::span<const double> all, std::size_t width) {
  const std::size_t n = all.size() / width;
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  // As memcmp() says, a number at a time: rows are short.
  const auto compare = [&](std::uint32_t a, std::uint32_t b) {
    for (std::size_t i = 0; i < width; ++i) {
      const auto x = std::bit_cast<std::uint64_t>(all[a * width + i]),
                 y = std::bit_cast<std::uint64_t>(all[b * width + i]);
      if (x != y) return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
    }
    return 0;
  };
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const int c = compare(a, b);
    return c < 0 || (c == 0 && a < b);
  });
  DistinctRows found{.rows = {}, .place = std::vector<std::uint32_t>(n)};
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (i == 0 || compare(order[i - 1], order[i]) != 0) {
      const auto row = all.subspan(order[i] * width, width);
      found.rows.insert(found.rows.end(), row.begin(), row.end());
      ++count;
    }
    found.place[order[i]] = count - 1;
  }
  return found;
}

}  // namespace cairn::tree
