// What a page draws of a model of trees: the uppermost questions of its first tree.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <queue>

#include "cairn/base/index.h"

#include "cairn/tree/tree_model.h"

namespace cairn {
namespace {

// A single tree is read; the first of many gives an impression only.
constexpr std::int64_t kNodesOfOne = 63, kNodesOfMany = 15;
constexpr int kDepthOfOne = 5, kDepthOfMany = 3;

// What leaves hold: shares of the classes, values of the target, or what is added to a score.
const char* leaf_kind(const TreeEnsemble& trees) {
  if (trees.options().output == TreeOutput::share) return "shares";
  return trees.options().output == TreeOutput::identity && (trees.options().average || trees.num_trees() == 1)
             ? "value"
             : "score";
}

std::int64_t leaves_below(const TreeEnsemble& trees, std::int64_t node) {
  std::vector<std::int64_t> open{node};
  std::int64_t leaves = 0;
  while (!open.empty()) {
    const std::int64_t i = open.back();
    open.pop_back();
    if (trees.is_leaf(i)) {
      ++leaves;
      continue;
    }
    open.push_back(trees.left()[at(i)]);
    open.push_back(trees.right()[at(i)]);
  }
  return leaves;
}

// A threshold of infinity parts the rows that have a value from those that have none.
std::string question(const TreeEnsemble& trees, std::int64_t node, const TreeNames& called) {
  constexpr int kDigits = 6;
  if (!trees.is_category(node) && std::isinf(trees.thresholds()[at(node)])) {
    const bool known_left = trees.thresholds()[at(node)] > 0;
    const std::string& name = called.features.at(at(trees.features()[at(node)]));
    return fmt::format("{} is {}", name, known_left ? "known" : "missing");
  }
  return split_in_words(trees, node, true, called, kDigits);
}

Json leaf_answer(const TreeEnsemble& trees, std::int64_t leaf) {
  const auto values = trees.leaf_values(leaf);
  const double base = trees.num_trees() == 1 && values.size() == 1 && !trees.options().base.empty()
                          ? trees.options().base[at(trees.tree_outputs()[0])]
                          : 0;
  Json answer = Json::array();
  for (const double v : values) answer.push_back(std::isfinite(v + base) ? Json(v + base) : Json(nullptr));
  return answer;
}

}  // namespace

Json TreeModel::drawn_trees() const {
  const TreeEnsemble& trees = parts_.trees;
  if (trees.num_trees() == 0) return nullptr;
  const bool one = trees.num_trees() == 1;
  const std::int64_t most = one ? kNodesOfOne : kNodesOfMany;
  const TreeNames called = names();
  struct Open {
    std::int64_t node;
    int depth;
  };
  std::queue<Open> open({{trees.roots()[0], 0}});
  Json nodes = Json::array();
  std::int64_t named = 1;  // nodes that have a place in the list, in the order of their levels
  while (!open.empty()) {
    const auto [node, depth] = open.front();
    open.pop();
    Json json{{"cover", trees.covers()[at(node)]}};
    if (trees.is_leaf(node)) {
      json["answer"] = leaf_answer(trees, node);
      if (std::string line = line_in_words(trees, node, called); !line.empty())
        json["line"] = std::move(line);
    } else if (depth >= (one ? kDepthOfOne : kDepthOfMany) || named + 2 > most) {
      json["leaves_below"] = leaves_below(trees, node);
    } else {
      json["question"] = question(trees, node, called);
      json["yes"] = named;
      json["no"] = named + 1;
      named += 2;
      open.push({trees.left()[at(node)], depth + 1});
      open.push({trees.right()[at(node)], depth + 1});
    }
    nodes.push_back(std::move(json));
  }
  return {{"count", trees.num_trees()},
          {"leaves", leaves_below(trees, trees.roots()[0])},
          {"leaf", leaf_kind(trees)},
          {"output", trees.num_outputs() > 1 && trees.tree_outputs()[0] >= 0 && !trees.options().vector_leaves
                         ? Json(called.outputs.at(at(trees.tree_outputs()[0])))
                         : Json(nullptr)},
          {"nodes", std::move(nodes)}};
}

}  // namespace cairn
