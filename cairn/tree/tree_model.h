// The fitted model of every tree learner: features, an ensemble, and what it predicts.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/model/contributions.h"
#include "cairn/model/learner.h"
#include "cairn/model/out_of_bag_model.h"
#include "cairn/tree/ensemble.h"
#include "cairn/tree/features.h"

namespace cairn {

struct TreeModelParts {
  Task task = Task::regression;
  std::vector<std::string> classes;
  TreeFeatures features;
  TreeEnsemble trees;
  std::vector<std::string> notes;
  std::vector<double> quantiles;        // the levels that the outputs are, ascending; empty: they are none
  std::vector<double> loss_history;     // after each round of boosting
  std::vector<double> watched_history;  // on the rows that were watched; as many rounds, or none
  std::int64_t kept_round = 0;          // 1 is the first; the trees end there. 0: all rounds were kept
  std::vector<OwnEstimate> out_of_bag;  // of a forest
  std::string objective;  // what was minimised: "squared", "gini"; continued training asks for the same
};

class TreeModel final : public Model, public OutOfBagModel, public BackgroundModel {
 public:
  static constexpr std::string_view kKind = "tree_model";

  TreeModel() = default;  // blank, for visit()
  // The ensemble predicts a number (regression), several quantiles or a probability a class. Quantiles of a
  // row that cross are put in order, which never raises the mean pinball loss of any row (Chernozhukov,
  // Fernandez-Val, Galichon: Quantile and probability curves without crossing, 2010); `prediction` is the one
  // nearest to the median, of two as near the lower.
  explicit TreeModel(TreeModelParts parts);

  std::string_view kind() const override { return kKind; }
  Table predict(const Table& table) const override;
  void visit(Visitor& v) override;
  Task task() const override { return parts_.task; }
  Predicts predicts() const override;
  const std::vector<std::string>& classes() const override { return parts_.classes; }
  std::vector<std::string> notes() const override { return parts_.notes; }
  std::vector<double> loss_history() const override { return parts_.loss_history; }
  std::vector<double> watched_history() const override { return parts_.watched_history; }
  std::int64_t kept_step() const override { return parts_.kept_round; }
  Json drawn_trees() const override;  // the first tree, its uppermost questions
  std::vector<Importance> importances() const override;
  // Shapley values. Not of models whose prediction is exp(score), nor of leaves that answer along lines.
  ExplainsFrom explains_from() const override;
  Contributions contributions(const Table& table, const ColumnShares& shares) const override;
  Contributions contributions_against(const Table& table, const Table& background,
                                      const ColumnShares& shares) const override;
  std::vector<OwnEstimate> out_of_bag() const override { return parts_.out_of_bag; }

  const TreeEnsemble& trees() const { return parts_.trees; }
  const TreeFeatures& features() const { return parts_.features; }
  const std::vector<double>& quantiles() const { return parts_.quantiles; }
  std::vector<std::string> output_names() const;  // "q_0.1" of quantiles, classes, "" of one number
  const std::string& objective() const { return parts_.objective; }
  std::int64_t rounds() const;  // of boosting; for other trees, how many an output has
  TreeNames names() const {
    return parts_.features.names(parts_.quantiles.empty() ? parts_.classes : output_names());
  }
  // The questions that tree `tree` asks row `row` of the table, in words; see decision_path().
  std::vector<std::string> decision_path(const Table& table, std::int64_t row, std::int64_t tree = 0) const;

 private:
  void check() const;
  // Shapley values that shap(features, values) finds.
  template <class Shap>
  Contributions contributions_by(const Table& table, const ColumnShares& shares, Shap&& shap) const;
  void visit_watched(Visitor& v);
  void visit_out_of_bag(Visitor& v);
  TreeModelParts parts_;
};

}  // namespace cairn
