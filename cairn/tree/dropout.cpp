#include <algorithm>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/tree/dropout_internal.h"
#include "cairn/tree/ensemble.h"

namespace cairn::tree {

std::vector<std::size_t> rounds_left_out(const DropoutRules& rules, std::size_t rounds, std::uint64_t number,
                                         std::uint64_t seed) {
  if (rules.share <= 0 || rounds == 0) return {};
  Random random(seed, "dropout", number);
  if (random.uniform() < rules.skip) return {};
  std::vector<std::size_t> out;
  for (std::size_t r = 0; r < rounds; ++r)
    if (random.uniform() < rules.share) out.push_back(r);
  if (out.empty()) out.push_back(random.below(rounds));
  if (rules.most > 0 && std::ssize(out) > rules.most) {
    random.shuffle(std::span(out));
    out.resize(static_cast<std::size_t>(rules.most));
    std::ranges::sort(out);
  }
  return out;
}

void add_trees(std::span<const Tree> trees, const Matrix& x, double factor, std::span<double> raw) {
  const auto n = static_cast<std::size_t>(x.rows()), outputs = raw.size() / std::max<std::size_t>(n, 1);
  std::vector<double> step;
  for (const Tree& tree : trees) {
    std::size_t width = 1;
    for (const TreeNode& node : tree.nodes) width = std::max(width, node.value.size());
    Tree one = tree;
    one.output = 0;
    step.assign(n * width, 0);
    TreeEnsemble({.num_features = x.columns(),
                  .num_outputs = static_cast<std::int64_t>(width),
                  .vector_leaves = width > 1},
                 std::span(&one, 1))
        .predict_raw(x, step);
    CAIRN_ASSERT(width == 1 || width == outputs);
    for (std::size_t o = 0; o < width; ++o) {
      const auto part = raw.subspan((static_cast<std::size_t>(tree.output) + o) * n, n);
      for (std::size_t r = 0; r < n; ++r) part[r] += factor * step[r * width + o];
    }
  }
}

void multiply_leaves(Tree& tree, double factor) {
  for (TreeNode& node : tree.nodes) {
    for (double& v : node.value) v *= factor;
    for (double& s : node.slopes) s *= factor;
    node.intercept *= factor;
  }
}

}  // namespace cairn::tree
