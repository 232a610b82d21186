#include "cairn/tree/decision_tree.h"

#include <fmt/format.h>

#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/tree/cart_setup_internal.h"
#include "cairn/tree/constraints_internal.h"
#include "cairn/tree/objective/objective_internal.h"
#include "cairn/tree/prune_choice_internal.h"

namespace cairn {
namespace {

using P = DecisionTreeParams;
using namespace tree;

}  // namespace

const ParamList& DecisionTreeParams::list() {
  static const ParamList l{
      param<&P::criterion>("criterion", "what a split lowers; auto: gini for classes, squared for values",
                           one_of("auto", "gini", "entropy", "squared", "absolute", "poisson", "quantile")),
      param<&P::quantile>("quantile", "criterion=quantile: the level that leaves answer",
                          ParamRule{.low = 0, .high = 1, .low_open = true, .high_open = true},
                          {"quantile_alpha", "alpha"}),
      param<&P::max_depth>("max_depth", "most questions on a row's way down; 0: no limit", between(0, 1e6)),
      param<&P::max_leaves>("max_leaves", "most leaves; the largest gain is split first; 0: no limit",
                            between(0, 1e8), {"max_leaf_nodes", "num_leaves"})
          .searched(2, 256, SearchScale::log),
      param<&P::min_samples_split>("min_samples_split", "rows a node must have to be split", at_least(2)),
      param<&P::min_samples_leaf>("min_samples_leaf", "rows a leaf must have", at_least(1),
                                  {"min_data_in_leaf"})
          .searched(1, 50, SearchScale::log),
      param<&P::min_impurity_decrease>(
          "min_impurity_decrease", "a split must lower the mean impurity of all rows by this", at_least(0)),
      param<&P::max_features>("max_features",
                              "features looked at in a node: all, sqrt, log2, third or a share"),
      param<&P::ccp_alpha>("ccp_alpha", "cost-complexity pruning: what a leaf costs, in impurity",
                           at_least(0)),
      param<&P::prune_folds>(
          "prune_folds",
          "choose ccp_alpha by so many folds: the strongest within one standard error of the "
          "best; 0: as it is said",
          between(0, 1000)),
      param<&P::class_weight>("class_weight", "balanced: every class counts the same in all",
                              one_of("none", "balanced")),
      param<&P::monotone>("monotone", "the prediction may only rise (age+) or fall (age-) with a feature", {},
                          {"monotonic_cst", "monotone_constraints"}),
      param<&P::interactions>("interactions",
                              "features that may meet on one path: age,income; others only by themselves", {},
                              {"interaction_constraints", "interaction_cst"})};
  return l;
}

Predicts DecisionTree::predicts() const { return predicts_of(params_.criterion); }

std::unique_ptr<Model> DecisionTree::fit(const Dataset& data, const FitContext& context) const {
  context.stop.throw_if_requested("training");
  TreeData rows = tree_data(data, kName);
  if (params_.class_weight == "balanced") balance_classes(rows);
  CartRules rules;
  rules.criterion = criterion_for(params_.criterion, rows.task, kName);
  rules.quantile = params_.quantile;
  rules.max_depth = params_.max_depth;
  rules.max_leaves = params_.max_leaves;
  rules.min_samples_split = params_.min_samples_split;
  rules.min_samples_leaf = params_.min_samples_leaf;
  rules.min_impurity_decrease = params_.min_impurity_decrease;
  rules.ccp_alpha = params_.ccp_alpha;
  rules.max_features = features_looked_at(params_.max_features, rows.features.size(), rows.task, kName);
  rules.monotone = monotone_of(params_.monotone, rows.features, kName);
  rules.interactions = interactions_of(params_.interactions, rows.features, kName);
  check_monotone(rules, rows.task, kName);
  const CartTarget target = target_of(rows, rules, kName);
  const RankedData ranked(rows, RanksFor::tree, context.stop);
  CartSample sample{std::vector<std::uint32_t>(static_cast<std::size_t>(rows.rows())), rows.weights};
  std::iota(sample.rows.begin(), sample.rows.end(), 0U);
  const std::uint64_t seed = derive_seed(context.seed, kName);
  if (params_.prune_folds == 1 || (params_.prune_folds > 0 && params_.ccp_alpha > 0))
    throw UsageError("decision_tree.prune_folds",
                     params_.prune_folds == 1
                         ? "1 fold has no other to learn from"
                         : fmt::format("it chooses ccp_alpha, which is {}", params_.ccp_alpha),
                     params_.prune_folds == 1 ? "Try 5." : "Leave one of them at 0.");
  if (params_.prune_folds > 1)
    rules.ccp_alpha =
        chosen_ccp_alpha(data, rows, ranked, target, rules, params_.prune_folds, seed, context.stop);
  const Tree tree = grow_cart(ranked, target, std::move(sample), rules, seed, context.stop);
  TreeModelParts parts{.task = rows.task, .classes = rows.classes, .features = rows.features};
  parts.objective = name_of(rules.criterion);
  if (rules.criterion == Criterion::quantile) parts.quantiles = {rules.quantile};
  parts.trees = TreeEnsemble(ensemble_options(rows), std::span(&tree, 1));
  parts.notes.push_back(
      fmt::format("{} leaves, {} questions at most", (tree.nodes.size() + 1) / 2, parts.trees.max_depth()));
  if (params_.prune_folds > 1)
    parts.notes.push_back(fmt::format("pruned with ccp_alpha {:.6g}, which {} folds chose", rules.ccp_alpha,
                                      params_.prune_folds));
  return std::make_unique<TreeModel>(std::move(parts));
}

}  // namespace cairn
