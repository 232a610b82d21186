#include "cairn/tree/row_sampling_internal.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kBlock = 8192;
constexpr double kTopOfGoss = 2.0 / 3;  // of the rows taken: those with the largest gradients
constexpr int kMostSteps = 100;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

struct Large {
  double sum_small = 0, count_large = 0;
};

// What a size is divided by so that min(1, size / it) sums to `wanted`: from below, each step counts those
// that reach 1 anew (Newton's method on a convex function, so it ends).
double divisor(const std::vector<double>& sizes, double wanted) {
  const auto sums = [&](double limit) {
    return parallel_reduce<Large>(
        std::ssize(sizes), kBlock,
        [&](std::int64_t begin, std::int64_t end) {
          Large l;
          for (std::int64_t r = begin; r < end; ++r) {
            const bool large = sizes[at(r)] >= limit;
            l.sum_small += large ? 0 : sizes[at(r)];
            l.count_large += large ? 1 : 0;
          }
          return l;
        },
        [](Large& into, const Large& other) {
          into.sum_small += other.sum_small;
          into.count_large += other.count_large;
        });
  };
  double limit = sums(INFINITY).sum_small / wanted;
  for (int step = 0; step < kMostSteps; ++step) {
    const Large l = sums(limit);
    if (l.count_large >= wanted) break;
    const double next = l.sum_small / (wanted - l.count_large);
    if (!(next < limit)) break;
    limit = next;
  }
  return limit;
}

}  // namespace

Sampling sampling_from_name(const std::string& name) {
  if (name == "uniform") return Sampling::uniform;
  if (name == "goss") return Sampling::goss;
  CAIRN_ASSERT(name == "minimum_variance");
  return Sampling::minimum_variance;
}

std::vector<double> RowSampler::sizes(std::int64_t n, std::span<const double> g,
                                      std::span<const double> h) const {
  const std::int64_t outputs = std::ssize(g) / n;
  std::vector<double> size(at(n));
  parallel_for(n, kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      double sum = 0;
      for (std::int64_t o = 0; o < outputs; ++o) {
        const double gi = g[at(o * n + r)], hi = h[at(o * n + r)];
        sum += gi * gi + l2_ * hi * hi;
      }
      size[at(r)] = std::sqrt(sum);
    }
  });
  return size;
}

std::vector<double> RowSampler::chances(std::vector<double> size, std::int64_t learned) {
  const double wanted = share_ * static_cast<double>(learned);
  if (sampling_ == Sampling::goss) {
    const auto top = std::min(at(learned - 1), static_cast<std::size_t>(wanted * kTopOfGoss));
    std::vector<double> sorted = size;
    std::ranges::nth_element(sorted, sorted.begin() + static_cast<std::ptrdiff_t>(top), std::greater<>());
    const double rest = wanted * (1 - kTopOfGoss) / static_cast<double>(at(learned) - top);
    for (double& s : size) s = s > sorted[top] ? 1 : std::min(1.0, rest);
    return size;
  }
  const double by = divisor(size, wanted);
  for (double& s : size) s = by > 0 ? std::min(1.0, s / by) : share_;
  return size;
}

std::vector<std::uint32_t> RowSampler::draw(std::uint64_t round, std::int64_t n, std::int64_t learned,
                                            std::span<double> g, std::span<double> h) {
  std::vector<double> chance;
  if (sampling_ != Sampling::uniform) chance = chances(sizes(n, g, h), learned);
  const std::int64_t blocks = (n + kBlock - 1) / kBlock, outputs = std::ssize(g) / n;
  std::vector<std::vector<std::uint32_t>> parts(at(blocks));
  parallel_for(n, kBlock, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t block = begin / kBlock;
    Random random(derive_seed(seed_, "rows of a round", round), "rows", static_cast<std::uint64_t>(block));
    std::vector<std::uint32_t>& part = parts[at(block)];
    for (std::int64_t r = begin; r < end; ++r) {
      const double p = chance.empty() ? share_ : chance[at(r)];
      if (random.next32() * 0x1p-32 >= p) continue;
      part.push_back(static_cast<std::uint32_t>(r));
      if (chance.empty()) continue;
      for (std::int64_t o = 0; o < outputs; ++o) {
        g[at(o * n + r)] /= p;
        h[at(o * n + r)] /= p;
      }
    }
  });
  std::vector<std::uint32_t> rows;
  for (const auto& part : parts) rows.insert(rows.end(), part.begin(), part.end());
  if (rows.empty())
    rows.push_back(
        static_cast<std::uint32_t>(Random(seed_, "one row", round).below(static_cast<std::uint64_t>(n))));
  return rows;
}

}  // namespace cairn::tree
