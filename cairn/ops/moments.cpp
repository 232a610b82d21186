#include "cairn/ops/moments.h"

#include <vector>

namespace cairn::linalg {

void add_moments(Moments& into, const Moments& other, std::span<const double> scale) {
  if (into.weight == 0) {
    into = other;
    return;
  }
  const double weight = into.weight + other.weight, share = other.weight / weight;
  const double between = into.weight * share;
  const std::size_t p = into.mean.size();
  std::vector<double> delta(p);
  for (std::size_t c = 0; c < p; ++c) delta[c] = other.mean[c] - into.mean[c];
  for (std::size_t c = 0; c < p; ++c) into.mean[c] += share * delta[c];
  if (!scale.empty())
    for (std::size_t c = 0; c < p; ++c) delta[c] *= scale[c];
  for (std::size_t i = 0, at = 0; i < p; ++i)
    for (std::size_t j = 0; j < p; ++j, ++at)
      into.products[at] += other.products[at] + between * (delta[i] * delta[j]);
  into.weight = weight;
}

}  // namespace cairn::linalg
