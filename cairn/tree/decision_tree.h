// One tree with exact splits (Breiman, Friedman, Olshen and Stone: Classification and regression trees,
// 1984).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/model/registry.h"
#include "cairn/tree/tree_model.h"

namespace cairn {

struct DecisionTreeParams {
  std::string criterion = "auto";
  double quantile = 0.5;
  int max_depth = 0;
  int max_leaves = 0;
  std::int64_t min_samples_split = 2, min_samples_leaf = 1;
  double min_impurity_decrease = 0;
  std::string max_features = "all";
  double ccp_alpha = 0;
  int prune_folds = 0;
  std::string class_weight = "none";
  std::vector<std::string> monotone, interactions;
  static const ParamList& list();
};

class DecisionTree : public LearnerWith<DecisionTree, DecisionTreeParams> {
 public:
  static constexpr const char* kName = "decision_tree";
  using LearnerWith::LearnerWith;
  Predicts predicts() const override;
  // Takes missing values, infinite ones and categories as they are. DataError: negative targets of
  // criterion=poisson. UsageError: a criterion that does not serve the task, monotone demands that it cannot
  // keep.
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
