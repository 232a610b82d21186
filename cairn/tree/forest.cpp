#include "cairn/tree/forest.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/tree/cart_setup_internal.h"
#include "cairn/tree/constraints_internal.h"
#include "cairn/tree/objective/objective_internal.h"
#include "cairn/tree/out_of_bag_internal.h"

namespace cairn {
namespace {

using P = RandomForestParams;
using namespace tree;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

ParamList forest_params() {
  return {
      param<&P::trees>("trees", "how many", between(1, 1e6), {"n_estimators", "num_trees", "ntree"})
          .searched_when_named(50, 1000, SearchScale::log)
          .counts_steps(),
      param<&P::criterion>("criterion", "what a split lowers; auto: gini for classes, squared for values",
                           one_of("auto", "gini", "entropy", "squared", "absolute", "poisson", "quantile")),
      param<&P::quantile>("quantile", "criterion=quantile: the level that leaves answer",
                          ParamRule{.low = 0, .high = 1, .low_open = true, .high_open = true},
                          {"quantile_alpha", "alpha"}),
      param<&P::max_depth>("max_depth", "most questions on a row's way down; 0: no limit", between(0, 1e6))
          .searched_when_named(2, 30),
      param<&P::max_leaves>("max_leaves", "most leaves of a tree; 0: no limit", between(0, 1e8),
                            {"max_leaf_nodes", "num_leaves"}),
      param<&P::min_samples_split>("min_samples_split", "rows a node must have to be split", at_least(2)),
      param<&P::min_samples_leaf>("min_samples_leaf", "rows a leaf must have", at_least(1),
                                  {"min_data_in_leaf"})
          .searched(1, 20, SearchScale::log),
      param<&P::min_impurity_decrease>("min_impurity_decrease",
                                       "a split must lower the mean impurity of a tree's rows by this",
                                       at_least(0)),
      param<&P::max_features>("max_features",
                              "features looked at in a node: auto (sqrt for classes, third for values), "
                              "sqrt, log2, third, all or a share",
                              {}, {"mtry"})
          .searched({"sqrt", "third", "0.5", "all"}),
      param<&P::bootstrap>("bootstrap",
                           "each tree learns from rows drawn with replacement; no: from all rows"),
      param<&P::class_weight>("class_weight", "balanced: every class counts the same in all",
                              one_of("none", "balanced")),
      param<&P::monotone>("monotone", "the prediction may only rise (age+) or fall (age-) with a feature", {},
                          {"monotonic_cst", "monotone_constraints"}),
      param<&P::interactions>("interactions",
                              "features that may meet on one path: age,income; others only by themselves", {},
                              {"interaction_constraints", "interaction_cst"})};
}

CartSample sample_of(const std::vector<std::uint32_t>& count, const std::vector<double>& weights) {
  CartSample s;
  for (std::size_t r = 0; r < count.size(); ++r) {
    if (count[r] == 0) continue;
    s.rows.push_back(static_cast<std::uint32_t>(r));
    s.weights.push_back(count[r] * (weights.empty() ? 1 : weights[r]));
  }
  return s;
}

std::unique_ptr<Model> fit_forest(const Dataset& data, const P& p, bool random_thresholds, const char* name,
                                  const FitContext& context) {
  context.stop.throw_if_requested("training");
  TreeData rows = tree_data(data, name);
  const std::vector<double> given = p.bootstrap ? rows.weights : std::vector<double>();
  if (p.class_weight == "balanced") balance_classes(rows);
  CartRules rules;
  rules.criterion = criterion_for(p.criterion, rows.task, name);
  rules.quantile = p.quantile;
  rules.max_depth = p.max_depth;
  rules.max_leaves = p.max_leaves;
  rules.min_samples_split = p.min_samples_split;
  rules.min_samples_leaf = p.min_samples_leaf;
  rules.min_impurity_decrease = p.min_impurity_decrease;
  rules.max_features = features_looked_at(p.max_features, rows.features.size(), rows.task, name);
  rules.random_thresholds = random_thresholds;
  rules.monotone = monotone_of(p.monotone, rows.features, name);
  rules.interactions = interactions_of(p.interactions, rows.features, name);
  rules.parallel = false;
  check_monotone(rules, rows.task, name);
  const CartTarget target = target_of(rows, rules, name);
  const RankedData ranked(rows, random_thresholds ? RanksFor::extra_trees : RanksFor::forest, context.stop);
  // As arrays at once: the trees of a large forest as nodes would be most of the memory it takes.
  std::vector<TreeArrays> trees(at(p.trees));
  const TreeEnsembleOptions options = ensemble_options(rows);
  const std::size_t width = options.vector_leaves ? at(options.num_outputs) : 1;
  if (context.progress) context.progress->begin("trees", p.trees);
  parallel_for(
      p.trees, 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t t = begin; t < end; ++t) {
          CartSample sample;
          if (p.bootstrap) {
            sample =
                sample_of(draw_rows(rows.rows(), context.seed, static_cast<std::uint64_t>(t)), rows.weights);
          } else {
            sample.rows.resize(at(rows.rows()));
            std::iota(sample.rows.begin(), sample.rows.end(), 0U);
            sample.weights = rows.weights;
          }
          trees[at(t)].add(
              grow_cart(ranked, target, std::move(sample), rules,
                        derive_seed(context.seed, name, static_cast<std::uint64_t>(t)), context.stop),
              width);
          trees[at(t)].share_values(width);
        }
      },
      context.stop);
  if (context.progress) context.progress->end();
  TreeModelParts parts{.task = rows.task, .classes = rows.classes, .features = rows.features};
  parts.objective = name_of(rules.criterion);
  if (rules.criterion == Criterion::quantile) parts.quantiles = {rules.quantile};
  TreeArrays all = joined(std::move(trees), width);
  all.share_values(width);
  parts.trees = TreeEnsemble(options, std::move(all));
  parts.notes.push_back(fmt::format("{} features looked at in a node; {} leaves a tree in the mean",
                                    rules.max_features, (parts.trees.num_nodes() + p.trees) / 2 / p.trees));
  if (p.bootstrap) {
    parts.out_of_bag = out_of_bag(rows, parts.trees, parts.quantiles, given, context.seed);
    parts.notes.push_back(out_of_bag_note(parts.out_of_bag));
  }
  return std::make_unique<TreeModel>(std::move(parts));
}

}  // namespace

const ParamList& RandomForestParams::list() {
  static const ParamList l = forest_params();
  return l;
}

Predicts RandomForest::predicts() const { return predicts_of(params_.criterion); }
Predicts ExtraTrees::predicts() const { return predicts_of(params_.criterion); }

std::unique_ptr<Model> RandomForest::fit(const Dataset& data, const FitContext& context) const {
  return fit_forest(data, params_, false, kName, context);
}

std::unique_ptr<Model> ExtraTrees::fit(const Dataset& data, const FitContext& context) const {
  return fit_forest(data, params_, true, kName, context);
}

}  // namespace cairn
