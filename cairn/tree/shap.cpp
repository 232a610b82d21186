#include "cairn/tree/shap.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/tree/shap_plan_internal.h"

namespace cairn {
namespace {

using namespace shap_detail;

constexpr std::int64_t kBlock = 64;              // rows that meet a tree while it is in the cache
constexpr std::int64_t kParts = 16;              // of few rows as many parts as that
constexpr std::int64_t kPlannedNodes = 1 << 18;  // at a time: some hundred bytes each

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// A tree's plan and its leaves, one list an output it adds to.
struct PlannedTree {
  ShapPlan plan;
  std::vector<std::pair<std::int64_t, std::vector<double>>> leaves;
};

std::vector<PlannedTree> planned(const TreeEnsemble& trees, std::int64_t first, std::int64_t last) {
  std::vector<PlannedTree> all(at(last - first));
  parallel_for(last - first, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      PlannedTree& p = all[at(i)];
      const std::int64_t t = first + i;
      p.plan = shap_plan(trees, t);
      for (std::int64_t o = 0; o < trees.num_outputs(); ++o)
        if (trees.options().vector_leaves || trees.tree_outputs()[at(t)] == o)
          p.leaves.emplace_back(o, plan_leaves(trees, p.plan, t, o));
    }
  });
  return all;
}

// Calls use(plans) for some trees at a time, in their order: the plans of a large forest would be most of the
// memory.
template <class Use>
void for_each_plan(const TreeEnsemble& trees, Use&& use) {
  const auto roots = trees.roots();
  for (std::int64_t first = 0; first < trees.num_trees();) {
    std::int64_t last = first + 1;
    while (last < trees.num_trees() &&
           (last - first < 2 || roots[at(last + 1)] - roots[at(first)] <= kPlannedNodes))
      ++last;
    use(planned(trees, first, last));
    first = last;
  }
}

double scale_of(const TreeEnsemble& trees) {
  return trees.options().average && trees.num_trees() > 0 ? 1 / static_cast<double>(trees.num_trees()) : 1;
}

// Adds what is expected of a row of which nothing is known, an output each.
void add_expected(const std::vector<PlannedTree>& some, std::vector<double>& expected) {
  for (const PlannedTree& p : some)
    for (const auto& [output, leaves] : p.leaves)
      for (std::size_t i = 0; i < leaves.size(); ++i) expected[at(output)] += leaves[i] * p.plan.reach[i];
}

std::vector<double> with_base(const TreeEnsemble& trees, std::vector<double> expected) {
  for (std::size_t o = 0; o < expected.size(); ++o)
    expected[o] = trees.options().base[o] + expected[o] * scale_of(trees);
  return expected;
}

// Memory that one thread needs for any of the trees.
struct Room {
  Room(const std::vector<PlannedTree>& some, bool of_pairs) {
    std::size_t numbers = 0, nodes = 0, slots = 0;
    for (const auto& [plan, leaves] : some) {
      numbers = std::max(numbers, (plan.nodes.size() + plan.features.size()) * at(plan.points));
      nodes = std::max(nodes, plan.nodes.size());
      slots = std::max(slots, plan.features.size());
    }
    products.resize(numbers), goes_left.resize(nodes), passes.resize(nodes);
    sums.resize(of_pairs ? slots * slots : slots);
  }
  std::vector<double> products, sums;
  std::vector<std::uint8_t> goes_left, passes;
  PairLists lists;
};

// Calls use(rows, begin, end) with blocks of rows, written out.
template <class Use>
void for_each_block(const TreeEnsemble& trees, const Matrix& x, const StopToken& stop, Use&& use) {
  const std::int64_t d = std::max<std::int64_t>(trees.num_features(), 1);
  parallel_for(
      x.rows(), std::clamp<std::int64_t>(x.rows() / kParts, 1, kBlock),
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> rows(at((end - begin) * d));
        if (trees.num_features() > 0) x.tile(begin, end, rows.data());
        use(rows.data(), begin, end);
      },
      stop);
}

// Of one row against one background row: a leaf counts for the sets of known features that hold all a
// features whose split only the row passes and none of the b whose split only the background passes.
// Shapley's weights of these sets sum to (a-1)! b! / (a+b)! for each of the first and -a! (b-1)! / (a+b)! for
// each of the others.
class TwoRows {
 public:
  TwoRows(const TreeEnsemble& trees, double scale)
      : trees_(trees), scale_(scale), side_(at(trees.num_features()), Side::open) {}

  // Adds to values [num_outputs, num_features + 1].
  void add(std::int64_t tree, const double* row, const double* other, double* values) {
    tree_ = tree, row_ = row, other_ = other, values_ = values;
    mine_.clear(), theirs_.clear();
    walk(trees_.roots()[at(tree)]);
  }

 private:
  enum class Side : std::uint8_t { open, mine, theirs };

  // As deep as the tree is where the two rows part, and no deeper than it has features.
  void walk(std::int64_t node) {
    while (!trees_.is_leaf(node)) {
      const auto f = trees_.features()[at(node)];
      const bool mine = trees_.goes_left(node, row_[f]), theirs = trees_.goes_left(node, other_[f]);
      const auto child = [&](bool left) { return (left ? trees_.left() : trees_.right())[at(node)]; };
      if (mine == theirs || side_[at(f)] == Side::mine) {
        node = child(mine);
      } else if (side_[at(f)] == Side::theirs) {
        node = child(theirs);
      } else {
        side_[at(f)] = Side::mine, mine_.push_back(f);
        walk(child(mine));
        mine_.pop_back(), side_[at(f)] = Side::theirs, theirs_.push_back(f);
        walk(child(theirs));
        theirs_.pop_back(), side_[at(f)] = Side::open;
        return;
      }
    }
    add_leaf(node);
  }

  void add_leaf(std::int64_t leaf) {
    const std::size_t a = mine_.size(), b = theirs_.size();
    if (a + b == 0) return;
    // (a-1)! b! / (a+b)! = 1 / (a * choose(a+b, a)), and likewise with a and b exchanged.
    double choose = 1;
    for (std::size_t i = 1; i <= a; ++i)
      choose = choose * static_cast<double>(b + i) / static_cast<double>(i);
    const auto value = trees_.leaf_values(leaf);
    const std::size_t width = side_.size() + 1;
    for (std::size_t o = 0; o < value.size(); ++o) {
      const std::size_t output = trees_.options().vector_leaves ? o : at(trees_.tree_outputs()[at(tree_)]);
      double* const to = values_ + output * width;
      for (const auto f : mine_) to[f] += scale_ * value[o] / (static_cast<double>(a) * choose);
      for (const auto f : theirs_) to[f] -= scale_ * value[o] / (static_cast<double>(b) * choose);
    }
  }

  const TreeEnsemble& trees_;
  double scale_;
  std::int64_t tree_ = 0;
  const double *row_ = nullptr, *other_ = nullptr;
  double* values_ = nullptr;
  std::vector<Side> side_;
  std::vector<std::int32_t> mine_, theirs_;
};

void check_arguments(const TreeEnsemble& trees, const Matrix& x, std::span<double> values,
                     std::int64_t width) {
  CAIRN_ASSERT(x.columns() == trees.num_features());
  CAIRN_ASSERT(std::ssize(values) == x.rows() * trees.num_outputs() * width);
}

}  // namespace

void shap_values(const TreeEnsemble& trees, const Matrix& x, std::span<double> values,
                 const StopToken& stop) {
  const std::int64_t width = trees.num_features() + 1, k = trees.num_outputs();
  check_arguments(trees, x, values, width);
  check_covers(trees);
  std::ranges::fill(values, 0.0);
  std::vector<double> expected(at(k));
  for_each_plan(trees, [&](const std::vector<PlannedTree>& some) {
    add_expected(some, expected);
    for_each_block(trees, x, stop, [&](const double* rows, std::int64_t begin, std::int64_t end) {
      Room room(some, false);
      for (const auto& [plan, outputs] : some) {
        for (std::int64_t r = begin; r < end; ++r) {
          take_directions(trees, plan, rows + (r - begin) * (width - 1), room.goes_left.data());
          for (const auto& [output, leaves] : outputs) {
            add_tree(plan, leaves.data(), room.goes_left.data(), room.passes.data(), room.products.data(),
                     room.sums.data());
            double* const to = values.data() + (r * k + output) * width;
            for (std::size_t s = 0; s < plan.features.size(); ++s) to[plan.features[s]] += room.sums[s];
          }
        }
      }
    });
  });
  expected = with_base(trees, std::move(expected));
  const double scale = scale_of(trees);
  for (std::int64_t i = 0; i < x.rows() * k; ++i) {
    for (std::int64_t f = 0; scale != 1 && f + 1 < width; ++f) values[at(i * width + f)] *= scale;
    values[at((i + 1) * width - 1)] = expected[at(i % k)];
  }
}

void shap_interactions(const TreeEnsemble& trees, const Matrix& x, std::span<double> values,
                       const StopToken& stop) {
  const std::int64_t width = trees.num_features() + 1, k = trees.num_outputs();
  check_arguments(trees, x, values, width * width);
  check_covers(trees);
  std::ranges::fill(values, 0.0);
  std::vector<double> expected(at(k));
  for_each_plan(trees, [&](const std::vector<PlannedTree>& some) {
    add_expected(some, expected);
    for_each_block(trees, x, stop, [&](const double* rows, std::int64_t begin, std::int64_t end) {
      Room room(some, true);
      for (const auto& [plan, outputs] : some) {
        const std::size_t slots = plan.features.size();
        for (std::int64_t r = begin; r < end; ++r) {
          take_directions(trees, plan, rows + (r - begin) * (width - 1), room.goes_left.data());
          for (const auto& [output, leaves] : outputs) {
            add_tree_pairs(plan, leaves.data(), room.goes_left.data(), room.passes.data(),
                           room.products.data(), room.lists, room.sums.data());
            double* const to = values.data() + (r * k + output) * width * width;
            for (std::size_t a = 0; a < slots; ++a)
              for (std::size_t b = 0; b < slots; ++b)
                to[plan.features[a] * width + plan.features[b]] += room.sums[a * slots + b];
          }
        }
      }
    });
  });
  expected = with_base(trees, std::move(expected));
  const double scale = scale_of(trees);
  for (std::int64_t i = 0; i < x.rows() * k; ++i) {
    double* const pairs = values.data() + i * width * width;
    for (std::int64_t p = 0; p < width * width; ++p) pairs[p] *= scale;
    // So far the diagonal holds Shapley values; a row is to add up to one.
    for (std::int64_t f = 0; f + 1 < width; ++f) {
      double others = 0;
      for (std::int64_t j = 0; j + 1 < width; ++j) others += j == f ? 0 : pairs[f * width + j];
      pairs[f * width + f] -= others;
    }
    pairs[width * width - 1] = expected[at(i % k)];
  }
}

void shap_values_against(const TreeEnsemble& trees, const Matrix& x, const Matrix& background,
                         std::span<double> values, const StopToken& stop) {
  const std::int64_t d = trees.num_features(), width = d + 1, k = trees.num_outputs(), m = background.rows();
  check_arguments(trees, x, values, width);
  CAIRN_ASSERT(background.columns() == d);
  if (m == 0)
    throw UsageError("shap", "there are no background rows to compare with", "Give some training rows.");
  std::vector<double> others(at(m * std::max<std::int64_t>(d, 1)));
  if (d > 0) background.tile(0, m, others.data());
  std::vector<double> raw(at(m * k));
  trees.predict_raw(background, raw);
  const double scale = scale_of(trees) / static_cast<double>(m);
  std::ranges::fill(values, 0.0);
  for_each_block(trees, x, stop, [&](const double* rows, std::int64_t begin, std::int64_t end) {
    TwoRows walk(trees, scale);
    for (std::int64_t t = 0; t < trees.num_trees(); ++t)
      for (std::int64_t r = begin; r < end; ++r)
        for (std::int64_t b = 0; b < m; ++b)
          walk.add(t, rows + (r - begin) * d, others.data() + b * d, values.data() + r * k * width);
    for (std::int64_t i = begin * k; i < end * k; ++i) {
      double mean = 0;
      for (std::int64_t b = 0; b < m; ++b) mean += raw[at(b * k + i % k)];
      values[at((i + 1) * width - 1)] = mean / static_cast<double>(m);
    }
  });
}

}  // namespace cairn
