// What reading trees of any program needs.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/tree.h"

namespace cairn::import_detail {

// The bytes of a file as trees; `path` only names them.
ImportedTrees xgboost_trees(std::string_view contents, const std::string& path);
ImportedTrees lightgbm_trees(std::string_view contents, const std::string& path);
ImportedTrees onnx_trees(std::string_view contents, const std::string& path);

// Trees that hold one number a leaf, as many of one form as there are classes, become the forest of shares
// that was exported so; `classes` is what the file calls them. ModelFileError: they are no such trees.
void make_shares(ImportedTrees& imported, TreeEnsembleOptions& options, std::vector<Tree>& trees,
                 const std::string& classes, const std::string& path);

[[noreturn]] inline void refuse(const std::string& path, const std::string& what) {
  throw ModelFileError(path, what);
}

// A node of a file: what the walk below needs of it.
struct FileNode {
  TreeNode node;                       // without children
  std::int64_t left = -1, right = -1;  // in the file's own numbers; unused for a leaf
};

// Copies the nodes that can be reached from `root`, parents first. describe(number) gives a node of the file;
// `count` numbers exist. ModelFileError: a child out of range, or a node with two parents (so no cycle).
template <class Describe>
Tree tree_from(const std::string& path, std::int64_t tree, std::int64_t root, std::int64_t count,
               Describe&& describe) {
  Tree result;
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(count));
  std::vector<std::pair<std::int64_t, std::int32_t>> to_do{{root, 0}};
  result.nodes.resize(1);
  while (!to_do.empty()) {
    const auto [number, at] = to_do.back();
    to_do.pop_back();
    if (number < 0 || number >= count)
      refuse(path, fmt::format("tree {} has a child {}; its nodes are 0 to {}", tree, number, count - 1));
    if (seen[static_cast<std::size_t>(number)]++)
      refuse(path, fmt::format("node {} of tree {} has two parents", number, tree));
    FileNode described = describe(number);
    const bool leaf = described.node.is_leaf();
    result.nodes[static_cast<std::size_t>(at)] = std::move(described.node);
    if (leaf) continue;
    const std::int32_t left = result.split(at);
    to_do.emplace_back(described.right, left + 1);
    to_do.emplace_back(described.left, left);
  }
  return result;
}

}  // namespace cairn::import_detail
