#include "cairn/tensor/memory_plan_internal.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace cairn {

std::size_t plan_memory(std::span<PlannedBuffer> buffers) {
  constexpr std::size_t kAlignment = 64;
  const auto size_of = [](const PlannedBuffer& b) {
    return (b.bytes + kAlignment - 1) / kAlignment * kAlignment;
  };
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<const PlannedBuffer*> placed;  // by offset
  std::size_t total = 0;
  for (const std::size_t i : order) {
    PlannedBuffer& b = buffers[i];
    const std::size_t size = size_of(b);
    std::size_t end = 0, best = std::numeric_limits<std::size_t>::max(), tightest = best;
    for (const PlannedBuffer* p : placed) {
      if (p->last < b.first || p->first > b.last) continue;
      if (p->offset >= end && p->offset - end >= size && p->offset - end < tightest) {
        best = end;
        tightest = p->offset - end;
      }
      end = std::max(end, p->offset + size_of(*p));
    }
    b.offset = best == std::numeric_limits<std::size_t>::max() ? end : best;
    total = std::max(total, b.offset + size);
    const auto at =
        std::upper_bound(placed.begin(), placed.end(), b.offset,
                         [](std::size_t offset, const PlannedBuffer* p) { return offset < p->offset; });
    placed.insert(at, &b);
  }
  return total;
}

}  // namespace cairn
