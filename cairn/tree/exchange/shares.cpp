// Forests that classify, out of files of programs whose trees hold one number a leaf.
#include <nlohmann/json.hpp>

#include "cairn/tree/exchange/import_internal.h"
#include "cairn/tree/exchange/parity.h"

namespace cairn::import_detail {
namespace {

bool asks_the_same(const TreeNode& a, const TreeNode& b) {
  return a.feature == b.feature && a.threshold == b.threshold && a.category == b.category &&
         a.missing_left == b.missing_left && a.left_codes == b.left_codes && a.left == b.left &&
         a.right == b.right;
}

}  // namespace

void make_shares(ImportedTrees& imported, TreeEnsembleOptions& options, std::vector<Tree>& trees,
                 const std::string& classes, const std::string& path) {
  const auto list = nlohmann::json::parse(classes, nullptr, false);
  if (!list.is_array() || std::ssize(list) != options.num_outputs || list.size() < 2)
    refuse(path, fmt::format("its {} is not the names of {} classes", kSharesName, options.num_outputs));
  for (const auto& name : list) {
    if (!name.is_string()) refuse(path, fmt::format("its {} holds what is no name", kSharesName));
    imported.classes.push_back(name.get<std::string>());
  }
  const std::size_t k = list.size();
  if (trees.empty() || trees.size() % k != 0)
    refuse(path, fmt::format("{} trees cannot hold the shares of {} classes", trees.size(), k));
  for (std::size_t t = 0; t < trees.size(); ++t)
    if (static_cast<std::size_t>(trees[t].output) != t % k)
      refuse(path, fmt::format("tree {} adds to output {}; trees that hold shares add to one class after the "
                               "other, this one to {}",
                               t, trees[t].output, t % k));
  for (const double base : options.base)
    if (base != 0) refuse(path, fmt::format("adds {} to the shares of classes, which have no base", base));
  std::vector<Tree> joined;
  for (std::size_t first = 0; first < trees.size(); first += k) {
    Tree one = std::move(trees[first]);
    one.output = 0;
    for (std::size_t o = 1; o < k; ++o) {
      const Tree& other = trees[first + o];
      if (other.nodes.size() != one.nodes.size())
        refuse(path,
               fmt::format("trees {} and {} are to hold shares of one tree and differ", first, first + o));
      for (std::size_t i = 0; i < one.nodes.size(); ++i) {
        if (!asks_the_same(one.nodes[i], other.nodes[i]))
          refuse(path, fmt::format("trees {} and {} are to hold shares of one tree and differ at node {}",
                                   first, first + o, i));
        if (one.nodes[i].is_leaf()) one.nodes[i].value.push_back(other.nodes[i].value.at(0));
      }
    }
    for (TreeNode& n : one.nodes) {
      double sum = 0;
      for (const double v : n.value) sum += v;
      for (double& v : n.value) v /= sum > 0 ? sum : 1;  // a part of the forest there, and 1 here
    }
    joined.push_back(std::move(one));
  }
  trees = std::move(joined);
  options.output = TreeOutput::share;
  options.vector_leaves = options.average = true;
  options.base.clear();
}

}  // namespace cairn::import_detail
