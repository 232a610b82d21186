// The two sweeps of exact Shapley values through one tree, as wide as the machine's vectors.
#include <vector>

#include "cairn/tree/shap_plan_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/tree/shap_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::shap_detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Fills product [nodes, points]: of every node but the root what its leaves hold, times weight and P.
template <std::size_t Points>
void sums_below(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left,
                std::uint8_t* passes, double* product) {
  const hn::CappedTag<double, 4> d;
  const std::size_t lanes = hn::Lanes(d), n = plan.nodes.size();
  const std::size_t m = Points ? Points : static_cast<std::size_t>(plan.points);
  const double* const ratio = plan.ratio.data();
  const PlanNode* const nodes = plan.nodes.data();
  for (std::size_t p = 0; p < m; ++p) product[p] = plan.weights[p];  // going down: weight times P

  passes[0] = static_cast<std::uint8_t>(Passage::passes);
  for (std::size_t i = 1; i < n; ++i) {
    const PlanNode& node = nodes[i];
    const auto parent = static_cast<std::size_t>(node.parent);
    const auto passage = static_cast<std::uint8_t>(passage_of(plan, i, goes_left, passes));
    passes[i] = passage;
    const double* r = ratio + (i * kPassages + passage) * m;
    const auto leaf = hn::Set(d, leaves[i]);
    for (std::size_t p = 0; p < m; p += lanes) {
      auto value = hn::Mul(hn::LoadU(d, product + parent * m + p), hn::LoadU(d, r + p));
      if (node.is_leaf) value = hn::Mul(value, leaf);
      hn::StoreU(value, d, product + i * m + p);
    }
  }
  for (std::size_t i = 0; i < n; ++i)  // from here on sums of what is below
    if (!nodes[i].is_leaf)
      for (std::size_t p = 0; p < m; p += lanes) hn::StoreU(hn::Zero(d), d, product + i * m + p);
}

// Points: how many, when known while compiling; 0: as the plan says.
template <std::size_t Points>
void sweep(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left, std::uint8_t* passes,
           double* room, double* sums) {
  const hn::CappedTag<double, 4> d;
  const std::size_t lanes = hn::Lanes(d), n = plan.nodes.size(), slots = plan.features.size();
  const std::size_t m = Points ? Points : static_cast<std::size_t>(plan.points);
  const double* const step = plan.step.data();
  const PlanNode* const nodes = plan.nodes.data();
  double* const product = room;
  double* const by_slot = room + n * m;
  for (std::size_t p = 0; p < slots * m; ++p) by_slot[p] = 0;
  sums_below<Points>(plan, leaves, goes_left, passes, product);
  for (std::size_t i = n; i-- > 1;) {
    const PlanNode& node = nodes[i];
    const double* g = step + (i * kPassages + passes[i]) * m;
    double* const above = product + static_cast<std::size_t>(node.parent) * m;
    double* const slot = by_slot + static_cast<std::size_t>(node.slot) * m;
    for (std::size_t p = 0; p < m; p += lanes) {
      const auto below = hn::LoadU(d, product + i * m + p);
      hn::StoreU(hn::MulAdd(below, hn::LoadU(d, g + p), hn::LoadU(d, slot + p)), d, slot + p);
      hn::StoreU(hn::Add(below, hn::LoadU(d, above + p)), d, above + p);
    }
  }
  for (std::size_t s = 0; s < slots; ++s) {
    double sum = 0;
    for (std::size_t p = 0; p < m; ++p) sum += by_slot[s * m + p];
    sums[s] = sum;
  }
}

// As sweep(), and then down again with the g of every feature on the way, so that each edge meets those
// above.
void sweep_pairs(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left,
                 std::uint8_t* passes, double* room, PairLists& lists, double* pairs) {
  const hn::CappedTag<double, 4> d;
  const std::size_t lanes = hn::Lanes(d), n = plan.nodes.size(), slots = plan.features.size();
  const auto m = static_cast<std::size_t>(plan.points);
  const PlanNode* const nodes = plan.nodes.data();
  double* const product = room;
  double* const by_slot = room + n * m;  // g of the path so far; 0 for a slot that is not on it
  for (std::size_t p = 0; p < slots * m; ++p) by_slot[p] = 0;
  for (std::size_t p = 0; p < slots * slots; ++p) pairs[p] = 0;
  sums_below<0>(plan, leaves, goes_left, passes, product);
  for (std::size_t i = n; i-- > 1;) {
    double* const above = product + static_cast<std::size_t>(nodes[i].parent) * m;
    for (std::size_t p = 0; p < m; p += lanes)
      hn::StoreU(hn::Add(hn::LoadU(d, product + i * m + p), hn::LoadU(d, above + p)), d, above + p);
  }
  auto& [open, on_path] = lists;
  open.clear(), on_path.clear();
  if (nodes[0].child >= 0) open = {nodes[0].child + 1, nodes[0].child};
  while (!open.empty()) {
    const std::int32_t top = open.back();
    open.pop_back();
    const auto i = static_cast<std::size_t>(top < 0 ? ~top : top);
    const PlanNode& node = nodes[i];
    const auto slot = static_cast<std::size_t>(node.slot);
    const double* g = plan.step.data() + (i * kPassages + passes[i]) * m;
    double* const own = by_slot + slot * m;
    if (top < 0) {
      for (std::size_t p = 0; p < m; p += lanes)
        hn::StoreU(hn::Sub(hn::LoadU(d, own + p), hn::LoadU(d, g + p)), d, own + p);
      if (node.before == 0) {
        on_path.pop_back();
        for (std::size_t p = 0; p < m; p += lanes) hn::StoreU(hn::Zero(d), d, own + p);
      }
      continue;
    }
    double* const below = product + i * m;  // needed once more: times the step
    auto sum = hn::Zero(d);
    for (std::size_t p = 0; p < m; p += lanes) {
      const auto stepped = hn::Mul(hn::LoadU(d, below + p), hn::LoadU(d, g + p));
      hn::StoreU(stepped, d, below + p);
      sum = hn::Add(sum, stepped);
    }
    pairs[slot * slots + slot] += hn::GetLane(hn::SumOfLanes(d, sum));
    for (const std::int32_t other : on_path) {
      if (static_cast<std::size_t>(other) == slot) continue;
      const double* const their = by_slot + static_cast<std::size_t>(other) * m;
      auto both = hn::Zero(d);
      for (std::size_t p = 0; p < m; p += lanes)
        both = hn::MulAdd(hn::LoadU(d, below + p), hn::LoadU(d, their + p), both);
      pairs[slot * slots + static_cast<std::size_t>(other)] += hn::GetLane(hn::SumOfLanes(d, both));
    }
    if (node.is_leaf) continue;
    for (std::size_t p = 0; p < m; p += lanes)
      hn::StoreU(hn::Add(hn::LoadU(d, own + p), hn::LoadU(d, g + p)), d, own + p);
    if (node.before == 0) on_path.push_back(node.slot);
    open.insert(open.end(), {~top, node.child + 1, node.child});
  }
  for (std::size_t a = 0; a < slots; ++a)
    for (std::size_t b = 0; b < a; ++b)
      pairs[a * slots + b] = pairs[b * slots + a] = (pairs[a * slots + b] + pairs[b * slots + a]) / 2;
}

void add_tree_wide(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left,
                   std::uint8_t* passes, double* room, double* sums) {
  if (plan.points == 4)
    sweep<4>(plan, leaves, goes_left, passes, room, sums);
  else
    sweep<0>(plan, leaves, goes_left, passes, room, sums);
}

}  // namespace cairn::shap_detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::shap_detail {

HWY_EXPORT(add_tree_wide);
HWY_EXPORT(sweep_pairs);

void add_tree(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left, std::uint8_t* passes,
              double* room, double* sums) {
  HWY_DYNAMIC_DISPATCH(add_tree_wide)(plan, leaves, goes_left, passes, room, sums);
}

void add_tree_pairs(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left,
                    std::uint8_t* passes, double* room, PairLists& lists, double* pairs) {
  HWY_DYNAMIC_DISPATCH(sweep_pairs)(plan, leaves, goes_left, passes, room, lists, pairs);
}

}  // namespace cairn::shap_detail
#endif
