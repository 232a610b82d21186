#include <algorithm>
#include <cmath>
#include <numbers>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/shap_plan_internal.h"

namespace cairn::shap_detail {
namespace {

// Walks the tree, noting for each node the last one on its path that stands below a split of the same
// feature.
class Builder {
 public:
  Builder(const TreeEnsemble& trees, std::int64_t tree) : trees_(trees) {
    plan_.nodes.push_back({.source = static_cast<std::int32_t>(trees.roots()[at(tree)])});
    plan_.reach.push_back(1);
    shares_.push_back(1);
    last_.clear();
    // A stack of its own: trees of other programs may be deeper than the machine's.
    struct Visit {
      std::int32_t node;
      std::size_t last_size;  // entries of last_ that belong to its path
    };
    std::vector<Visit> stack{{0, 0}};
    while (!stack.empty()) {
      const Visit v = stack.back();
      stack.pop_back();
      last_.resize(v.last_size);
      if (v.node != 0) last_.push_back({plan_.nodes[at(v.node)].slot, v.node});
      widest_ = std::max(widest_, distinct());
      const auto source = plan_.nodes[at(v.node)].source;
      if (trees.is_leaf(source)) {
        plan_.nodes[at(v.node)].is_leaf = true;
        continue;
      }
      const std::int32_t slot = slot_of(trees.features()[at(source)]);
      const std::int32_t before = last_on_path(slot);
      const double cover = trees.covers()[at(source)];
      const std::int32_t children[] = {trees.left()[at(source)], trees.right()[at(source)]};
      for (int side = 0; side < 2; ++side) {
        const double share = trees.covers()[at(children[side])] / cover;
        plan_.nodes.push_back({.parent = v.node,
                               .before = before,
                               .slot = slot,
                               .source = children[side],
                               .is_left = side == 0});
        plan_.reach.push_back(plan_.reach[at(v.node)] * share);
        shares_.push_back(shares_[at(before)] * share);  // of all splits on this feature together: z
      }
      const auto first = static_cast<std::int32_t>(plan_.nodes.size() - 2);
      plan_.nodes[at(v.node)].child = first;
      stack.push_back({first + 1, last_.size()});
      stack.push_back({first, last_.size()});
    }
  }

  ShapPlan finish() {
    plan_.points = std::max<std::int64_t>(4, ((widest_ + 1) / 2 + 3) / 4 * 4);
    std::vector<double> t;
    gauss_legendre(plan_.points, t, plan_.weights);
    const std::size_t m = at(plan_.points), n = plan_.nodes.size();
    plan_.splits.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const PlanNode& node = plan_.nodes[i];
      if (node.is_leaf) continue;
      const std::size_t source = at(node.source);
      plan_.splits[i] = {trees_.thresholds()[source], trees_.features()[source],
                         trees_.missing_left()[source] != 0, trees_.is_category(node.source)};
    }
    plan_.ratio.assign(n * kPassages * m, 0.0);
    plan_.step.assign(n * kPassages * m, 0.0);
    for (std::size_t i = 1; i < n; ++i) {
      const std::int32_t before = plan_.nodes[i].before;
      const double z = shares_[i], above = shares_[at(before)];
      for (std::size_t p = 0; p < m; ++p) {
        const double f_above = before == 0 ? 1 : t[p] + (1 - t[p]) * above;
        const double g_above = before == 0 ? 0 : (1 - above) / f_above;
        const double f = t[p] + (1 - t[p]) * z;
        const auto entry = [&](Passage passage) {
          return (i * kPassages + static_cast<std::size_t>(passage)) * m + p;
        };
        plan_.ratio[entry(Passage::passes)] = f / f_above;
        plan_.step[entry(Passage::passes)] = (1 - z) / f - g_above;
        plan_.ratio[entry(Passage::fails)] = (1 - t[p]) * z / f_above;
        plan_.step[entry(Passage::fails)] = -1 / (1 - t[p]) - g_above;  // (0 - z) / ((1 - t) z)
        plan_.ratio[entry(Passage::failed_before)] = above > 0 ? z / above : 0;
      }
    }
    return std::move(plan_);
  }

 private:
  std::int32_t slot_of(std::int32_t feature) {
    const auto [entry, is_new] =
        slots_.try_emplace(feature, static_cast<std::int32_t>(plan_.features.size()));
    if (is_new) plan_.features.push_back(feature);
    return entry->second;
  }
  std::int32_t last_on_path(std::int32_t slot) const {
    for (std::size_t i = last_.size(); i-- > 0;)
      if (last_[i].slot == slot) return last_[i].node;
    return 0;
  }
  std::int64_t distinct() const {
    std::int64_t count = 0;
    for (const auto& l : last_) count += plan_.nodes[at(l.node)].before == 0;
    return count;
  }

  struct Last {
    std::int32_t slot, node;
  };
  const TreeEnsemble& trees_;
  ShapPlan plan_;
  std::vector<double> shares_;
  std::unordered_map<std::int32_t, std::int32_t> slots_;  // of a feature
  std::vector<Last> last_;  // the path: the slot each edge splits and the node below it
  std::int64_t widest_ = 0;
};

}  // namespace

// Newton's method on the Legendre polynomial, from the usual first guess (Press et al.: Numerical recipes).
void gauss_legendre(std::int64_t n, std::vector<double>& points, std::vector<double>& weights) {
  points.resize(at(n));
  weights.resize(at(n));
  const auto order = static_cast<double>(n);
  for (std::int64_t i = 0; i < n; ++i) {
    double x = std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (order + 0.5)), slope = 0;
    for (int step = 0; step < 100; ++step) {
      double p = 1, previous = 0;
      for (std::int64_t k = 0; k < n; ++k) {
        const auto degree = static_cast<double>(k);
        const double next = ((2 * degree + 1) * x * p - degree * previous) / (degree + 1);
        previous = p;
        p = next;
      }
      slope = order * (x * p - previous) / (x * x - 1);
      const double change = p / slope;
      x -= change;
      if (std::abs(change) < 1e-15) break;
    }
    points[at(i)] = (1 - x) / 2;
    weights[at(i)] = 1 / ((1 - x * x) * slope * slope);
  }
}

ShapPlan shap_plan(const TreeEnsemble& trees, std::int64_t tree) { return Builder(trees, tree).finish(); }

void take_directions(const TreeEnsemble& trees, const ShapPlan& plan, const double* row,
                     std::uint8_t* goes_left) {
  const bool f32 = trees.options().f32_inputs;
  for (std::size_t i = 0; i < plan.nodes.size(); ++i) {
    if (plan.nodes[i].is_leaf) continue;
    const PlanSplit& split = plan.splits[i];
    const double x = f32 ? static_cast<float>(row[split.feature]) : row[split.feature];
    const bool missing = std::isnan(x) && split.missing_left;
    goes_left[i] =
        split.category ? trees.goes_left(plan.nodes[i].source, x) : missing || x <= split.threshold;
  }
}

void check_covers(const TreeEnsemble& trees) {
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i)
    if (!trees.is_leaf(i) && !(trees.covers()[at(i)] > 0))
      throw DataError("model", "its trees do not say how many training rows came to each node",
                      "Explain against background rows instead.");
}

std::vector<double> plan_leaves(const TreeEnsemble& trees, const ShapPlan& plan, std::int64_t tree,
                                std::int64_t output) {
  std::vector<double> values(plan.nodes.size(), 0.0);
  const bool all = trees.options().vector_leaves;
  if (!all && trees.tree_outputs()[at(tree)] != output) return values;
  for (std::size_t i = 0; i < plan.nodes.size(); ++i)
    if (plan.nodes[i].is_leaf) values[i] = trees.leaf_values(plan.nodes[i].source)[all ? at(output) : 0];
  return values;
}

}  // namespace cairn::shap_detail
