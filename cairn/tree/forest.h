// Many trees, their answers averaged: random forests (Breiman: Random forests, 2001) and extra trees (Geurts,
// Ernst and Wehenkel: Extremely randomized trees, 2006).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/model/registry.h"
#include "cairn/tree/tree_model.h"

namespace cairn {

struct RandomForestParams {
  int trees = 100;
  std::string criterion = "auto";
  double quantile = 0.5;
  int max_depth = 0;
  int max_leaves = 0;
  std::int64_t min_samples_split = 2, min_samples_leaf = 1;
  double min_impurity_decrease = 0;
  std::string max_features = "auto";
  bool bootstrap = true;
  std::string class_weight = "none";
  std::vector<std::string> monotone, interactions;
  static const ParamList& list();
};

// Each tree learns from rows drawn with replacement and looks at some of the features in each node. The rows
// that a tree has not seen measure the forest: see notes().
class RandomForest : public LearnerWith<RandomForest, RandomForestParams> {
 public:
  static constexpr const char* kName = "random_forest";
  using LearnerWith::LearnerWith;
  Predicts predicts() const override;
  // DataError and UsageError as DecisionTree.
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

struct ExtraTreesParams : RandomForestParams {
  ExtraTreesParams() { bootstrap = false; }
};

// Each tree learns from all rows; a node looks at some features, at one drawn threshold each.
class ExtraTrees : public LearnerWith<ExtraTrees, ExtraTreesParams> {
 public:
  static constexpr const char* kName = "extra_trees";
  using LearnerWith::LearnerWith;
  Predicts predicts() const override;
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

}  // namespace cairn
