#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/tree/objective/objectives_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kBlock = 8192;
constexpr int kMostSteps = 100, kMostHalvings = 40;

struct Sums {
  double loss = 0, g = 0, h = 0;
};

Sums sums_at(const Truth& t, const Objective& objective, double value) {
  const std::vector<double> raw(static_cast<std::size_t>(t.rows), value);
  std::vector<double> g(raw.size()), h(raw.size());
  return parallel_reduce<Sums>(
      t.rows, kBlock,
      [&](std::int64_t begin, std::int64_t end) {
        objective.gradients(t, raw, begin, end, g, h);
        Sums s;
        for (std::int64_t r = begin; r < end; ++r) {
          s.loss += t.weight(r) * objective.loss(t, raw, r);
          s.g += g[static_cast<std::size_t>(r)];
          s.h += h[static_cast<std::size_t>(r)];
        }
        return s;
      },
      [](Sums& into, const Sums& other) { into.loss += other.loss, into.g += other.g, into.h += other.h; });
}

}  // namespace

double best_constant(const Truth& t, const Objective& objective, double guess) {
  double value = guess;
  Sums now = sums_at(t, objective, value);
  for (int step = 0; step < kMostSteps && std::isfinite(now.loss) && now.h > 0; ++step) {
    double move = -now.g / now.h;
    Sums next = sums_at(t, objective, value + move);
    for (int i = 0; i < kMostHalvings && !(next.loss <= now.loss); ++i)
      next = sums_at(t, objective, value + (move /= 2));
    if (!(next.loss < now.loss)) break;  // as good as rounding allows
    value += move;
    now = next;
  }
  return value;
}

}  // namespace cairn::tree
