#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/tree/boost_start_internal.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kCopiedRows = 512;     // rows that are copied together
constexpr std::int64_t kSummedRows = 16'384;  // rows whose derivatives are summed by one job
constexpr std::int64_t kTreesTogether = 16;   // whose leaves are found in one walk over the rows

// The leaf of every row in trees [first, first + count): [count * n], numbers of nodes of the tree.
std::vector<std::int32_t> leaf_nodes_of(const TreeEnsemble& trees, std::int64_t first, std::int64_t count,
                                        const Matrix& x, const StopToken& stop) {
  const std::int64_t n = x.rows(), d = x.columns();
  std::vector<std::int32_t> leaf(at(count * n));
  parallel_for(
      n, kCopiedRows,
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> tile(at((end - begin) * d));
        if (d > 0) x.tile(begin, end, tile.data());
        for (std::int64_t t = 0; t < count; ++t)
          for (std::int64_t r = begin; r < end; ++r) {
            const auto row = std::span<const double>(tile).subspan(at((r - begin) * d), at(d));
            leaf[at(t * n + r)] =
                static_cast<std::int32_t>(trees.leaf_of(first + t, row) - trees.roots()[at(first + t)]);
          }
      },
      stop);
  return leaf;
}

class Refit {
 public:
  Refit(const TreeData& data, const Objective& objective, const BoostRules& rules, const TreeEnsemble& start,
        double decay, const FitContext& context)
      : data_(data),
        objective_(objective),
        rules_(rules),
        start_(start),
        decay_(decay),
        context_(context),
        truth_(truth_of(data, objective, rules.objective_params, y_)),
        n_(data.rows()),
        k_(truth_.num_outputs),
        raw_(at(n_ * k_)),
        g_(raw_.size()),
        h_(raw_.size()) {
    result_.boosted.base = start.options().base;
    for (std::int64_t o = 0; o < k_; ++o) std::fill_n(raw_.begin() + o * n_, n_, result_.boosted.base[at(o)]);
  }

  Refitted run() {
    if (context_.progress) context_.progress->begin("trees", start_.num_trees());
    std::int64_t found = 0, known = 0;  // leaves of trees [known, found) are in leaf_
    for (std::int64_t t = 0; t < start_.num_trees(); ++t) {
      if (t == found) {
        known = found;
        found = std::min(found + kTreesTogether, start_.num_trees());
        leaf_ = leaf_nodes_of(start_, known, found - known, data_.x, context_.stop);
      }
      if (begins_round(t)) {
        context_.stop.throw_if_requested("refitting");
        if (t > 0) judge();
        find_gradients(objective_, truth_, raw_, g_, h_, context_.stop);
      }
      refit_tree(t, std::span<const std::int32_t>(leaf_).subspan(at((t - known) * n_), at(n_)));
      if (context_.progress) context_.progress->advance(1);
    }
    if (start_.num_trees() > 0) judge();
    if (context_.progress) context_.progress->end();
    return std::move(result_);
  }

 private:
  // The trees of a round answer different outputs, in their order.
  bool begins_round(std::int64_t t) const {
    return t == 0 || start_.options().vector_leaves ||
           start_.tree_outputs()[at(t)] <= start_.tree_outputs()[at(t - 1)];
  }

  void judge() {
    auto& history = result_.boosted.loss_history;
    history.push_back(mean_loss(objective_, truth_, raw_, 1));
    if (!std::isfinite(history.back()))
      throw FitError("gradient_boosting",
                     fmt::format("the loss left the range of numbers in round {}", history.size()),
                     "A smaller learning_rate, or a larger refit_decay, keeps it in.");
  }

  // Sums a leaf and output: g, h; and the rows of each leaf.
  struct Sums {
    std::vector<double> g, h;
    std::vector<std::int64_t> rows;
  };
  Sums sums_of(std::span<const std::int32_t> leaf, std::size_t nodes, std::int64_t first,
               std::int64_t count) const {
    return parallel_reduce<Sums>(
        n_, kSummedRows,
        [&](std::int64_t begin, std::int64_t end) {
          Sums s{std::vector<double>(nodes * at(count)), std::vector<double>(nodes * at(count)),
                 std::vector<std::int64_t>(nodes)};
          for (std::int64_t r = begin; r < end; ++r) {
            ++s.rows[at(leaf[at(r)])];
            for (std::int64_t o = 0; o < count; ++o) {
              const std::size_t to = at(leaf[at(r)] * count + o), from = at((first + o) * n_ + r);
              s.g[to] += g_[from];
              s.h[to] += h_[from];
            }
          }
          return s;
        },
        [](Sums& into, const Sums& other) {
          for (std::size_t i = 0; i < other.g.size(); ++i) into.g[i] += other.g[i], into.h[i] += other.h[i];
          for (std::size_t i = 0; i < other.rows.size(); ++i) into.rows[i] += other.rows[i];
        });
  }

  void refit_tree(std::int64_t number, std::span<const std::int32_t> leaf) {
    Tree tree = start_.tree(number);
    const bool vectors = start_.options().vector_leaves;
    const std::int64_t first = vectors ? 0 : tree.output, count = vectors ? k_ : 1;
    const Sums sums = sums_of(leaf, tree.nodes.size(), first, count);
    const std::vector<double> quantiles =
        objective_.leaf_quantile ? quantiles_of(leaf, tree.nodes.size(), first) : std::vector<double>{};
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      TreeNode& node = tree.nodes[i];
      if (!node.is_leaf()) continue;
      ++result_.leaves;
      if (sums.rows[i] == 0) {
        ++result_.unmet;
        continue;
      }
      for (std::size_t o = 0; o < at(count); ++o) {
        const std::size_t s = i * at(count) + o;
        const double best =
            quantiles.empty() ? leaf_value(sums.g[s], sums.h[s], rules_.grow.split) : quantiles[i];
        node.value[o] = decay_ * node.value[o] + (1 - decay_) * rules_.learning_rate * best;
      }
    }
    parallel_for(n_, kSummedRows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t o = 0; o < count; ++o)
        for (std::int64_t r = begin; r < end; ++r)
          raw_[at((first + o) * n_ + r)] += tree.nodes[at(leaf[at(r)])].value[at(o)];
    });
    result_.boosted.trees.push_back(std::move(tree));
  }

  // Of the residuals in each leaf.
  std::vector<double> quantiles_of(std::span<const std::int32_t> leaf, std::size_t nodes,
                                   std::int64_t output) const {
    std::vector<std::vector<double>> residuals(nodes), weights(nodes);
    for (std::int64_t r = 0; r < n_; ++r) {
      residuals[at(leaf[at(r)])].push_back(truth_.y[at(r)] - raw_[at(output * n_ + r)]);
      if (!truth_.weights.empty()) weights[at(leaf[at(r)])].push_back(truth_.weights[at(r)]);
    }
    std::vector<double> values(nodes);
    for (std::size_t i = 0; i < nodes; ++i)
      if (!residuals[i].empty())
        values[i] = weighted_quantile(std::move(residuals[i]), std::move(weights[i]),
                                      objective_.leaf_quantile(rules_.objective_params, output));
    return values;
  }

  const TreeData& data_;
  const Objective& objective_;
  const BoostRules& rules_;
  const TreeEnsemble& start_;
  const double decay_;
  const FitContext& context_;
  std::vector<double> y_;
  Truth truth_;
  const std::int64_t n_, k_;
  std::vector<double> raw_, g_, h_;
  std::vector<std::int32_t> leaf_;
  Refitted result_;
};

}  // namespace

Refitted refit_leaves(const TreeData& data, const Objective& objective, const BoostRules& rules,
                      const TreeEnsemble& start, double decay, const FitContext& context) {
  return Refit(data, objective, rules, start, decay, context).run();
}

}  // namespace cairn::tree
