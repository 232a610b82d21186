#include "cairn/tree/proximity.h"

#include <algorithm>
#include <numeric>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"

namespace cairn {
namespace {

constexpr std::int64_t kRows = 64;  // of a thread at a time

// [n, trees]: the leaf of each row, as its place among the nodes of all trees.
std::vector<std::int32_t> leaves_of(const TreeEnsemble& trees, const Matrix& x, const StopToken& stop) {
  const std::int64_t d = trees.num_features(), t = trees.num_trees();
  std::vector<std::int32_t> leaves(at(x.rows() * t));
  parallel_for(
      x.rows(), kRows,
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> tile(at((end - begin) * d));
        if (d > 0) x.tile(begin, end, tile.data());
        for (std::int64_t r = begin; r < end; ++r)
          for (std::int64_t i = 0; i < t; ++i)
            leaves[at(r * t + i)] = static_cast<std::int32_t>(
                trees.leaf_of(i, std::span<const double>(tile).subspan(at((r - begin) * d), at(d))));
      },
      stop);
  return leaves;
}

}  // namespace

Proximities proximities(const TreeEnsemble& trees, const Matrix& x, std::int64_t k, const StopToken& stop) {
  const std::int64_t n = x.rows(), t = trees.num_trees();
  Proximities found{.rows = n, .k = std::clamp<std::int64_t>(k, 0, std::max<std::int64_t>(0, n - 1))};
  found.neighbors.resize(at(n * found.k));
  found.proximity.resize(found.neighbors.size());
  if (found.k == 0) return found;
  const auto leaves = leaves_of(trees, x, stop);
  const std::int32_t most = leaves.empty() ? 0 : *std::ranges::max_element(leaves);
  std::vector<std::int64_t> begin(at(most) + 2);
  for (const std::int32_t leaf : leaves) ++begin[at(leaf) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
  std::vector<std::int32_t> members(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i)
    members[at(next[at(leaves[i])]++)] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / t);
  parallel_for(
      n, kRows,
      [&](std::int64_t first, std::int64_t end) {
        std::vector<std::int32_t> shared(at(n)), touched;  // shared: zero but for those touched
        for (std::int64_t r = first; r < end; ++r) {
          touched.clear();
          for (std::int64_t i = 0; i < t; ++i) {
            const auto leaf = at(leaves[at(r * t + i)]);
            for (std::int64_t m = begin[leaf]; m < begin[leaf + 1]; ++m)
              if (const std::int32_t other = members[at(m)]; other != r && shared[at(other)]++ == 0)
                touched.push_back(other);
          }
          // Rows that share no leaf fill up what is left, the first ones first.
          for (std::int32_t other = 0; std::ssize(touched) < found.k; ++other)
            if (other != r && shared[at(other)] == 0) touched.push_back(other);
          std::ranges::partial_sort(touched, touched.begin() + found.k, [&](std::int32_t a, std::int32_t b) {
            return shared[at(a)] != shared[at(b)] ? shared[at(a)] > shared[at(b)] : a < b;
          });
          for (std::int64_t j = 0; j < found.k; ++j) {
            found.neighbors[at(r * found.k + j)] = touched[at(j)];
            found.proximity[at(r * found.k + j)] =
                static_cast<float>(shared[at(touched[at(j)])]) / static_cast<float>(t);
          }
          for (const std::int32_t other : touched) shared[at(other)] = 0;
        }
      },
      stop);
  return found;
}

}  // namespace cairn
