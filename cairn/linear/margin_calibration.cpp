#include "cairn/base/random.h"
#include "cairn/linear/margin_calibration_internal.h"

namespace cairn {

MarginCalibration calibrate_out_of_fold(const std::function<std::vector<double>()>& own,
                                        std::span<const double> sides, std::span<const double> weights,
                                        std::uint64_t seed, const MarginsOf& margins_of) {
  constexpr std::size_t kParts = 3;
  std::vector<std::size_t> part(sides.size(), kParts);
  for (const double side : {-1.0, 1.0}) {
    std::vector<std::size_t> rows;
    for (std::size_t r = 0; r < sides.size(); ++r)
      if (sides[r] == side && (weights.empty() || weights[r] > 0)) rows.push_back(r);
    if (rows.size() < 2 * kParts) return calibrate_margins(own(), sides, weights);
    Random(seed, "margins", side > 0 ? 1 : 0).shuffle(std::span(rows));
    for (std::size_t i = 0; i < rows.size(); ++i) part[rows[i]] = i % kParts;
  }
  std::vector<double> margins(sides.size());  // rows of weight 0 keep 0 and count for nothing
  for (std::size_t p = 0; p < kParts; ++p) {
    std::vector<std::int64_t> kept, held;
    for (std::size_t r = 0; r < part.size(); ++r)
      if (part[r] != kParts) (part[r] == p ? held : kept).push_back(static_cast<std::int64_t>(r));
    const std::vector<double> found = margins_of(kept, held);
    for (std::size_t i = 0; i < held.size(); ++i) margins[static_cast<std::size_t>(held[i])] = found[i];
  }
  return calibrate_margins(margins, sides, weights);
}

}  // namespace cairn
