#include "cairn/tree/gradient_boosting.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/base/suggest.h"
#include "cairn/data/split.h"
#include "cairn/model/pipeline.h"
#include "cairn/tree/boost_rounds_internal.h"
#include "cairn/tree/constraints_internal.h"
#include "cairn/tree/objective/objective_params_internal.h"

namespace cairn {
namespace {

using P = GradientBoostingParams;
using namespace tree;

constexpr int kMostGrouped = 16;  // levels: a node has rows enough to tell so few apart by itself
constexpr double kRate = 0.05, kSharedRate = 0.1;  // each round of a shared tree looks one way only

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

ParamRule objective_rule() { return {.choices = objective_names()}; }

void check_classes_present(const TreeData& data) {
  if (!is_classification(data.task)) return;
  std::vector<std::int64_t> counts(data.classes.size());
  for (const std::int32_t label : data.labels) ++counts[static_cast<std::size_t>(label)];
  const auto present = std::ranges::count_if(counts, [](std::int64_t c) { return c > 0; });
  if (present >= 2) return;
  const auto only = static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin());
  throw DataError(
      GradientBoosting::kName,
      fmt::format("every row that counts is '{}' ({} rows); a classification needs rows of two classes",
                  data.classes[only], data.labels.size()));
}

BoostRules boost_rules(const P& p, const TreeFeatures& features, const Objective& objective) {
  BoostRules r;
  r.trees = p.trees > 0 ? p.trees : kMostRounds;
  r.shared_trees = objective.output == TreeOutput::softmax &&
                   (p.outputs == "shared_tree" || (p.outputs == "auto" && p.monotone.empty()));
  if (r.shared_trees && !p.monotone.empty())
    throw UsageError("gradient_boosting.outputs",
                     "shared_tree cannot keep monotone: a leaf answers all classes at once",
                     "outputs=a_tree_each can.");
  r.learning_rate = p.learning_rate > 0 ? p.learning_rate : r.shared_trees ? kSharedRate : kRate;
  r.max_bins = p.max_bins;
  r.sampling = sampling_from_name(p.sampling);
  r.row_share = p.row_share;
  r.patience = p.patience;
  r.dropout = {p.dropout, p.dropout_skip, p.dropout_max};
  if (p.dropout > 0 && p.patience > 0)
    throw UsageError(
        "gradient_boosting.dropout",
        fmt::format("patience={} would keep the best round, and dropout={} goes on changing the trees "
                    "of rounds before",
                    p.patience, p.dropout),
        "Leave one of them out.");
  if (!p.monotone.empty() && objective.leaf_quantile)
    throw UsageError(
        "gradient_boosting.monotone",
        fmt::format("objective={} answers quantiles of a leaf's residuals, which need not rise or fall",
                    objective.name),
        "objective=huber and expectile keep it.");
  r.objective_params = objective_params(p, objective);
  r.statistics_above = p.category_splits == "statistics" ? p.max_one_hot
                       : p.category_splits == "auto"     ? std::max(p.max_one_hot, kMostGrouped)
                                                         : std::numeric_limits<int>::max();
  r.statistics_smoothing = p.statistics_smoothing;
  r.grow.max_depth = p.max_depth;
  r.grow.max_leaves = p.max_leaves;
  r.grow.leaf_wise = p.growth == "leaf_wise";
  r.grow.columns_by_tree = p.column_share;
  r.grow.columns_by_level = p.column_share_level;
  r.grow.columns_by_node = p.column_share_node;
  r.grow.split = {.l1 = p.l1,
                  .l2 = p.l2,
                  .min_child_weight = p.min_child_weight,
                  .min_gain = p.min_gain,
                  .max_one_hot = p.max_one_hot,
                  .category_l2 = p.category_l2,
                  .category_smoothing = p.category_smoothing};
  r.grow.split.monotone = monotone_of(p.monotone, features, GradientBoosting::kName);
  r.grow.interactions = interactions_of(p.interactions, features, GradientBoosting::kName);
  return r;
}

// The model to continue from, when it can be.
const TreeModel* start_of(const Model* given, const TreeData& data, const Objective& objective,
                          TreeOutput output, const std::vector<double>& levels) {
  if (const auto* pipeline = dynamic_cast<const PipelineModel*>(given)) given = &pipeline->model();
  if (!given) return nullptr;
  const auto* model = dynamic_cast<const TreeModel*>(given);
  const auto same = [](const TreeFeature& a, const TreeFeature& b) {
    return a.name == b.name && a.category == b.category && a.levels == b.levels;
  };
  const bool same_levels =
      model && (model->quantiles() == levels || (model->quantiles().empty() && levels.size() <= 1));
  // Rounds add up; the trees of a forest, or one that grew alone, are a mean.
  const bool same_output =
      model && model->trees().options().output == output && !model->trees().options().average;
  if (!model || !same_levels || !same_output || model->objective() != objective.name ||
      model->classes() != data.classes ||
      !std::ranges::equal(model->features().list(), data.features.list(), same))
    throw UsageError(GradientBoosting::kName,
                     fmt::format("cannot continue from this {}; it needs a boosting model of objective {} on "
                                 "the same features and classes",
                                 given->kind(), objective.name));
  return model;
}

// Leaves of one output's number become those of all outputs.
void answer_all_outputs(Tree& tree, std::size_t outputs) {
  for (TreeNode& node : tree.nodes) {
    if (!node.is_leaf() || node.value.size() == outputs) continue;
    std::vector<double> all(outputs);
    all[static_cast<std::size_t>(tree.output)] = node.value[0];
    node.value = std::move(all);
  }
  tree.output = 0;
}

// What the rounds came to, for a person.
void add_outcome(const P& params, const Boosted& boosted, std::vector<std::string>& notes) {
  if (std::ranges::all_of(boosted.trees, [](const Tree& t) { return t.nodes.size() == 1; }))
    notes.push_back(
        fmt::format("no round found a split: every row is answered alike; min_child_weight={} and "
                    "min_gain={} forbid small ones",
                    params.min_child_weight, params.min_gain));
  if (!boosted.validation_history.empty())
    notes.push_back(
        fmt::format("round {} of {} had the lowest loss on the rows watched, {:.6g}", boosted.best_round,
                    boosted.validation_history.size(),
                    boosted.validation_history[static_cast<std::size_t>(boosted.best_round - 1)]));
}

ParamList growing_params() {
  return {
      param<&P::objective>("objective", "what is minimised; auto: squared, logistic or softmax",
                           objective_rule(), names_elsewhere()),
      param<&P::trees>("trees",
                       "rounds of boosting; 0: as many as have the lowest loss in cross-validation, or on "
                       "a part of many rows",
                       between(0, 1e6),
                       {"n_estimators", "num_round", "num_boost_round", "num_iterations", "iterations"})
          .searched_when_named(30, 3000, SearchScale::log)
          .counts_steps(),
      param<&P::learning_rate>(
          "learning_rate", "what a tree's answer is multiplied by; 0: 0.05, or 0.1 where classes share trees",
          between(0, 1e3), {"eta", "shrinkage_rate", "shrinkage"})
          .searched(0.02, 0.3, SearchScale::log),
      param<&P::growth>("growth",
                        "which node is split next: all of a level, or the leaf with the largest gain",
                        one_of("depth_wise", "leaf_wise"), {"grow_policy"}),
      param<&P::max_depth>("max_depth", "most questions on a row's way down; 0: no limit", between(0, 1e6))
          .searched(2, 10),
      param<&P::max_leaves>("max_leaves", "most leaves of a tree; 0: no limit", between(0, 1e6),
                            {"num_leaves", "max_leaf_nodes"})
          .searched_when_named(8, 256, SearchScale::log),
      param<&P::min_child_weight>("min_child_weight",
                                  "least sum of second derivatives in a leaf (squared loss: rows)",
                                  at_least(0), {"min_sum_hessian_in_leaf", "min_hessian"})
          .searched(0.1, 30, SearchScale::log),
      param<&P::l2>("l2", "penalty on squared leaf values", at_least(0),
                    {"reg_lambda", "lambda", "lambda_l2", "l2_regularization"})
          .searched(0.1, 30, SearchScale::log),
      param<&P::l1>("l1", "penalty on absolute leaf values", at_least(0),
                    {"reg_alpha", "alpha", "lambda_l1"}),
      param<&P::min_gain>("min_gain", "a split must lower the loss by more than this", at_least(0),
                          {"gamma", "min_split_loss", "min_gain_to_split", "min_split_gain"}),
      param<&P::max_bins>("max_bins", "most bins a feature is cut into", between(2, kMostBins),
                          {"max_bin", "border_count"})};
}

ParamList round_params() {
  return {param<&P::sampling>("sampling", "how rows are drawn when row_share is below 1",
                              one_of("uniform", "minimum_variance", "goss"),
                              {"sampling_method", "data_sample_strategy"}),
          param<&P::row_share>("row_share", "share of the rows a round learns from", above_to(0, 1),
                               {"subsample", "bagging_fraction"})
              .searched(0.5, 1),
          param<&P::column_share>("column_share", "share of the features a tree may ask about",
                                  above_to(0, 1), {"colsample_bytree", "feature_fraction", "rsm"})
              .searched(0.3, 1),
          param<&P::column_share_level>("column_share_level", "share of those at each level", above_to(0, 1),
                                        {"colsample_bylevel"}),
          param<&P::column_share_node>("column_share_node", "share of those at each node", above_to(0, 1),
                                       {"colsample_bynode", "feature_fraction_bynode"}),
          param<&P::outputs>("outputs",
                             "several classes: they share a tree a round, or each grows one; auto: shared "
                             "but with monotone",
                             one_of("auto", "shared_tree", "a_tree_each"), {"multi_strategy"}),
          param<&P::dropout>(
              "dropout",
              "share of the rounds so far that a round is learned without (DART), each by chance and at "
              "least one; 0: none",
              between(0, 1), {"rate_drop", "drop_rate"}),
          param<&P::dropout_skip>("dropout_skip", "chance that a round leaves out none", between(0, 1),
                                  {"skip_drop"}),
          param<&P::dropout_max>("dropout_max", "most rounds left out at once; 0: any number",
                                 between(0, 1e6), {"max_drop"}),
          param<&P::patience>("patience", "rounds without a lower validation loss before it ends; 0: never",
                              between(0, 1e6),
                              {"early_stopping_rounds", "early_stopping_round", "n_iter_no_change"}),
          param<&P::validation>("validation",
                                "share of the rows set apart to watch, with patience and no data of its own",
                                above_to(0, 0.9), {"validation_fraction"})};
}

ParamList loss_params() {
  return {
      param<&P::quantile>("quantile", "objective=quantile or expectile: the level predicted", between(0, 1),
                          {"quantile_alpha", "alpha"}),
      param<&P::quantiles>(
          "quantiles",
          "objective=quantile: several levels at once, such as 0.1,0.5,0.9; a column q_<level> "
          "each, a tree each a round",
          {}, {"quantile_levels"}),
      param<&P::huber_quantile>("huber_quantile",
                                "objective=huber: share of the residuals that count squared", above_to(0, 1)),
      param<&P::tweedie_power>("tweedie_power", "objective=tweedie: variance grows as the mean to this power",
                               ParamRule{.low = 1, .high = 2, .low_open = true, .high_open = true},
                               {"tweedie_variance_power"}),
      param<&P::rank_metric>("rank_metric", "objective=lambdarank: what a swap of two rows changes",
                             one_of("ndcg", "map"), {"lambdarank_metric"}),
      param<&P::rank_at>(
          "rank_at", "objective=lambdarank: only pairs count of which one is among a query's first rows",
          between(1, 1e6),
          {"lambdarank_truncation_level", "lambdarank_num_pair_per_sample", "truncation_level"}),
      param<&P::aft_distribution>("aft_distribution", "objective=aft: how the logarithm of times is spread",
                                  one_of("normal", "logistic", "extreme"), {"aft_loss_distribution"}),
      param<&P::aft_scale>("aft_scale", "objective=aft: how wide it is spread",
                           ParamRule{.low = 0, .high = 1e6, .low_open = true},
                           {"aft_loss_distribution_scale", "aft_sigma"}),
      param<&P::expression>(
          "expression", "objective=expression: a row's loss from y and score, such as log(cosh(score - y))",
          {}, {"custom_objective", "fobj", "obj"}),
      param<&P::expression_output>("expression_output",
                                   "objective=expression: what the prediction is made of score by",
                                   one_of("identity", "exponential"), {"link", "inverse_link"})};
}

ParamList feature_params() {
  return {
      param<&P::max_one_hot>("max_one_hot",
                             "categories of at most so many levels are split one against the rest",
                             between(1, 255), {"max_cat_to_onehot"}),
      param<&P::category_splits>(
          "category_splits",
          "how more levels are divided: groups: by the node's own gradients; statistics: by the mean of the "
          "target among the rows before in a random order (ordered target statistics); auto: groups up to 16 "
          "levels, statistics above",
          one_of("auto", "statistics", "groups")),
      param<&P::statistics_smoothing>("statistics_smoothing",
                                      "rows that the mean of all counts as in a level's statistic",
                                      above_to(0, 1e9)),
      param<&P::category_l2>("category_l2", "further l2 where levels are split into groups", at_least(0),
                             {"cat_l2"}),
      param<&P::category_smoothing>("category_smoothing",
                                    "draws rare levels to the middle of the order they are grouped in",
                                    at_least(0), {"cat_smooth"}),
      param<&P::class_weight>("class_weight", "balanced: every class counts the same in all",
                              one_of("none", "balanced"), {"is_unbalance", "scale_pos_weight"}),
      param<&P::monotone>("monotone", "the prediction may only rise (age+) or fall (age-) with a feature", {},
                          {"monotone_constraints", "monotonic_cst"}),
      param<&P::interactions>("interactions",
                              "features that may meet on one path: age,income; others only by themselves", {},
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

Predicts GradientBoosting::predicts() const { return predicts_of(params_.objective); }

std::unique_ptr<Model> GradientBoosting::fit(const Dataset& given, const FitContext& context) const {
  context.stop.throw_if_requested("training");
  const std::optional<Dataset> counted =
      rows_that_count(given);  // others do not even decide how these are divided
  const Dataset& data = counted ? *counted : given;
  std::optional<Dataset> held, kept;
  const Dataset* validation = params_.patience > 0 ? context.validation : nullptr;
  std::vector<std::string> notes;
  if (params_.patience > 0 && !validation && data.num_rows() > 0) {
    const Split parts =
        split(data, {.test = params_.validation, .seed = derive_seed(context.seed, "validation")});
    kept = data.select(parts.train);
    held = data.select(parts.test);
    validation = &*held;
    notes.push_back(fmt::format("{} of {} rows watched the loss and were not learned from ({})",
                                parts.test.size(), data.num_rows(), parts.how));
  }
  TreeData rows = tree_data(kept ? *kept : data, kName);
  check_classes_present(rows);
  if (params_.class_weight == "balanced") balance_classes(rows);
  const Objective& objective = objective_for(params_.objective, rows.task);
  std::optional<TreeData> watched;
  if (validation) watched = tree_data(*validation, kName, &rows.features);
  BoostRules rules = boost_rules(params_, rows.features, objective);
  const std::vector<double>& levels = rules.objective_params.levels;
  const TreeOutput output = params_.expression_output == "exponential" && rules.objective_params.expression
                                ? TreeOutput::exponential
                                : objective.output;
  const TreeModel* start = start_of(context.start_model, rows, objective, output, levels);
  if (rules.objective_params.expression) notes.push_back("the loss of a row: " + params_.expression);
  std::shared_ptr<const BinnedData> binned;
  if (params_.trees == 0 && params_.patience == 0 && !start) {
    const auto rows_of = [&](const Dataset& some, const TreeFeatures* like) {
      TreeData d = tree_data(some, kName, like);
      if (params_.class_weight == "balanced") balance_classes(d);
      return d;
    };
    RoundChoice choice = choose_rounds(data, rows, rows_of, objective, rules, context);
    rules.trees = choice.rounds;
    notes.push_back(choice.how);
    binned = std::move(choice.binned);
  }
  if (params_.trees == 0 && params_.patience == 0 && start) rules.trees = kFixedRounds;
  const Boosted boosted = boost(rows, watched ? &*watched : nullptr, objective, rules,
                                start ? &start->trees() : nullptr, context, std::move(binned));
  TreeModelParts parts{.task = rows.task,
                       .classes = rows.classes,
                       .features = rows.features,
                       .quantiles = levels,
                       .objective = objective.name};
  std::vector<Tree> trees;
  if (start) {
    for (std::int64_t t = 0; t < start->trees().num_trees(); ++t) trees.push_back(start->trees().tree(t));
    parts.loss_history = start->loss_history();
    parts.watched_history = start->watched_history();
    if (start->kept_step() > 0) {
      parts.loss_history.resize(static_cast<std::size_t>(start->kept_step()));
      parts.watched_history.resize(parts.loss_history.size());
    }
    notes.push_back(fmt::format("continued from a model of {} trees", start->trees().num_trees()));
  }
  trees.insert(trees.end(), boosted.trees.begin(), boosted.trees.end());
  parts.loss_history.insert(parts.loss_history.end(), boosted.loss_history.begin(),
                            boosted.loss_history.end());
  add_outcome(params_, boosted, notes);
  if (!validation) parts.watched_history.clear();
  if (validation) {
    const std::size_t before = parts.loss_history.size() - boosted.loss_history.size();
    parts.watched_history.resize(before, std::nan(""));
    parts.watched_history.insert(parts.watched_history.end(), boosted.validation_history.begin(),
                                 boosted.validation_history.end());
    parts.kept_round = static_cast<std::int64_t>(before) + boosted.best_round;
  }
  const bool vectors = rules.shared_trees || (start && start->trees().options().vector_leaves);
  if (vectors)
    for (Tree& tree : trees) answer_all_outputs(tree, boosted.base.size());
  parts.trees = TreeEnsemble({.num_features = rows.features.size(),
                              .num_outputs = std::ssize(boosted.base),
                              .vector_leaves = vectors,
                              .output = output,
                              .base = boosted.base},
                             trees);
  parts.notes = std::move(notes);
  return std::make_unique<TreeModel>(std::move(parts));
}

}  // namespace cairn
