// What a person can say to boosting.
#include "cairn/tree/bins_internal.h"
#include "cairn/tree/gradient_boosting.h"
#include "cairn/tree/objective/objective_internal.h"

namespace cairn {
namespace {

using Boosting = GradientBoostingParams;

// The parameter's names, then the objectives', in XGBoost, LightGBM, CatBoost and scikit-learn.
std::vector<std::string> names_elsewhere() {
  return {"loss",
          "application",
          "reg:squarederror=squared",
          "squared_error=squared",
          "regression=squared",
          "l2=squared",
          "RMSE=squared",
          "reg:absoluteerror=absolute",
          "absolute_error=absolute",
          "regression_l1=absolute",
          "l1=absolute",
          "mae=absolute",
          "reg:pseudohubererror=huber",
          "reg:quantileerror=quantile",
          "MultiQuantile=quantile",
          "reg:expectileerror=expectile",
          "count:poisson=poisson",
          "reg:gamma=gamma",
          "reg:tweedie=tweedie",
          "rank:ndcg=lambdarank",
          "rank:map=lambdarank",
          "rank:pairwise=lambdarank",
          "lambdamart=lambdarank",
          "rank_xendcg=lambdarank",
          "YetiRank=lambdarank",
          "survival:cox=cox",
          "survival:aft=aft",
          "binary:logistic=logistic",
          "binary=logistic",
          "Logloss=logistic",
          "multi:softmax=softmax",
          "multi:softprob=softmax",
          "multiclass=softmax",
          "custom=expression"};
}

ParamRule objective_rule() { return {.choices = tree::objective_names()}; }

ParamList growing_params() {
  return {
      param<&Boosting::objective>("objective", "what is minimised; auto: squared, logistic or softmax",
                                  objective_rule(), names_elsewhere()),
      param<&Boosting::trees>(
          "trees",
          "rounds of boosting; 0: as many as have the lowest loss in cross-validation, or on "
          "a part of many rows",
          between(0, 1e6), {"n_estimators", "num_round", "num_boost_round", "num_iterations", "iterations"})
          .searched_when_named(30, 3000, SearchScale::log)
          .counts_steps(),
      param<&Boosting::learning_rate>(
          "learning_rate", "what a tree's answer is multiplied by; 0: 0.05, or 0.1 where classes share trees",
          between(0, 1e3), {"eta", "shrinkage_rate", "shrinkage"})
          .searched(0.02, 0.3, SearchScale::log),
      param<&Boosting::growth>("growth",
                               "which node is split next: all of a level, or the leaf with the largest gain",
                               one_of("depth_wise", "leaf_wise"), {"grow_policy"}),
      param<&Boosting::max_depth>("max_depth", "most questions on a row's way down; 0: no limit",
                                  between(0, 1e6))
          .searched(2, 10),
      param<&Boosting::max_leaves>("max_leaves", "most leaves of a tree; 0: no limit", between(0, 1e6),
                                   {"num_leaves", "max_leaf_nodes"})
          .searched_when_named(8, 256, SearchScale::log),
      param<&Boosting::min_child_weight>("min_child_weight",
                                         "least sum of second derivatives in a leaf (squared loss: rows)",
                                         at_least(0), {"min_sum_hessian_in_leaf", "min_hessian"})
          .searched(0.1, 30, SearchScale::log),
      param<&Boosting::l2>("l2", "penalty on squared leaf values", at_least(0),
                           {"reg_lambda", "lambda", "lambda_l2", "l2_regularization"})
          .searched(0.1, 30, SearchScale::log),
      param<&Boosting::l1>("l1", "penalty on absolute leaf values", at_least(0),
                           {"reg_alpha", "alpha", "lambda_l1"}),
      param<&Boosting::min_gain>("min_gain", "a split must lower the loss by more than this", at_least(0),
                                 {"gamma", "min_split_loss", "min_gain_to_split", "min_split_gain"}),
      param<&Boosting::leaves>(
          "leaves",
          "what a leaf answers: a constant, or linear: a line along the numbers asked about on "
          "the way to it",
          one_of("constant", "linear"), {"linear_tree"}),
      param<&Boosting::linear_l2>(
          "linear_l2", "leaves=linear: penalty on squared slopes, per standard deviation of the leaf's rows",
          above_to(0, 1e12), {"linear_lambda"})
          .searched_when_named(0.01, 100, SearchScale::log),
      param<&Boosting::max_bins>("max_bins", "most bins a feature is cut into", between(2, tree::kMostBins),
                                 {"max_bin", "border_count"})};
}

ParamList round_params() {
  return {
      param<&Boosting::sampling>("sampling", "how rows are drawn when row_share is below 1",
                                 one_of("uniform", "minimum_variance", "goss"),
                                 {"sampling_method", "data_sample_strategy"}),
      param<&Boosting::row_share>("row_share", "share of the rows a round learns from", above_to(0, 1),
                                  {"subsample", "bagging_fraction"})
          .searched(0.5, 1),
      param<&Boosting::column_share>("column_share", "share of the features a tree may ask about",
                                     above_to(0, 1), {"colsample_bytree", "feature_fraction", "rsm"})
          .searched(0.3, 1),
      param<&Boosting::column_share_level>("column_share_level", "share of those at each level",
                                           above_to(0, 1), {"colsample_bylevel"}),
      param<&Boosting::column_share_node>("column_share_node", "share of those at each node", above_to(0, 1),
                                          {"colsample_bynode", "feature_fraction_bynode"}),
      param<&Boosting::outputs>("outputs",
                                "several classes: they share a tree a round, or each grows one; auto: shared "
                                "but with monotone or leaves=linear",
                                one_of("auto", "shared_tree", "a_tree_each"), {"multi_strategy"}),
      param<&Boosting::dropout>(
          "dropout",
          "share of the rounds so far that a round is learned without (DART), each by chance and at "
          "least one; 0: none",
          between(0, 1), {"rate_drop", "drop_rate"}),
      param<&Boosting::dropout_skip>("dropout_skip", "chance that a round leaves out none", between(0, 1),
                                     {"skip_drop"}),
      param<&Boosting::dropout_max>("dropout_max", "most rounds left out at once; 0: any number",
                                    between(0, 1e6), {"max_drop"}),
      param<&Boosting::patience>(
          "patience", "rounds without a lower validation loss before it ends; 0: never", between(0, 1e6),
          {"early_stopping_rounds", "early_stopping_round", "n_iter_no_change"}),
      param<&Boosting::validation>(
          "validation", "share of the rows set apart to watch, with patience and no data of its own",
          above_to(0, 0.9), {"validation_fraction"}),
      param<&Boosting::refit_decay>("refit_decay",
                                    "refit of leaves: the share of a leaf's old value that stays",
                                    between(0, 1), {"refit_decay_rate", "decay_rate"})};
}

ParamList loss_params() {
  return {
      param<&Boosting::quantile>("quantile", "objective=quantile or expectile: the level predicted",
                                 between(0, 1), {"quantile_alpha", "alpha"}),
      param<&Boosting::quantiles>(
          "quantiles",
          "objective=quantile: several levels at once, such as 0.1,0.5,0.9; a column q_<level> "
          "each, a tree each a round",
          {}, {"quantile_levels"}),
      param<&Boosting::huber_quantile>(
          "huber_quantile", "objective=huber: share of the residuals that count squared", above_to(0, 1)),
      param<&Boosting::tweedie_power>(
          "tweedie_power", "objective=tweedie: variance grows as the mean to this power",
          ParamRule{.low = 1, .high = 2, .low_open = true, .high_open = true}, {"tweedie_variance_power"}),
      param<&Boosting::rank_metric>("rank_metric", "objective=lambdarank: what a swap of two rows changes",
                                    one_of("ndcg", "map"), {"lambdarank_metric"}),
      param<&Boosting::rank_at>(
          "rank_at", "objective=lambdarank: only pairs count of which one is among a query's first rows",
          between(1, 1e6),
          {"lambdarank_truncation_level", "lambdarank_num_pair_per_sample", "truncation_level"}),
      param<&Boosting::aft_distribution>("aft_distribution",
                                         "objective=aft: how the logarithm of times is spread",
                                         one_of("normal", "logistic", "extreme"), {"aft_loss_distribution"}),
      param<&Boosting::aft_scale>("aft_scale", "objective=aft: how wide it is spread",
                                  ParamRule{.low = 0, .high = 1e6, .low_open = true},
                                  {"aft_loss_distribution_scale", "aft_sigma"}),
      param<&Boosting::expression>(
          "expression", "objective=expression: a row's loss from y and score, such as log(cosh(score - y))",
          {}, {"custom_objective", "fobj", "obj"}),
      param<&Boosting::expression_output>("expression_output",
                                          "objective=expression: what the prediction is made of score by",
                                          one_of("identity", "exponential"), {"link", "inverse_link"})};
}

ParamList feature_params() {
  return {
      param<&Boosting::max_one_hot>("max_one_hot",
                                    "categories of at most so many levels are split one against the rest",
                                    between(1, 255), {"max_cat_to_onehot"}),
      param<&Boosting::category_splits>(
          "category_splits",
          "how more levels are divided: groups: by the node's own gradients; statistics: by the mean of the "
          "target among the rows before in a random order (ordered target statistics); auto: groups up to 16 "
          "levels, statistics above",
          one_of("auto", "statistics", "groups")),
      param<&Boosting::statistics_smoothing>("statistics_smoothing",
                                             "rows that the mean of all counts as in a level's statistic",
                                             above_to(0, 1e9)),
      param<&Boosting::category_l2>("category_l2", "further l2 where levels are split into groups",
                                    at_least(0), {"cat_l2"}),
      param<&Boosting::category_smoothing>("category_smoothing",
                                           "draws rare levels to the middle of the order they are grouped in",
                                           at_least(0), {"cat_smooth"}),
      param<&Boosting::class_weight>("class_weight", "balanced: every class counts the same in all",
                                     one_of("none", "balanced"), {"is_unbalance", "scale_pos_weight"}),
      param<&Boosting::monotone>("monotone",
                                 "the prediction may only rise (age+) or fall (age-) with a feature", {},
                                 {"monotone_constraints", "monotonic_cst"}),
      param<&Boosting::interactions>(
          "interactions", "features that may meet on one path: age,income; others only by themselves", {},
          {"interaction_constraints", "interaction_cst"})};
}

}  // namespace

const ParamList& GradientBoostingParams::list() {
  static const ParamList l = [] {
    ParamList all;
    for (const ParamList& part : {growing_params(), round_params(), loss_params(), feature_params()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return l;
}

}  // namespace cairn
