// A random forest that remembers which training rows fell into which leaf, and so knows the distribution of
// the target of a row, not its mean alone (Meinshausen: Quantile regression forests, 2006):
//
//   w_i(x) = mean over trees of [row i lies in the leaf of x] / rows in that leaf
//   q_a(x) = the smallest training target y with  sum of w_i(x) over y_i <= y  >=  a
//
// All training rows are dropped down every tree, those it was not grown from too. A model holds one number of
// four bytes for each row and tree: 100 trees of 20,000 rows take 8 MB; leaf_samples bounds it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/model/quantile_model.h"
#include "cairn/tree/forest.h"

namespace cairn {

struct QuantileForestParams {
  int trees = 100;
  int max_depth = 0;
  std::int64_t min_samples_split = 2, min_samples_leaf = 5;
  std::string max_features = "auto";
  bool bootstrap = true;
  std::int64_t leaf_samples = 0;
  static const ParamList& list();
};

class QuantileForest : public LearnerWith<QuantileForest, QuantileForestParams> {
 public:
  static constexpr const char* kName = "quantile_forest";
  using LearnerWith::LearnerWith;
  // DataError and UsageError as RandomForest; of quantities only.
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

// Its prediction is the forest's mean.
class QuantileForestModel final : public Model,
                                  public QuantileModel,
                                  public OutOfBagModel,
                                  public BackgroundModel {
 public:
  static constexpr std::string_view kKind = "quantile_forest";

  QuantileForestModel() = default;  // blank, for visit()
  // `rows` with their targets, as the forest was fitted on them; weights are empty or one a row.
  QuantileForestModel(TreeModel forest, const Matrix& rows, std::span<const double> targets,
                      std::span<const double> weights, std::int64_t leaf_samples, std::uint64_t seed);

  std::string_view kind() const override { return kKind; }
  Table predict(const Table& table) const override { return forest_.predict(table); }
  Table quantiles(const Table& table, std::span<const double> levels) const override;
  void visit(Visitor& v) override;
  Task task() const override { return Task::regression; }
  const std::vector<std::string>& classes() const override { return forest_.classes(); }
  std::vector<std::string> notes() const override;
  std::vector<Importance> importances() const override { return forest_.importances(); }
  Json drawn_trees() const override;
  ExplainsFrom explains_from() const override { return forest_.explains_from(); }
  Contributions contributions(const Table& table, const ColumnShares& shares) const override;
  Contributions contributions_against(const Table& table, const Table& background,
                                      const ColumnShares& shares) const override {
    return forest_.contributions_against(table, background, shares);
  }
  std::vector<OwnEstimate> out_of_bag() const override { return forest_.out_of_bag(); }
  const TreeModel& forest() const { return forest_; }

 private:
  void check() const;
  std::int64_t num_leaves() const;
  TreeModel forest_;
  Tensor targets_;     // f64 [n], ascending
  Tensor weights_;     // f64 [n], of the rows in that order; undefined: all alike
  Tensor leaf_begin_;  // i64 [leaves + 1]: where the rows of a leaf begin; leaves of all trees, one after
                       // another
  Tensor samples_;     // i32 [rows of all leaves]: places in targets_, ascending in a leaf
};

}  // namespace cairn
