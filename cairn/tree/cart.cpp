#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/tree/cart_packed_internal.h"
#include "cairn/tree/cart_split_internal.h"
#include "cairn/tree/cart_two_classes_internal.h"
#include "cairn/tree/constraints_internal.h"
#include "cairn/tree/prune_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kManyCells = 100'000;  // rows times features of a node that several threads look at
constexpr std::int64_t kSubtreeRows = 4096;   // nodes of at most so many rows become one thread's work

class CartGrower {
 public:
  CartGrower(const RankedData& data, const CartTarget& target, CartSample sample, const CartRules& rules,
             std::uint64_t seed, const StopToken& stop)
      : data_(data),
        target_(target),
        rules_(rules),
        seed_(seed),
        stop_(stop),
        rows_(std::move(sample.rows)),
        memory_(rows_.size()) {
    pack_ = target.num_classes == 2 && std::ranges::all_of(sample.weights, [](double w) {
              return w <= kMostPackedWeight && w == std::floor(w);
            });
    if (sample.weights.empty()) {
      total_ = static_cast<double>(rows_.size());
      return;
    }
    weights_.assign(at(data.rows()), 0.0);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      weights_[rows_[i]] = sample.weights[i];
      total_ += sample.weights[i];
    }
  }
  Tree grow();
  std::vector<double> strengths();
  void pruned(std::span<const double> alphas, const PrunedTree& each);

 private:
  void grow_nodes();
  struct Open {
    std::int32_t node;
    CartSplit split;
    bool operator<(const Open& other) const {  // for a queue: the largest gain first, then the earlier node
      return split.gain < other.split.gain || (split.gain == other.split.gain && node > other.node);
    }
  };
  CartNode make_node(std::int64_t begin, std::int64_t count, int depth, std::uint64_t path, double low,
                     double high) const;
  NodeRows rows_of(const CartNode& node) const;
  void describe(CartNode& node) const;
  CartSplit find_split(const CartNode& node, bool parallel) const;
  CartSplit look_at_all(const NodeRows& rows, const std::vector<std::int32_t>& features, std::uint64_t path,
                        bool parallel) const;
  CartSplit look_at_some(const NodeRows& rows, std::vector<std::int32_t> order, std::uint64_t path) const;
  std::vector<std::int32_t> features_of(const CartNode& node) const;
  std::int32_t divide(std::vector<CartNode>& nodes, std::int32_t index, const CartSplit& split);
  void grow_depth_first(std::vector<CartNode>& nodes, std::int64_t defer_below,
                        std::vector<std::int32_t>& deferred);
  void grow_best_first();
  void grow_deferred(const std::vector<std::int32_t>& deferred);

  const RankedData& data_;
  const CartTarget& target_;
  const CartRules& rules_;
  const std::uint64_t seed_;
  const StopToken& stop_;
  std::vector<std::uint32_t> rows_, memory_;
  std::vector<double> weights_;  // by row
  bool pack_ = false;            // two classes, and weights that are small whole numbers
  double total_ = 0;
  std::vector<CartNode> nodes_;
};

NodeRows CartGrower::rows_of(const CartNode& node) const {
  NodeRows n;
  n.rows = std::span(rows_).subspan(at(node.begin), at(node.count));
  n.num_classes = target_.num_classes;
  if (rules_.criterion == Criterion::quantile) n.level = rules_.quantile;
  n.low = node.low;
  n.high = node.high;
  const std::size_t count = n.rows.size();
  if (n.num_classes == 0) {
    n.y.resize(count);
    for (std::size_t i = 0; i < count; ++i) n.y[i] = target_.y[n.rows[i]];
  } else {
    n.labels.resize(count);
    for (std::size_t i = 0; i < count; ++i) n.labels[i] = target_.labels[n.rows[i]];
  }
  if (!weights_.empty()) {
    n.w.resize(count);
    for (std::size_t i = 0; i < count; ++i) n.w[i] = weights_[n.rows[i]];
  }
  if (pack_) {
    n.packed.resize(count);
    for (std::size_t i = 0; i < count; ++i)
      n.packed[i] = pack_two_classes(n.w.empty() ? 1 : static_cast<std::uint32_t>(n.w[i]), n.labels[i]);
  }
  summarise(n, rules_.criterion);
  return n;
}

// Impurity, weight and answer of a new node.
void CartGrower::describe(CartNode& node) const {
  if (target_.num_classes == 0) {
    const NodeRows rows = rows_of(node);
    node.impurity = rows.impurity;
    node.weight = rows.weight;
    node.answer = leaf_answer(rows, rules_.criterion);
    return;
  }
  node.answer.assign(at(target_.num_classes), 0.0);
  for (std::int64_t i = node.begin; i < node.begin + node.count; ++i) {
    const std::uint32_t row = rows_[at(i)];
    node.answer[at(target_.labels[row])] += weights_.empty() ? 1 : weights_[row];
  }
  node.weight = 0;
  for (const double w : node.answer) node.weight += w;
  node.impurity = rules_.criterion == Criterion::gini ? gini(node.answer) : entropy(node.answer);
  for (double& share : node.answer) share /= node.weight;
}

CartNode CartGrower::make_node(std::int64_t begin, std::int64_t count, int depth, std::uint64_t path,
                               double low, double high) const {
  CartNode node;
  node.begin = begin;
  node.count = count;
  node.depth = depth;
  node.path = path;
  node.low = low;
  node.high = high;
  return node;
}

// Those that the node may ask about.
std::vector<std::int32_t> CartGrower::features_of(const CartNode& node) const {
  std::vector<std::int32_t> features(at(data_.num_features()));
  std::iota(features.begin(), features.end(), 0);
  if (rules_.interactions.empty() || node.asked.empty()) return features;
  const std::vector<std::uint8_t> together = may_meet(rules_.interactions, node.asked, data_.num_features());
  std::erase_if(features, [&](std::int32_t f) { return together[at(f)] == 0; });
  return features;
}

CartSplit CartGrower::look_at_all(const NodeRows& rows, const std::vector<std::int32_t>& features,
                                  std::uint64_t path, bool parallel) const {
  const std::int64_t d = std::ssize(features);
  std::vector<CartSplit> best(at(d));
  const bool spread = parallel && std::ssize(rows.rows) * d > kManyCells;
  parallel_for(d, spread ? 1 : d, [&](std::int64_t begin, std::int64_t end) {
    CartMemory memory;
    for (std::int64_t f = begin; f < end; ++f) {
      const std::int32_t feature = features[at(f)];
      Random random(seed_, "threshold", derive_seed(path, "feature", static_cast<std::uint64_t>(feature)));
      bool constant = false;
      best[at(f)] = best_cart_split(data_, feature, rows, rules_,
                                    rules_.random_thresholds ? &random : nullptr, memory, constant);
    }
  });
  CartSplit first;
  for (CartSplit& split : best)
    if (split.found() && (!first.found() || split.gain > first.gain * (1 + 1e-9))) first = std::move(split);
  return first;
}

// Features in a drawn order until enough have been looked at and one of them was not constant.
CartSplit CartGrower::look_at_some(const NodeRows& rows, std::vector<std::int32_t> order,
                                   std::uint64_t path) const {
  Random random(seed_, "features", path);
  CartMemory memory;
  CartSplit best;
  bool any = false;
  for (std::size_t looked = 0; looked < order.size(); ++looked) {
    if (static_cast<std::int64_t>(looked) >= rules_.max_features && any) break;
    std::swap(order[looked], order[looked + random.below(order.size() - looked)]);
    bool constant = false;
    CartSplit split = best_cart_split(data_, order[looked], rows, rules_,
                                      rules_.random_thresholds ? &random : nullptr, memory, constant);
    any |= !constant;
    if (split.found() && (!best.found() || split.gain > best.gain * (1 + 1e-9))) best = std::move(split);
  }
  return best;
}

CartSplit CartGrower::find_split(const CartNode& node, bool parallel) const {
  if ((rules_.max_depth > 0 && node.depth >= rules_.max_depth) || node.count < rules_.min_samples_split ||
      node.count < 2 * rules_.min_samples_leaf || node.impurity <= 0)
    return {};
  stop_.throw_if_requested("growing a tree");
  const NodeRows rows = rows_of(node);
  const bool some = rules_.max_features > 0 && rules_.max_features < data_.num_features();
  std::vector<std::int32_t> features = features_of(node);
  CartSplit split = some ? look_at_some(rows, std::move(features), node.path)
                         : look_at_all(rows, features, node.path, parallel);
  constexpr double kRounding = 1e-12;
  if (split.found() && split.gain / total_ + kRounding < rules_.min_impurity_decrease) return {};
  return split;
}

std::int32_t CartGrower::divide(std::vector<CartNode>& nodes, std::int32_t index, const CartSplit& split) {
  const CartNode parent = nodes[at(index)];
  const auto& ranks = data_.feature(split.feature).ranks;
  std::uint32_t *rows = rows_.data() + parent.begin, *right = memory_.data() + parent.begin;
  std::int64_t l = 0, r = 0;
  for (std::int64_t i = 0; i < parent.count; ++i) {
    const std::uint32_t row = rows[i];
    const bool left = split.goes_left(ranks[row]);
    rows[l] = row;
    right[r] = row;
    l += left ? 1 : 0;
    r += left ? 0 : 1;
  }
  CAIRN_ASSERT(l > 0 && r > 0);
  std::copy_n(right, r, rows + l);
  const auto path = [&](std::uint64_t side) {
    return parent.depth < 62 ? 2 * parent.path + side : derive_seed(parent.path, "path", side);
  };
  const auto left = static_cast<std::int32_t>(nodes.size());
  nodes.push_back(make_node(parent.begin, l, parent.depth + 1, path(0), parent.low, parent.high));
  nodes.push_back(make_node(parent.begin + l, r, parent.depth + 1, path(1), parent.low, parent.high));
  CartNode& me = nodes[at(index)];
  me.left = left;
  me.gain = std::max(0.0, split.gain / total_);
  me.split = split;
  for (const std::int32_t child : {left, left + 1}) {
    describe(nodes[at(child)]);
    if (rules_.interactions.empty()) continue;
    std::vector<std::int32_t>& asked = nodes[at(child)].asked = parent.asked;
    if (std::ranges::find(asked, split.feature) == asked.end()) asked.push_back(split.feature);
  }
  if (!rules_.monotone.empty() && rules_.monotone[at(split.feature)] != 0) {
    CartNode &a = nodes[at(left)], &b = nodes[at(left) + 1];
    const std::size_t o = target_.num_classes > 0 ? 1 : 0;
    const double middle = (a.answer[o] + b.answer[o]) / 2;
    const bool rising = rules_.monotone[at(split.feature)] > 0;
    (rising ? a : b).high = middle;
    (rising ? b : a).low = middle;
  }
  return left;
}

void CartGrower::grow_depth_first(std::vector<CartNode>& nodes, std::int64_t defer_below,
                                  std::vector<std::int32_t>& deferred) {
  std::vector<std::int32_t> open{0};
  while (!open.empty()) {
    const std::int32_t i = open.back();
    open.pop_back();
    if (nodes[at(i)].count <= defer_below) {
      deferred.push_back(i);
      continue;
    }
    const CartSplit split = find_split(nodes[at(i)], defer_below > 0);
    if (!split.found()) continue;
    const std::int32_t left = divide(nodes, i, split);
    open.push_back(left + 1);
    open.push_back(left);
  }
}

void CartGrower::grow_deferred(const std::vector<std::int32_t>& deferred) {
  std::vector<std::vector<CartNode>> grown(deferred.size());
  parallel_for(
      std::ssize(deferred), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          grown[at(i)].push_back(nodes_[at(deferred[at(i)])]);
          std::vector<std::int32_t> none;
          grow_depth_first(grown[at(i)], 0, none);
        }
      },
      stop_);
  for (std::size_t i = 0; i < deferred.size(); ++i) {
    const auto shift = static_cast<std::int32_t>(nodes_.size()) - 1;
    for (CartNode& n : grown[i])
      if (n.left >= 0) n.left += shift;
    nodes_[at(deferred[i])] = std::move(grown[i][0]);
    nodes_.insert(nodes_.end(), std::make_move_iterator(grown[i].begin() + 1),
                  std::make_move_iterator(grown[i].end()));
  }
}

void CartGrower::grow_best_first() {
  std::priority_queue<Open> open;
  const auto offer = [&](std::int32_t i) {
    CartSplit split = find_split(nodes_[at(i)], rules_.parallel);
    if (split.found()) open.push({i, std::move(split)});
  };
  offer(0);
  for (int leaves = 1; leaves < rules_.max_leaves && !open.empty(); ++leaves) {
    const Open best = open.top();
    open.pop();
    const std::int32_t left = divide(nodes_, best.node, best.split);
    offer(left);
    offer(left + 1);
  }
}

void CartGrower::grow_nodes() {
  const double inf = std::numeric_limits<double>::infinity();
  nodes_.push_back(make_node(0, std::ssize(rows_), 0, 1, -inf, inf));
  describe(nodes_[0]);
  if (rules_.max_leaves > 0) {
    grow_best_first();
  } else {
    std::vector<std::int32_t> deferred;
    grow_depth_first(nodes_, rules_.parallel ? kSubtreeRows : 0, deferred);
    grow_deferred(deferred);
  }
}

Tree CartGrower::grow() {
  grow_nodes();
  if (rules_.ccp_alpha > 0) prune_weakest_links(nodes_, rules_.ccp_alpha, total_);
  return tree_of(nodes_);
}

std::vector<double> CartGrower::strengths() {
  grow_nodes();
  return prune_weakest_links(nodes_, INFINITY, total_);
}

void CartGrower::pruned(std::span<const double> alphas, const PrunedTree& each) {
  grow_nodes();
  for (std::size_t a = 0; a < alphas.size(); ++a) {
    prune_weakest_links(nodes_, alphas[a], total_);
    std::vector<CartNode> copy = nodes_;  // what is pruned further keeps its answers
    each(a, tree_of(copy));
  }
}

}  // namespace

Tree grow_cart(const RankedData& data, const CartTarget& target, CartSample sample, const CartRules& rules,
               std::uint64_t seed, const StopToken& stop) {
  if (std::optional<Tree> packed = grow_packed(data, target, sample, rules, seed, stop))
    return std::move(*packed);
  return CartGrower(data, target, std::move(sample), rules, seed, stop).grow();
}

std::vector<double> pruning_strengths(const RankedData& data, const CartTarget& target, CartSample sample,
                                      const CartRules& rules, std::uint64_t seed, const StopToken& stop) {
  return CartGrower(data, target, std::move(sample), rules, seed, stop).strengths();
}

void grow_pruned(const RankedData& data, const CartTarget& target, CartSample sample, const CartRules& rules,
                 std::span<const double> alphas, std::uint64_t seed, const StopToken& stop,
                 const PrunedTree& each) {
  CartGrower(data, target, std::move(sample), rules, seed, stop).pruned(alphas, each);
}

}  // namespace cairn::tree
