#include "cairn/tree/tree_arrays.h"

#include <fmt/format.h>

#include <limits>

#include "cairn/base/error.h"
#include "cairn/tree/distinct_rows_internal.h"

namespace cairn {
namespace {

[[noreturn]] void refuse(const std::string& message) { throw ModelFileError("trees", message); }

void check_count(std::size_t nodes) {
  if (nodes > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    refuse(fmt::format("{} nodes are too many", nodes));
}

}  // namespace

void TreeArrays::add(const Tree& tree, std::size_t width) {
  check_count(feature.size() + tree.nodes.size());
  const auto first = static_cast<std::int32_t>(roots.back());
  outputs.push_back(tree.output);
  for (const TreeNode& node : tree.nodes) {
    const bool leaf = node.is_leaf(), category = !leaf && node.category;
    feature.push_back(leaf ? -1 : node.feature);
    threshold.push_back(leaf || category ? 0 : node.threshold);
    missing_left.push_back(!leaf && node.missing_left ? 1 : 0);
    gain.push_back(static_cast<float>(node.gain));
    cover.push_back(static_cast<float>(node.cover));
    if (category) {
      set.resize(feature.size(), -1);
      set.back() = static_cast<std::int32_t>(set_begin.size()) - 1;
      set_codes.insert(set_codes.end(), node.left_codes.begin(), node.left_codes.end());
      set_begin.push_back(std::ssize(set_codes));
    }
    if (leaf) {
      if (node.value.size() != width)
        refuse(fmt::format("a leaf holds {} numbers; it should be {}", node.value.size(), width));
      left.push_back(static_cast<std::int32_t>(values.size() / width));
      right.push_back(-1);
      values.insert(values.end(), node.value.begin(), node.value.end());
      if (!node.slopes.empty() && width > 1) refuse("a leaf that answers several outputs has slopes");
      if (!node.slopes.empty()) lines.add(left.back(), node.intercept, node.slope_features, node.slopes);
    } else {
      if (node.left < 0 || node.right < 0 || node.left >= std::ssize(tree.nodes) ||
          node.right >= std::ssize(tree.nodes))
        refuse(fmt::format("a node's children are {} and {} of {} nodes", node.left, node.right,
                           tree.nodes.size()));
      left.push_back(first + node.left);
      right.push_back(first + node.right);
    }
  }
  if (!set.empty()) set.resize(feature.size(), -1);
  roots.push_back(num_nodes());
}

void TreeArrays::share_values(std::size_t width) {
  if (width < 2) return;
  tree::DistinctRows found = tree::distinct_rows(values, width);
  values = std::move(found.rows);
  for (std::size_t i = 0; i < feature.size(); ++i)
    if (feature[i] < 0) left[i] = static_cast<std::int32_t>(found.place[static_cast<std::size_t>(left[i])]);
}

void TreeArrays::append(const TreeArrays& later, std::size_t width) {
  check_count(feature.size() + later.feature.size());
  const auto first = static_cast<std::int32_t>(num_nodes());
  const auto first_leaf = static_cast<std::int32_t>(values.size() / width);
  const auto first_set = static_cast<std::int32_t>(set_begin.size()) - 1;
  const std::int64_t first_code = std::ssize(set_codes);
  lines.append(later.lines, first_leaf);
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  add(outputs, later.outputs);
  add(feature, later.feature);
  add(threshold, later.threshold);
  add(missing_left, later.missing_left);
  add(gain, later.gain);
  add(cover, later.cover);
  add(values, later.values);
  add(set_codes, later.set_codes);
  for (std::size_t i = 0; i < later.feature.size(); ++i) {
    const bool leaf = later.feature[i] < 0;
    left.push_back(later.left[i] + (leaf ? first_leaf : first));
    right.push_back(leaf ? -1 : later.right[i] + first);
  }
  if (!set.empty() || !later.set.empty()) {
    set.resize(static_cast<std::size_t>(first), -1);
    for (const std::int32_t s : later.set) set.push_back(s < 0 ? -1 : s + first_set);
    set.resize(feature.size(), -1);
  }
  for (std::size_t s = 1; s < later.set_begin.size(); ++s)
    set_begin.push_back(first_code + later.set_begin[s]);
  for (std::size_t t = 1; t < later.roots.size(); ++t) roots.push_back(first + later.roots[t]);
}

TreeArrays joined(std::vector<TreeArrays> parts, std::size_t width) {
  if (parts.size() == 1) return std::move(parts[0]);
  std::size_t n = 0, values = 0, codes = 0, sets = 0;
  for (const TreeArrays& p : parts) {
    n += p.feature.size();
    values += p.values.size();
    codes += p.set_codes.size();
    sets += p.set_begin.size();
  }
  check_count(n);
  TreeArrays all;
  all.feature.reserve(n), all.left.reserve(n), all.right.reserve(n), all.threshold.reserve(n);
  all.missing_left.reserve(n), all.gain.reserve(n), all.cover.reserve(n), all.values.reserve(values);
  if (codes > 0) all.set.reserve(n), all.set_begin.reserve(sets + 1), all.set_codes.reserve(codes);
  for (TreeArrays& p : parts) {
    all.append(p, width);
    p = {};
  }
  return all;
}

}  // namespace cairn
