// Logistic regression for two classes, softmax regression for more: minimises
//   sum_i s_i loss_i + ((1 - l1_ratio) / 2 * sum w^2 + l1_ratio * sum |w|) / C
// over coefficients w and unpenalised intercepts, with s the sample weights times the class weights
// (scikit-learn's C).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/linear/penalty_path.h"
#include "cairn/model/numeric.h"
#include "cairn/model/registry.h"

namespace cairn {

struct LogisticRegressionParams {
  double C = 1.0;
  std::string penalty = "l2";
  double l1_ratio = 0.5;
  std::string solver = "auto";
  int max_iter = 1000;
  double tol = 1e-6;
  std::string class_weight = "none";
  static const ParamList& list();
};

class LogisticRegression : public LearnerWith<LogisticRegression, LogisticRegressionParams>,
                           public PartsLearner {
 public:
  static constexpr const char* kName = "logistic_regression";
  explicit LogisticRegression(LogisticRegressionParams params) : LearnerWith(std::move(params)) {}
  // DataError: rows of one class only. FitError: without a penalty, classes that a combination of the
  // features separates perfectly, naming it. UsageError: a solver that cannot treat the penalty.
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::string why_not_in_parts() const override;
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;
};

class LogisticModel : public NumericModel {
 public:
  LogisticModel() = default;
  // coefficients [m, features] and intercepts [m] of m logits: 1 for two classes in the training rows, else
  // one a class. `present` are the classes that had rows, for one logit the negative and the positive one.
  LogisticModel(const NumericData& data, Tensor coefficients, Tensor intercepts,
                std::vector<std::int64_t> present, std::vector<std::string> notes,
                std::vector<double> loss_history);
  std::string_view kind() const override { return "logistic_model"; }
  void compute(const Matrix& x, std::span<double> outputs) const override;
  // Two classes: one set, for the positive class. More: one set a class, centred on 0 across classes by their
  // penalty.
  std::vector<Coefficient> coefficients() const override;
  ExplainsFrom explains_from() const override { return ExplainsFrom::intercept; }
  std::vector<double> loss_history() const override { return loss_history_; }  // mean loss plus penalty

  Json penalty_path() const override;

  const Tensor& weights() const { return coefficients_; }
  const Tensor& intercepts() const { return intercepts_; }
  const PenaltyPath& path() const { return path_; }  // empty where no strength was searched for
  void set_path(PenaltyPath path) { path_ = std::move(path); }
  void add_note(std::string note) { notes_.push_back(std::move(note)); }

 protected:
  void visit_members(Visitor& v) override;
  LinearScore linear_score() const override;

 private:
  Tensor coefficients_, intercepts_;
  std::vector<std::int64_t> present_;
  std::vector<double> loss_history_;
  PenaltyPath path_;
};

}  // namespace cairn
