#include "cairn/tree/tree_list.h"

#include <array>

#include "cairn/tree/decision_tree.h"
#include "cairn/tree/forest.h"
#include "cairn/tree/gradient_boosting.h"
#include "cairn/tree/quantile_forest.h"

namespace cairn {
namespace {

// Parts of an entry that all learners of this folder share.
template <class L>
LearnerEntry entry(const char* doc) {
  LearnerEntry e{};
  e.name = L::kName;
  e.doc = doc;
  e.regression = e.binary = e.multiclass = true;
  e.accepts = {.missing = true, .categories = true, .sparse = true};
  e.params = &L::Params::list;
  e.make = &make_learner<L>;
  e.blank = &make_blank<TreeModel>;
  e.model_kind = TreeModel::kKind.data();
  e.example_regression = "diabetes";
  e.example_classification = "breast_cancer";
  return e;
}

LearnerEntry decision_tree_entry() {
  LearnerEntry e = entry<DecisionTree>("One tree of yes-or-no questions that a person can read.");
  e.example_r2 = -0.3;
  e.example_accuracy = 0.88;
  e.cost = 1;
  e.auto_settings = "max_depth=3;max_depth=6";
  e.flexibility = "max_leaves";
  return e;
}

LearnerEntry random_forest_entry() {
  LearnerEntry e = entry<RandomForest>(
      "The mean of many trees, each on rows drawn anew and some of the features: steady without tuning.");
  e.example_r2 = 0.35;
  e.example_accuracy = 0.92;
  e.cost = 2;
  e.flexibility = "min_samples_leaf";
  e.flexibility_grows = false;
  e.stochastic = true;
  return e;
}

LearnerEntry quantile_forest_entry() {
  LearnerEntry e = entry<QuantileForest>(
      "A random forest that knows the whole distribution of a quantity: predict --quantiles 0.1,0.5,0.9.");
  e.binary = e.multiclass = false;
  e.blank = &make_blank<QuantileForestModel>;
  e.model_kind = QuantileForestModel::kKind.data();
  e.example_r2 = 0.35;
  e.example_classification = "";
  e.cost = 2;
  e.auto_settings = nullptr;  // its mean is the random forest's
  e.flexibility = "min_samples_leaf";
  e.flexibility_grows = false;
  e.stochastic = true;
  return e;
}

LearnerEntry extra_trees_entry() {
  LearnerEntry e = entry<ExtraTrees>(
      "The mean of many trees with thresholds drawn at random: smoother than a random forest, quicker to "
      "fit.");
  e.example_r2 = 0.35;
  e.example_accuracy = 0.92;
  e.cost = 2;
  e.flexibility = "min_samples_leaf";
  e.flexibility_grows = false;
  e.stochastic = true;
  return e;
}

LearnerEntry gradient_boosting_entry() {
  LearnerEntry e = entry<GradientBoosting>(
      "Trees that each mend what the ones before got wrong: mostly the most accurate on tables.");
  e.example_r2 = 0.25;
  e.example_accuracy = 0.92;
  e.cost = 2;
  e.auto_settings = "max_depth=3";
  e.parts_settings = "category_splits=groups";  // target statistics need the rows before
  e.stochastic = true;
  e.continues = e.refits = true;
  e.flexibility = "max_depth";
  return e;
}

}  // namespace

std::span<const LearnerEntry> tree_learners() {
  static const std::array entries{decision_tree_entry(), random_forest_entry(), extra_trees_entry(),
                                  quantile_forest_entry(), gradient_boosting_entry()};
  return entries;
}

}  // namespace cairn
