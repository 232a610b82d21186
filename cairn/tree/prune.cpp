#include "cairn/tree/prune_internal.h"

#include <algorithm>
#include <set>
#include <utility>

#include "cairn/base/index.h"

namespace cairn::tree {
std::vector<double> prune_weakest_links(std::vector<CartNode>& nodes, double alpha, double total_weight) {
  constexpr double kRounding = 1e-12;
  const std::size_t n = nodes.size();
  std::vector<std::int32_t> parent(n, -1);
  std::vector<double> own(n), branch(n);
  std::vector<std::int64_t> leaves(n, 1);
  for (std::size_t i = n; i-- > 0;) {  // children stand after their parents
    own[i] = branch[i] = nodes[i].impurity * nodes[i].weight / total_weight;
    if (nodes[i].left < 0) continue;
    const std::size_t l = at(nodes[i].left);
    parent[l] = parent[l + 1] = static_cast<std::int32_t>(i);
    branch[i] = branch[l] + branch[l + 1];
    leaves[i] = leaves[l] + leaves[l + 1];
  }
  const auto cost = [&](std::size_t i) { return (own[i] - branch[i]) / static_cast<double>(leaves[i] - 1); };
  std::vector<double> costs;
  std::set<std::pair<double, std::size_t>> links;
  for (std::size_t i = 0; i < n; ++i)
    if (nodes[i].left >= 0) links.insert({cost(i), i});
  while (!links.empty() && links.begin()->first <= alpha + kRounding) {
    const std::size_t cut = links.begin()->second;
    costs.push_back(std::max(links.begin()->first, costs.empty() ? 0 : costs.back()));
    std::vector<std::size_t> below{cut};
    while (!below.empty()) {
      const std::size_t i = below.back();
      below.pop_back();
      if (nodes[i].left < 0) continue;
      links.erase({cost(i), i});
      below.push_back(at(nodes[i].left));
      below.push_back(at(nodes[i].left) + 1);
    }
    const double risk = own[cut] - branch[cut];
    const std::int64_t fewer = leaves[cut] - 1;
    nodes[cut].left = -1;
    for (std::int64_t i = static_cast<std::int64_t>(cut); i >= 0; i = parent[at(i)]) {
      const bool linked = nodes[at(i)].left >= 0 && links.erase({cost(at(i)), at(i)}) > 0;
      branch[at(i)] += risk;
      leaves[at(i)] -= fewer;
      if (linked) links.insert({cost(at(i)), at(i)});
    }
  }
  return costs;
}

Tree tree_of(std::vector<CartNode>& nodes) {
  Tree t;
  t.nodes.emplace_back();
  std::vector<std::pair<std::int32_t, std::int32_t>> open{{0, 0}};
  while (!open.empty()) {
    const auto [from, to] = open.back();
    open.pop_back();
    CartNode& node = nodes[at(from)];
    TreeNode& out = t.nodes[at(to)];
    out.cover = node.weight;
    if (node.left < 0) {
      out.value = std::move(node.answer);
      continue;
    }
    out.feature = node.split.feature;
    out.threshold = node.split.threshold;
    out.category = node.split.category;
    out.missing_left = node.split.missing_left;
    out.left_codes = std::move(node.split.left_codes);
    out.gain = node.gain;
    const std::int32_t left = t.split(to);
    open.push_back({node.left + 1, left + 1});
    open.push_back({node.left, left});
  }
  return t;
}

}  // namespace cairn::tree
