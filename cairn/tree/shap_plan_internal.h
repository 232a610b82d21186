// What the Shapley values of one tree need beside the row.
//
// On the way from the root to a leaf let z_j be the share of the training rows that its splits on feature j
// let through, and o_j whether the row x passes them. Of a leaf with value v, feature i gets
//
//   v (o_i - z_i) integral over t in [0, 1] of the product over j != i of f_j(t),   f_j(t) = t o_j + (1 - t)
//   z_j,
//
// since t^s (1 - t)^(n-1-s) integrates to s! (n-1-s)! / n!, the Shapley weight of s known features among n.
// The integrand is a polynomial of degree n - 1, so Gauss-Legendre with at least n / 2 points is exact. With
// g_j = (o_j - z_j) / f_j and P the product of all f_j, that is v * sum over points of weight * P * g_i: one
// multiplication an edge on the way down, one addition an edge on the way up.
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/tree/ensemble.h"

namespace cairn::shap_detail {

// What an edge does to a row: the row passes this split and all above on the same feature; it passed those
// above only; it failed above already.
enum class Passage : std::uint8_t { passes, fails, failed_before };
inline constexpr std::size_t kPassages = 3;

struct PlanNode {
  std::int32_t parent = -1;
  std::int32_t before = 0;  // the node below the last split on the same feature above this edge, or 0
  std::int32_t slot = 0;    // of the feature that the parent splits
  std::int32_t source = 0;  // in the ensemble
  std::int32_t child = -1;  // the left one; the right one follows it
  bool is_left = false, is_leaf = false;
};

struct PlanSplit {  // what a row is asked at a node; a category's set stays in the ensemble
  double threshold = 0;
  std::int32_t feature = 0;
  bool missing_left = false, category = false;
};

// Of one tree: the root first, children after their parent.
struct ShapPlan {
  std::int64_t points = 0;  // a multiple of 4
  std::vector<double> weights;
  std::vector<PlanNode> nodes;
  std::vector<PlanSplit> splits;       // [nodes] of inner ones
  std::vector<std::int32_t> features;  // of a slot
  // [nodes, passages, points]: f after the edge over f before it, and g after it less g before it.
  std::vector<double> ratio, step;
  std::vector<double> reach;  // [nodes] share of the training rows that come here
};

ShapPlan shap_plan(const TreeEnsemble& trees, std::int64_t tree);

// What the edge above node i > 0 does to a row that goes as goes_left says; passes holds the nodes before it.
inline Passage passage_of(const ShapPlan& plan, std::size_t i, const std::uint8_t* goes_left,
                          const std::uint8_t* passes) {
  const PlanNode& node = plan.nodes[i];
  if (passes[node.before] != static_cast<std::uint8_t>(Passage::passes)) return Passage::failed_before;
  return (goes_left[node.parent] != 0) == node.is_left ? Passage::passes : Passage::fails;
}

// Points and weights on [0, 1] that integrate polynomials of degree 2n - 1 exactly.
void gauss_legendre(std::int64_t n, std::vector<double>& points, std::vector<double>& weights);

// For one row and one output: fills `sums` [slots] with the Shapley values of the plan's features. leaves: a
// value a node (0 for inner ones). room: at least nodes * points + slots * points numbers. passes: a byte a
// node. goes_left: a byte a node, of the inner ones.
void add_tree(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left, std::uint8_t* passes,
              double* room, double* sums);

// The same of pairs: fills `pairs` [slots, slots], both halves alike. Of two features a leaf gets half of
//
//   v (o_i - z_i) (o_j - z_j) integral of the product of the other f  =  v * sum over points of weight P g_i
//   g_j.
//
// Each g is a sum of steps over the edges above the leaf, and of two edges on one path one is above the
// other: so an edge adds its step times what is below it times the g, there, of every other feature above it.
// On the diagonal stands the Shapley value. lists: memory that is kept from one call to the next.
struct PairLists {
  std::vector<std::int32_t> open, on_path;  // nodes, ~node: all below it is done; slots
};
void add_tree_pairs(const ShapPlan& plan, const double* leaves, const std::uint8_t* goes_left,
                    std::uint8_t* passes, double* room, PairLists& lists, double* pairs);

// goes_left for every inner node.
void take_directions(const TreeEnsemble& trees, const ShapPlan& plan, const double* row,
                     std::uint8_t* goes_left);

// DataError unless every inner node has a cover above 0.
void check_covers(const TreeEnsemble& trees);

// The leaf values of the plan's nodes for one output.
std::vector<double> plan_leaves(const TreeEnsemble& trees, const ShapPlan& plan, std::int64_t tree,
                                std::int64_t output);

}  // namespace cairn::shap_detail
