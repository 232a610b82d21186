// The two sweeps of exact Shapley values through one tree, as wide as the machine's vectors.
#include "cairn/tree/shap_plan_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/tree/shap_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::shap_detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Points: how many, when known while compiling; 0: as the plan says.
template <std::size_t Points>
void sweep(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left, std::uint8_t* passes,
           double* room, double* sums) {
  const hn::CappedTag<double, 4> d;
  const std::size_t lanes = hn::Lanes(d), n = plan.nodes.size(), slots = plan.features.size();
  const std::size_t m = Points ? Points : static_cast<std::size_t>(plan.points);
  const double* const ratio = plan.ratio.data();
  const double* const step = plan.step.data();
  const PlanNode* const nodes = plan.nodes.data();
  double* const product = room;  // going down: weight times P; going up: the same times what is below
  double* const by_slot = room + n * m;
  for (std::size_t p = 0; p < m; ++p) product[p] = plan.weights[p];
  for (std::size_t p = 0; p < slots * m; ++p) by_slot[p] = 0;

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

void add_tree(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left, std::uint8_t* passes,
              double* room, double* sums) {
  HWY_DYNAMIC_DISPATCH(add_tree_wide)(plan, leaves, goes_left, passes, room, sums);
}

}  // namespace cairn::shap_detail
#endif
