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
#include "cairn/tree/boost_parts_internal.h"
#include "cairn/tree/boost_rounds_internal.h"
#include "cairn/tree/boost_start_internal.h"
#include "cairn/tree/constraints_internal.h"
#include "cairn/tree/objective/objective_params_internal.h"

namespace cairn {
namespace {

using P = GradientBoostingParams;
using namespace tree;

constexpr int kMostGrouped = 16;  // levels: a node has rows enough to tell so few apart by itself
constexpr double kRate = 0.05, kSharedRate = 0.1;  // each round of a shared tree looks one way only

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

// Demands that lines in the leaves would not meet.
void check_linear(const P& p, const Objective& objective) {
  const auto refuse = [](const char* with, const std::string& why) {
    throw UsageError("gradient_boosting.leaves", fmt::format("linear does not go with {}: {}", with, why),
                     "leaves=constant does.");
  };
  if (objective.leaf_quantile)
    refuse("this objective", "its leaves answer quantiles of their rows' residuals");
  if (!p.monotone.empty()) refuse("monotone", "a line rises and falls within its leaf");
  if (p.l1 > 0) refuse("l1", "it is a penalty on the values of leaves, of which lines have none");
  if (p.outputs == "shared_tree") refuse("outputs=shared_tree", "a line answers one class");
}

// Categories of more levels are told by target statistics.
int statistics_above(const P& p) {
  return p.category_splits == "statistics" ? p.max_one_hot
         : p.category_splits == "auto"     ? std::max(p.max_one_hot, kMostGrouped)
                                           : std::numeric_limits<int>::max();
}

BoostRules boost_rules(const P& p, const TreeFeatures& features, const Objective& objective,
                       const TreeModel* start) {
  BoostRules r;
  r.trees = p.trees > 0 ? p.trees : kMostRounds;
  r.linear = p.leaves == "linear";
  r.line_l2 = p.linear_l2;
  if (r.linear) check_linear(p, objective);
  const bool lines = r.linear || (start && start->trees().is_linear());  // of which each answers one output
  r.shared_trees = objective.output == TreeOutput::softmax &&
                   (p.outputs == "shared_tree" || (p.outputs == "auto" && p.monotone.empty() && !lines));
  if (lines && (r.shared_trees || (start && start->trees().options().vector_leaves)))
    throw UsageError(
        "gradient_boosting",
        "a model with lines in its leaves, each for one class, cannot be continued by trees that "
        "classes share, nor the other way round",
        "outputs=a_tree_each and leaves=constant go with both.");
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
  r.statistics_above = statistics_above(p);
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
  if (params.leaves == "linear") {
    std::int64_t leaves = 0, lines = 0;
    for (const Tree& tree : boosted.trees)
      for (const TreeNode& node : tree.nodes) {
        leaves += node.is_leaf() ? 1 : 0;
        lines += node.slopes.empty() ? 0 : 1;
      }
    notes.push_back(fmt::format("{} of {} leaves answer along a line", lines, leaves));
  }
  if (!boosted.validation_history.empty())
    notes.push_back(
        fmt::format("round {} of {} had the lowest loss on the rows watched, {:.6g}", boosted.best_round,
                    boosted.validation_history.size(),
                    boosted.validation_history[static_cast<std::size_t>(boosted.best_round - 1)]));
}

}  // namespace

Predicts GradientBoosting::predicts() const { return predicts_of(params_.objective); }

namespace {

// What the model holds beside its trees and the new rounds' own history.
void add_histories(TreeModelParts& parts, const TreeModel* start, const Boosted& boosted, bool watched) {
  if (start) {
    parts.loss_history = start->loss_history();
    parts.watched_history = start->watched_history();
    if (start->kept_step() > 0) {
      parts.loss_history.resize(static_cast<std::size_t>(start->kept_step()));
      parts.watched_history.resize(parts.loss_history.size());
    }
  }
  const std::size_t before = parts.loss_history.size();
  parts.loss_history.insert(parts.loss_history.end(), boosted.loss_history.begin(),
                            boosted.loss_history.end());
  if (!watched) {
    parts.watched_history.clear();
    return;
  }
  parts.watched_history.resize(before, std::nan(""));
  parts.watched_history.insert(parts.watched_history.end(), boosted.validation_history.begin(),
                               boosted.validation_history.end());
  parts.kept_round = static_cast<std::int64_t>(before) + boosted.best_round;
}

// The model of `trees`, of which those of `start` are the first.
std::unique_ptr<Model> model_of(TreeModelParts parts, std::vector<Tree> trees, const TreeModel* start,
                                std::vector<double> base, TreeOutput output, bool shared) {
  const bool vectors = shared || (start && start->trees().options().vector_leaves);
  if (vectors)
    for (Tree& tree : trees) answer_all_outputs(tree, base.size());
  parts.trees = TreeEnsemble({.num_features = parts.features.size(),
                              .num_outputs = std::ssize(base),
                              .vector_leaves = vectors,
                              .output = output,
                              .base = std::move(base),
                              .f32_inputs = start && start->trees().options().f32_inputs},
                             trees);
  return std::make_unique<TreeModel>(std::move(parts));
}

// What is settled once the rows are known.
struct Settled {
  const Objective& objective;
  BoostRules rules;
  TreeOutput output;
};

Settled settle(const P& p, TreeData& rows, const TreeModel* start) {
  check_classes_present(rows);
  if (p.class_weight == "balanced") balance_classes(rows);
  const Objective& objective = objective_for(p.objective, rows.task);
  BoostRules rules = boost_rules(p, rows.features, objective, start);
  const bool exponential = p.expression_output == "exponential" && rules.objective_params.expression;
  return {objective, std::move(rules), exponential ? TreeOutput::exponential : objective.output};
}

TreeModelParts described(const TreeData& rows, const Settled& settled) {
  return {.task = rows.task,
          .classes = rows.classes,
          .features = rows.features,
          .quantiles = settled.rules.objective_params.levels,
          .objective = settled.objective.name};
}

std::unique_ptr<Model> refitted(const P& params, const TreeData& rows, const Settled& settled,
                                const TreeModel& start, std::vector<std::string> notes,
                                const FitContext& context) {
  if (!params.monotone.empty())
    throw UsageError("gradient_boosting.monotone", "leaves that are learned anew need not rise or fall",
                     "Training from the beginning keeps it.");
  if (start.trees().is_linear() || settled.rules.linear)
    throw UsageError("gradient_boosting", "leaves that answer along lines cannot be learned anew",
                     "Training from the beginning fits them.");
  Refitted again =
      refit_leaves(rows, settled.objective, settled.rules, start.trees(), params.refit_decay, context);
  TreeModelParts parts = described(rows, settled);
  parts.loss_history = std::move(again.boosted.loss_history);
  parts.notes = std::move(notes);
  parts.notes.push_back(fmt::format(
      "{} leaves of a model of {} trees learned anew, of the old values {:g} stays{}",
      again.leaves - again.unmet, start.trees().num_trees(), params.refit_decay,
      again.unmet > 0 ? fmt::format("; {} that no row came to are as they were", again.unmet) : ""));
  return model_of(std::move(parts), std::move(again.boosted.trees), &start, std::move(again.boosted.base),
                  start.trees().options().output, false);
}

// Where the number of rounds is left to be chosen. Returns the rows' bins: those given, or where it made
// some.
std::shared_ptr<const BinnedData> choose(
    const P& p, const Dataset& data, const TreeData& rows,
    const std::function<TreeData(const Dataset& some, const TreeFeatures* like)>& rows_of, Settled& settled,
    const TreeModel* start, const FitContext& context, std::vector<std::string>& notes,
    std::shared_ptr<const BinnedData> binned) {
  if (p.trees > 0 || p.patience > 0) return binned;
  RoundChoice choice{
      .rounds = kFixedRounds,
      .how = fmt::format("{} rounds more, as rows that were learned from cannot choose them", kFixedRounds),
      .binned = {}};
  if (!start) choice = choose_rounds(data, rows, rows_of, settled.objective, settled.rules, context, binned);
  settled.rules.trees = choice.rounds;
  notes.push_back(choice.how);
  return binned ? binned : std::move(choice.binned);
}

// The model that `start` and the new rounds come to.
std::unique_ptr<Model> grown_model(const P& p, const TreeData& rows, const Settled& settled, Boosted boosted,
                                   const TreeModel* start, bool watched, std::vector<std::string> notes) {
  TreeModelParts parts = described(rows, settled);
  if (start) notes.push_back(fmt::format("continued from a model of {} trees", start->trees().num_trees()));
  add_outcome(p, boosted, notes);
  add_histories(parts, start, boosted, watched);
  parts.notes = std::move(notes);
  std::vector<Tree> trees;
  for (std::int64_t t = 0; start && t < start->trees().num_trees(); ++t)
    trees.push_back(start->trees().tree(t));
  trees.insert(trees.end(), std::make_move_iterator(boosted.trees.begin()),
               std::make_move_iterator(boosted.trees.end()));
  return model_of(std::move(parts), std::move(trees), start, std::move(boosted.base), settled.output,
                  settled.rules.shared_trees);
}

}  // namespace

std::unique_ptr<Model> GradientBoosting::fit(const Dataset& given, const FitContext& context) const {
  context.stop.throw_if_requested("training");
  const TreeModel* start = start_of(context.start_model);
  const bool refits = start && context.refit;
  const std::optional<Dataset> counted =
      rows_that_count(given);  // others do not even decide how these are divided
  const Dataset& data = counted ? *counted : given;
  std::optional<Dataset> held, kept;
  const bool watches = params_.patience > 0 && !refits;
  const Dataset* validation = watches ? context.validation : nullptr;
  std::vector<std::string> notes;
  if (watches && !validation && data.num_rows() > 0) {
    const Split parts =
        split(data, {.test = params_.validation, .seed = derive_seed(context.seed, "validation")});
    kept = data.select(parts.train);
    held = data.select(parts.test);
    validation = &*held;
    notes.push_back(fmt::format("{} of {} rows watched the loss and were not learned from ({})",
                                parts.test.size(), data.num_rows(), parts.how));
  }
  TreeData rows = tree_data(kept ? *kept : data, kName, start ? &start->features() : nullptr);
  Settled settled = settle(params_, rows, start);
  BoostRules& rules = settled.rules;
  if (start) {
    check_start(*start, data, settled.objective, settled.output, rules.objective_params.levels);
    round_as(*start, rows);
    rules.rounds_before = start->rounds();
  }
  if (rules.linear && rows.x.is_sparse())
    throw UsageError("gradient_boosting.leaves", "linear needs dense columns; these features are sparse",
                     "leaves=constant takes them.");
  std::optional<TreeData> watched;
  if (validation) {
    watched = tree_data(*validation, kName, &rows.features);
    if (start) round_as(*start, *watched);
  }
  if (rules.objective_params.expression) notes.push_back("the loss of a row: " + params_.expression);
  if (refits) return refitted(params_, rows, settled, *start, std::move(notes), context);
  const auto rows_of = [&](const Dataset& some, const TreeFeatures* like) {
    TreeData d = tree_data(some, kName, like);
    if (params_.class_weight == "balanced") balance_classes(d);
    return d;
  };
  auto binned = choose(params_, data, rows, rows_of, settled, start, context, notes, nullptr);
  Boosted boosted = boost(rows, watched ? &*watched : nullptr, settled.objective, rules,
                          start ? &start->trees() : nullptr, context, std::move(binned));
  return grown_model(params_, rows, settled, std::move(boosted), start, validation != nullptr,
                     std::move(notes));
}

namespace {

// What a category needs all rows in memory for; "" where none does.
std::string why_statistics(const P& p, const TreeFeatures& features,
                           const std::function<bool(std::int64_t feature)>& has_missing) {
  const int most = statistics_above(p);
  for (std::int64_t i = 0; i < features.size(); ++i) {
    const TreeFeature& f = features.list()[static_cast<std::size_t>(i)];
    if (!f.category || std::ssize(f.levels) + (has_missing(i) ? 1 : 0) <= most) continue;
    return fmt::format(
        "'{}' has {} levels{}, which category_splits={} tells by the target's mean among the rows before, "
        "for which all must be in memory; category_splits=groups does without",
        f.name, f.levels.size(), has_missing(i) ? " and missing values" : "", p.category_splits);
  }
  return {};
}

}  // namespace

std::string GradientBoosting::why_not_in_parts() const {
  if (params_.leaves == "linear")
    return "leaves=linear fits lines to the numbers themselves, of which parts leave the bins only";
  if (params_.dropout > 0) return "dropout asks trees of earlier rounds again, by numbers that are not kept";
  if (params_.patience > 0)
    return fmt::format(
        "patience={} watches rows whose numbers are not kept; trees=0 chooses the rounds on rows "
        "set apart, and can",
        params_.patience);
  const Predicts predicts = predicts_of(params_.objective);
  if (predicts == Predicts::rank_score || predicts == Predicts::risk)
    return fmt::format("objective={} weighs rows against one another, which are not all of one part",
                       params_.objective);
  return {};
}

std::string GradientBoosting::why_not_these(const DatasetParts& parts) const {
  const Dataset& sample = parts.sample();
  const std::int64_t n = parts.num_rows();
  const TreeFeatures features(sample.features(), kName);
  const auto has_missing = [&](std::int64_t f) {
    return sample.table().column(features.list()[static_cast<std::size_t>(f)].name).num_missing() > 0;
  };
  if (std::string why = why_statistics(params_, features, has_missing); !why.empty()) return why;
  if (params_.trees == 0 && parts_leave_rows_out(sample.roles(), n))
    return fmt::format(
        "trees=0 chooses the rounds by folds along '{}', which leave rows out; a number of trees "
        "does without",
        sample.roles().time);
  if (n > BinnedData::kMostRows)
    return fmt::format("{} rows are more than the {} that trees can learn from", n, BinnedData::kMostRows);
  if (parts.most_bytes() == 0) return {};
  const Objective& objective = objective_for(params_.objective, sample.task());
  const BoostRules rules = boost_rules(params_, features, objective, nullptr);
  const auto bytes = [&](std::int64_t rows, std::int64_t columns) {
    return bytes_of_parts(sample, rows, columns, objective, rules);
  };
  const auto most = static_cast<double>(parts.most_bytes());
  if (bytes(n, features.size()) <= most) return {};
  std::int64_t columns = features.size();
  while (columns > 0 && bytes(n, columns) > most) --columns;
  const double of_row = bytes(n, features.size()) / static_cast<double>(n);
  const std::string fits = columns > 0 ? fmt::format("{} of its features, or ", columns) : "";
  constexpr double kMega = 1e6;
  return fmt::format(
      "{} would hold about {:.0f} MB: {:.0f} bytes for each of {} rows with {} features; {:.0f} MB are left "
      "for that, enough for {}{:.0f} rows",
      kName, bytes(n, features.size()) / kMega, of_row, n, features.size(), most / kMega, fits,
      most / of_row);
}

std::unique_ptr<Model> GradientBoosting::fit_parts(DatasetParts& parts, const FitContext& context) const {
  context.stop.throw_if_requested("training");
  for (const std::string& why : {why_not_in_parts(), why_not_these(parts)})
    if (!why.empty()) throw ResourceError(kName, why);
  if (context.start_model)
    throw ResourceError(kName, "a model is continued with all rows in memory, and these are read in parts");
  BoostedParts given =
      read_parts(parts, kName, params_.max_bins, params_.class_weight == "balanced", context);
  TreeData& rows = given.rows;
  const auto has_missing = [&](std::int64_t f) { return given.binned->feature(f).has_missing; };
  if (const std::string why = why_statistics(params_, rows.features, has_missing); !why.empty())
    throw ResourceError(kName, why);  // of rows that are not in the sample
  Settled settled = settle(params_, rows, nullptr);
  settled.rules.statistics_above = std::numeric_limits<int>::max();
  std::vector<std::string> notes{fmt::format(
      "{} rows in parts: bins of numbers are quantiles of {} of them, those of categories are of all",
      rows.rows(), parts.sample().num_rows())};
  if (settled.rules.objective_params.expression) notes.push_back("the loss of a row: " + params_.expression);
  const auto no_rows = [](const Dataset&, const TreeFeatures*) -> TreeData {
    throw ResourceError(kName, "rows to choose the number of rounds by are not in memory",
                        "trees=N says it.");
  };
  auto binned = choose(params_, given.roles, rows, no_rows, settled, nullptr, context, notes, given.binned);
  Boosted boosted =
      boost(rows, nullptr, settled.objective, settled.rules, nullptr, context, std::move(binned));
  return grown_model(params_, rows, settled, std::move(boosted), nullptr, false, std::move(notes));
}

}  // namespace cairn
