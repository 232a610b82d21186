// Gradient boosting of trees: each tree takes a step down the loss (Friedman: Greedy function approximation,
// 2001; second derivatives as in Chen and Guestrin: XGBoost, 2016; bins and leaf-wise growth as in Ke and
// others: LightGBM, 2017).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/model/parts.h"
#include "cairn/model/registry.h"
#include "cairn/tree/tree_model.h"

namespace cairn {

struct GradientBoostingParams {
  std::string objective = "auto";
  int trees = 0;
  double learning_rate = 0;
  std::string growth = "depth_wise";
  int max_depth = 6;
  int max_leaves = 0;
  double min_child_weight = 1;
  double l2 = 1;
  double l1 = 0;
  double min_gain = 0;
  std::string leaves = "constant";
  double linear_l2 = 1;
  int max_bins = 255;
  std::string sampling = "uniform";
  double row_share = 0.8;
  double column_share = 1, column_share_level = 1, column_share_node = 0.6;
  std::string outputs = "auto";
  double dropout = 0, dropout_skip = 0;
  int dropout_max = 50;
  int patience = 0;
  double validation = 0.1;
  double refit_decay = 0.9;
  std::vector<std::string> quantiles;
  double quantile = 0.5, huber_quantile = 0.9, tweedie_power = 1.5;
  std::string rank_metric = "ndcg";
  int rank_at = 30;
  std::string aft_distribution = "normal";
  double aft_scale = 1;
  std::string expression, expression_output = "identity";
  int max_one_hot = 4;
  std::string category_splits = "auto";
  double statistics_smoothing = 1;
  double category_l2 = 10, category_smoothing = 10;
  std::string class_weight = "none";
  std::vector<std::string> monotone;
  std::vector<std::string> interactions;
  static const ParamList& list();
};

class GradientBoosting : public LearnerWith<GradientBoosting, GradientBoostingParams>, public PartsLearner {
 public:
  static constexpr const char* kName = "gradient_boosting";
  using LearnerWith::LearnerWith;
  Predicts predicts() const override;
  // Takes missing values, infinite ones and categories as they are. context.start_model, of this learner or
  // from a file of another program, with the same features, classes and objective, is continued by `trees`
  // more; levels of a category that it does not know are missing. As many rounds at once give the same bytes
  // but where rounds before are changed or seen otherwise: dropout, target statistics, patience.
  // context.refit: its leaves' values are learned anew instead (refit_decay). With patience > 0 the rounds
  // end when the loss on context.validation, or on a share of the rows set apart here, has not fallen for so
  // many; the model keeps the best round. DataError: targets the objective cannot take, rows of one class
  // only. FitError: a loss beyond the range of numbers.
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  // Of every row a byte or two a feature stay in memory (its bins), and some numbers beside. Bins of numbers
  // are quantiles of the sample, those of categories are of all rows.
  bool keeps_rows() const override { return true; }
  std::string why_not_in_parts() const override;
  std::string why_not_these(const DatasetParts& rows) const override;
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;
};

}  // namespace cairn
