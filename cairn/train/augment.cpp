#include <algorithm>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/train/augment_internal.h"

namespace cairn::train_detail {

Tensor augmented(const Tensor& pictures, const Augmentation& how, Random& random) {
  const std::int64_t n = pictures.size(0), h = pictures.size(1), w = pictures.size(2), c = pictures.size(3);
  struct Change {
    std::int64_t down = 0, right = 0;
    bool flip = false;
  };
  std::vector<Change> changes(static_cast<std::size_t>(n));
  const auto shift = [&](std::int64_t most) {
    return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(2 * most + 1))) - most;
  };
  for (Change& change : changes) {
    change.down = shift(how.rows);
    change.right = shift(how.columns);
    change.flip = (random.next32() & 1U) != 0 && how.flip;
  }
  Tensor out = Tensor::empty(pictures.shape(), DType::u8);
  const auto from = pictures.data<std::uint8_t>();
  auto to = out.mutable_data<std::uint8_t>();
  parallel_for(n, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Change& change = changes[static_cast<std::size_t>(i)];
      for (std::int64_t y = 0; y < h; ++y) {
        const std::int64_t sy = std::clamp<std::int64_t>(y - change.down, 0, h - 1);
        for (std::int64_t x = 0; x < w; ++x) {
          const std::int64_t place = change.flip ? w - 1 - x : x;
          const std::int64_t sx = std::clamp<std::int64_t>(place - change.right, 0, w - 1);
          std::copy_n(from.begin() + ((i * h + sy) * w + sx) * c, c, to.begin() + ((i * h + y) * w + x) * c);
        }
      }
    }
  });
  return out;
}

}  // namespace cairn::train_detail
