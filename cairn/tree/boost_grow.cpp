#include "cairn/tree/boost_grow_internal.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <queue>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/constraints_internal.h"

namespace cairn::tree {
namespace {

// Above this many rows a node is worth several threads; below, whole subtrees are.
constexpr std::int64_t kManyRows = 16384;
constexpr std::size_t kSubtrees = 16;
constexpr std::int64_t kLeastChunk = 4096;  // each piece has a histogram to clear and to add
constexpr std::int64_t kChunksAThread = 3;
constexpr std::int64_t kBinsARow = 3;

struct Piece {  // rows of one node that one thread works on
  std::size_t node;
  std::int64_t begin, end;
};

}  // namespace

// Neither sums of whole numbers nor the order of rows depend on how they are cut.
std::int64_t TreeGrower::chunk_rows(std::int64_t count) {
  return std::max(kLeastChunk, count / (kChunksAThread * num_threads()) + 1);
}

bool TreeGrower::may_split(const Node& node) const {
  return rules_.max_depth == 0 || node.depth < rules_.max_depth;
}

void TreeGrower::keep_share(std::vector<std::uint8_t>& allowed, double share, const char* stream,
                            std::uint64_t index) const {
  if (share >= 1) return;
  std::vector<std::size_t> some;
  for (std::size_t f = 0; f < allowed.size(); ++f)
    if (allowed[f]) some.push_back(f);
  const auto keep =
      static_cast<std::size_t>(std::max(1.0, std::round(share * static_cast<double>(some.size()))));
  Random random(derive_seed(seed_, stream, number_), stream, index);
  random.shuffle(std::span(some));
  for (std::size_t i = std::min(keep, some.size()); i < some.size(); ++i) allowed[some[i]] = 0;
}

std::vector<std::uint8_t> TreeGrower::allowed_features(const Node& node) const {
  std::vector<std::uint8_t> allowed = tree_features_;
  if (!rules_.interactions.empty() && !node.asked.empty()) {
    const auto together = may_meet(rules_.interactions, node.asked, std::ssize(allowed));
    for (std::size_t f = 0; f < allowed.size(); ++f) allowed[f] &= together[f];
  }
  keep_share(allowed, rules_.columns_by_level, "columns of a level", static_cast<std::uint64_t>(node.depth));
  keep_share(allowed, rules_.columns_by_node, "columns of a node", node.path);
  return allowed;
}

// A look at each row costs about what three bins cost.
bool TreeGrower::is_small(const Node& node) const {
  const std::int64_t bins = data_.histogram_size() / data_.num_features();
  return node.count <= std::min(bins / kBinsARow, static_cast<std::int64_t>(kMostListed));
}

void TreeGrower::find_split(Node& node, std::int64_t* histogram) const {
  node.split = {};
  if (!may_split(node) || node.count < 2) return;
  std::vector<std::uint8_t> some;
  if (!rules_.interactions.empty() || rules_.columns_by_level < 1 || rules_.columns_by_node < 1)
    some = allowed_features(node);
  const std::vector<std::uint8_t>& allowed = some.empty() ? tree_features_ : some;
  if (!histogram) {
    node.split =
        best_split_of_rows(data_, *gradients_, std::span(rows_).subspan(at(node.begin), at(node.count)),
                           node.total, allowed, rules_.split, node.bounds);
    return;
  }
  complete_sparse(data_, node.total, histogram);
  node.split = best_split(data_, *gradients_, histogram, node.total, allowed, rules_.split, node.bounds);
}

void TreeGrower::add_children(std::vector<Node>& nodes, std::int32_t index) const {
  const auto left = static_cast<std::int32_t>(nodes.size());
  nodes.resize(nodes.size() + 2);
  Node& parent = nodes[at(index)];
  parent.left = left;
  for (int side = 0; side < 2; ++side) {
    Node& child = nodes[at(left + side)];
    child.depth = parent.depth + 1;
    child.path = parent.depth < 62 ? 2 * parent.path + static_cast<std::uint64_t>(side)
                                   : derive_seed(parent.path, "path", static_cast<std::uint64_t>(side));
    child.total = side == 0 ? parent.split.left : parent.total - parent.split.left;
    child.bounds = parent.bounds;
    if (!rules_.interactions.empty()) {
      child.asked = parent.asked;
      if (std::ranges::find(child.asked, parent.split.feature) == child.asked.end())
        child.asked.push_back(parent.split.feature);
    }
  }
  if (rules_.split.monotone.empty() || rules_.split.monotone[at(parent.split.feature)] == 0) return;
  Node &l = nodes[at(left)], &r = nodes[at(left + 1)];
  const auto value = [&](const Node& n) {
    return leaf_value(gradients_->g(n.total), gradients_->h(n.total), rules_.split, parent.bounds);
  };
  const double middle = (value(l) + value(r)) / 2;
  const bool rising = rules_.split.monotone[at(parent.split.feature)] > 0;
  (rising ? l : r).bounds.high = middle;
  (rising ? r : l).bounds.low = middle;
}

void TreeGrower::set_child_counts(std::vector<Node>& nodes, std::int32_t index, std::int64_t left) const {
  Node& parent = nodes[at(index)];
  parent.rows_divided = true;
  nodes[at(parent.left)].begin = parent.begin;
  nodes[at(parent.left)].count = left;
  nodes[at(parent.left) + 1].begin = parent.begin + left;
  nodes[at(parent.left) + 1].count = parent.count - left;
}

void TreeGrower::grow(const Gradients& gradients, std::span<const std::uint32_t> rows, std::uint64_t number,
                      const StopToken& stop) {
  gradients_ = &gradients;
  number_ = number;
  rows_.assign(rows.begin(), rows.end());
  memory_.resize(rows_.size());
  own_values_.clear();
  outputs_ = 1;
  tree_features_.assign(at(data_.num_features()), 1);
  keep_share(tree_features_, rules_.columns_by_tree, "columns of a tree", 0);
  nodes_.assign(1, Node{});
  nodes_[0].count = std::ssize(rows_);
  nodes_[0].total = parallel_reduce<std::int64_t>(
      std::ssize(rows_), kManyRows,
      [&](std::int64_t begin, std::int64_t end) {
        std::int64_t sum = 0;
        for (std::int64_t i = begin; i < end; ++i) sum += gradients.words[rows_[at(i)]];
        return sum;
      },
      [](std::int64_t& into, std::int64_t other) { into += other; });
  if (!may_split(nodes_[0]) || data_.num_features() == 0) return;
  HistogramPool pool(data_.histogram_size());
  std::vector<Open> level;
  level.push_back({0, pool.take()});
  const std::int32_t root = 0;
  sum_histograms(std::span(&root, 1), std::span(&level[0].histogram, 1), stop);
  find_split(nodes_[0], level[0].histogram.get());
  if (rules_.leaf_wise && rules_.max_leaves > 0) {
    grow_leaves(std::move(level[0]), stop);
    return;
  }
  grow_levels(level, stop);
  grow_subtrees(std::move(level), stop);
  if (rules_.max_leaves > 0) prune();
}

// Divides the rows of nodes whose children exist, in pieces; how many go left in each node.
std::vector<std::int64_t> TreeGrower::divide_rows(std::span<const std::int32_t> which) {
  std::vector<Piece> pieces;
  std::vector<std::array<std::uint8_t, 256>> tables(which.size());
  for (std::size_t i = 0; i < which.size(); ++i) {
    const Node& node = nodes_[at(which[i])];
    left_table(data_.feature(node.split.feature), node.split, tables[i].data());
    const std::int64_t chunk = chunk_rows(node.count);
    for (std::int64_t b = 0; b < node.count; b += chunk)
      pieces.push_back({i, node.begin + b, node.begin + std::min(node.count, b + chunk)});
  }
  std::vector<std::int64_t> left_of(pieces.size()), left(which.size());
  parallel_for(std::ssize(pieces), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const Piece& piece = pieces[at(p)];
      const Node& node = nodes_[at(which[piece.node])];
      left_of[at(p)] = partition_rows(rows_.data() + piece.begin, piece.end - piece.begin,
                                      data_.column(node.split.feature), tables[piece.node].data(),
                                      memory_.data() + piece.begin);
    }
  });
  // The pieces' sides are gathered: all that went left, then all that went right.
  std::vector<std::int64_t> left_to(pieces.size()), right_to(pieces.size());
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    left_to[p] = left[pieces[p].node];
    left[pieces[p].node] += left_of[p];
  }
  std::vector<std::int64_t> right(which.size());
  bool several = false;
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    const std::size_t i = pieces[p].node;
    right_to[p] = left[i] + right[i];
    right[i] += pieces[p].end - pieces[p].begin - left_of[p];
    several |= pieces[p].end - pieces[p].begin < nodes_[at(which[i])].count;
  }
  if (!several) return left;
  parallel_for(std::ssize(pieces), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const Piece& piece = pieces[at(p)];
      const std::int64_t base = nodes_[at(which[piece.node])].begin, l = left_of[at(p)];
      const auto* from = rows_.data() + piece.begin;
      std::copy_n(from, l, memory_.data() + base + left_to[at(p)]);
      std::copy_n(from + l, piece.end - piece.begin - l, memory_.data() + base + right_to[at(p)]);
    }
  });
  parallel_for(std::ssize(pieces), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p)
      std::copy(memory_.data() + pieces[at(p)].begin, memory_.data() + pieces[at(p)].end,
                rows_.data() + pieces[at(p)].begin);
  });
  return left;
}

void TreeGrower::sum_histograms(std::span<const std::int32_t> which,
                                std::span<const HistogramPool::Histogram> into, const StopToken& stop) {
  const std::int64_t size = data_.histogram_size();
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < which.size(); ++i) {
    const Node& node = nodes_[at(which[i])];
    const std::int64_t chunk = chunk_rows(node.count);
    for (std::int64_t b = 0; b == 0 || b < node.count; b += chunk)
      pieces.push_back({i, node.begin + b, node.begin + std::min(node.count, b + chunk)});
  }
  const bool all_rows = which.size() == 1 && which[0] == 0 && std::ssize(rows_) == data_.rows();
  std::vector<HistogramPool::Histogram> parts(pieces.size());
  parallel_for(
      std::ssize(pieces), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p) {
          const Piece& piece = pieces[at(p)];
          const bool first = p == 0 || pieces[at(p) - 1].node != piece.node;
          if (!first) parts[at(p)] = HistogramPool::Histogram(new std::int64_t[at(size)]);
          std::int64_t* h = first ? into[piece.node].get() : parts[at(p)].get();
          std::fill_n(h, size, 0);
          add_to_histogram(data_, all_rows ? nullptr : rows_.data() + piece.begin, piece.begin,
                           piece.end - piece.begin, gradients_->words.data(), h);
        }
      },
      stop);
  constexpr std::int64_t kEntries = 4096;
  parallel_for(size, kEntries, [&](std::int64_t begin, std::int64_t end) {
    for (std::size_t p = 0; p < pieces.size(); ++p)
      if (parts[p])
        for (std::int64_t e = begin; e < end; ++e) into[pieces[p].node][at(e)] += parts[p][at(e)];
  });
}

// The top of the tree: all nodes of a level together, each in pieces, until there are subtrees enough.
void TreeGrower::grow_levels(std::vector<Open>& level, const StopToken& stop) {
  const std::int64_t size = data_.histogram_size();
  const auto worth = [&] {
    return level.size() < kSubtrees &&
           std::ranges::any_of(level, [&](const Open& o) { return nodes_[at(o.node)].count > kManyRows; });
  };
  while (worth()) {
    std::vector<std::int32_t> split, smaller;
    std::vector<HistogramPool::Histogram> parents, fresh;
    std::vector<Open> next;
    for (Open& o : level) {
      if (!nodes_[at(o.node)].split.found()) continue;
      add_children(nodes_, o.node);
      if (!may_split(nodes_[at(nodes_[at(o.node)].left)]) && !rules_.need_leaf_rows) continue;
      split.push_back(o.node);
      parents.push_back(std::move(o.histogram));
    }
    const auto left = divide_rows(split);
    for (std::size_t i = 0; i < split.size(); ++i) {
      set_child_counts(nodes_, split[i], left[i]);
      const Node& parent = nodes_[at(split[i])];
      smaller.push_back(parent.left + (2 * left[i] <= parent.count ? 0 : 1));
      fresh.emplace_back(new std::int64_t[at(size)]);
    }
    level.clear();
    if (split.empty() || !may_split(nodes_[at(smaller[0])])) break;
    sum_histograms(smaller, fresh, stop);
    for (std::size_t i = 0; i < split.size(); ++i) {
      const std::int32_t other = smaller[i] == nodes_[at(split[i])].left ? smaller[i] + 1 : smaller[i] - 1;
      for (std::int64_t e = 0; e < size; ++e) parents[i][at(e)] -= fresh[i][at(e)];
      next.push_back({smaller[i], std::move(fresh[i])});
      next.push_back({other, std::move(parents[i])});
    }
    parallel_for(std::ssize(next), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        find_split(nodes_[at(next[at(i)].node)], next[at(i)].histogram.get());
    });
    level = std::move(next);
  }
}

void TreeGrower::grow_subtree(std::vector<Node>& nodes, Open root, std::uint32_t* memory, HistogramPool& pool,
                              const StopToken& stop) {
  const std::int64_t size = data_.histogram_size();
  std::array<std::uint8_t, 256> table{};
  std::uint32_t* rows = rows_.data();
  std::vector<Open> open;
  open.push_back(std::move(root));
  while (!open.empty()) {
    Open o = std::move(open.back());
    open.pop_back();
    if (!nodes[at(o.node)].split.found()) {
      pool.give(std::move(o.histogram));
      continue;
    }
    if (stop.requested()) return;
    add_children(nodes, o.node);
    const Node parent = nodes[at(o.node)];
    const bool last = !may_split(nodes[at(parent.left)]);
    if (last && !rules_.need_leaf_rows) {
      pool.give(std::move(o.histogram));
      continue;
    }
    left_table(data_.feature(parent.split.feature), parent.split, table.data());
    const std::int64_t left =
        partition_rows(rows + parent.begin, parent.count, data_.column(parent.split.feature), table.data(),
                       memory + parent.begin);
    set_child_counts(nodes, o.node, left);
    if (last) {
      pool.give(std::move(o.histogram));
      continue;
    }
    const std::int32_t smaller = parent.left + (2 * left <= parent.count ? 0 : 1);
    const std::int32_t other = 2 * parent.left + 1 - smaller;
    HistogramPool::Histogram fresh;
    if (is_small(nodes[at(other)])) {
      pool.give(std::move(o.histogram));
    } else {
      fresh = pool.take();
      std::fill_n(fresh.get(), size, 0);
      add_to_histogram(data_, rows + nodes[at(smaller)].begin, 0, nodes[at(smaller)].count,
                       gradients_->words.data(), fresh.get());
      for (std::int64_t e = 0; e < size; ++e) o.histogram[at(e)] -= fresh[at(e)];
      if (is_small(nodes[at(smaller)])) pool.give(std::move(fresh));
    }
    find_split(nodes[at(smaller)], fresh.get());
    find_split(nodes[at(other)], o.histogram.get());
    open.push_back({other, std::move(o.histogram)});
    open.push_back({smaller, std::move(fresh)});
  }
}

void TreeGrower::grow_subtrees(std::vector<Open> roots, const StopToken& stop) {
  std::ranges::stable_sort(roots, [&](const Open& a, const Open& b) {
    return nodes_[at(a.node)].count > nodes_[at(b.node)].count;
  });
  std::vector<std::vector<Node>> grown(roots.size());
  parallel_for(
      std::ssize(roots), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          HistogramPool pool(data_.histogram_size());
          grown[at(i)].push_back(nodes_[at(roots[at(i)].node)]);
          grow_subtree(grown[at(i)], {0, std::move(roots[at(i)].histogram)}, memory_.data(), pool, stop);
        }
      },
      stop);
  for (std::size_t i = 0; i < roots.size(); ++i) {
    const auto shift = static_cast<std::int32_t>(nodes_.size()) - 1;  // number 0 takes the root's place
    for (Node& n : grown[i])
      if (n.left >= 0) n.left += shift;
    nodes_[at(roots[i].node)] = grown[i][0];
    nodes_.insert(nodes_.end(), grown[i].begin() + 1, grown[i].end());
  }
}

// The leaf with the largest gain first.
void TreeGrower::grow_leaves(Open root, const StopToken& stop) {
  const std::int64_t size = data_.histogram_size();
  HistogramPool pool(size);
  std::vector<HistogramPool::Histogram> histograms(1);
  histograms[0] = std::move(root.histogram);
  const auto less = [&](std::int32_t a, std::int32_t b) {
    const double ga = nodes_[at(a)].split.gain, gb = nodes_[at(b)].split.gain;
    return ga < gb || (ga == gb && a > b);
  };
  std::priority_queue<std::int32_t, std::vector<std::int32_t>, decltype(less)> open(less);
  if (nodes_[0].split.found()) open.push(0);
  for (int leaves = 1; leaves < rules_.max_leaves && !open.empty(); ++leaves) {
    const std::int32_t parent = open.top();
    open.pop();
    add_children(nodes_, parent);
    set_child_counts(nodes_, parent, divide_rows(std::span(&parent, 1))[0]);
    histograms.resize(nodes_.size());
    const std::int32_t left = nodes_[at(parent)].left;
    auto own = std::move(histograms[at(parent)]);
    if (!may_split(nodes_[at(left)])) {
      pool.give(std::move(own));
      continue;
    }
    const std::int32_t smaller = left + (2 * nodes_[at(left)].count <= nodes_[at(parent)].count ? 0 : 1);
    auto fresh = pool.take();
    sum_histograms(std::span(&smaller, 1), std::span(&fresh, 1), stop);
    for (std::int64_t e = 0; e < size; ++e) own[at(e)] -= fresh[at(e)];
    histograms[at(smaller)] = std::move(fresh);
    histograms[at(2 * left + 1 - smaller)] = std::move(own);
    parallel_for(2, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t side = begin; side < end; ++side)
        find_split(nodes_[at(left + side)], histograms[at(left + side)].get());
    });
    for (const std::int32_t child : {left, left + 1}) {
      if (nodes_[at(child)].split.found())
        open.push(child);
      else
        pool.give(std::move(histograms[at(child)]));
    }
  }
}

}  // namespace cairn::tree
