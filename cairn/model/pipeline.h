// A learner with everything before it: the transforms it needs, fitted on training rows only, stored with its
// model.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/data/schema.h"
#include "cairn/data/transform.h"
#include "cairn/model/calibration.h"
#include "cairn/model/conformal.h"
#include "cairn/model/cv_plus.h"
#include "cairn/model/learner.h"
#include "cairn/model/parts.h"
#include "cairn/model/preparation.h"
#include "cairn/model/registry.h"

namespace cairn {

struct PipelineOptions {
  std::string missing =
      "auto";  // "auto" (median or own level, with indicator) | "mean" | "median" | "most_frequent"
  std::string scale =
      "auto";  // "auto" (standard where the learner wants it) | "standard" | "min_max" | "robust" | "none"
  int polynomial = 1;  // degree of polynomial features of the number columns; 1: none
  bool interactions_only = false;
  std::shared_ptr<const Preparation> by_hand;               // null: everything as the learner needs it
  std::optional<std::vector<ColumnKind>> kinds_after_hand;  // what its steps leave; found when it is not said
};

// Those of `more` that are not in `names` yet, at its end.
void add_names(std::vector<std::string>& names, const std::vector<std::string>& more);

class PipelineModel;

// Transforms in order, then the learner. Its model predicts from the raw table: schema, transforms, model.
class Pipeline : public Learner, public PartsLearner {
 public:
  // The first `by_hand` steps were written by a person: their errors name the step. `target` is learned in
  // place of the target of a regression; predictions are turned back.
  Pipeline(std::vector<std::unique_ptr<Transform>> transforms, std::unique_ptr<Learner> learner,
           std::size_t by_hand = 0, std::unique_ptr<Transform> target = nullptr);
  Pipeline(const Pipeline& other);
  std::string_view name() const override { return learner_->name(); }
  ParamsView params() const override { return learner_->params(); }  // the learner's: what --set reaches
  Predicts predicts() const override { return learner_->predicts(); }
  std::unique_ptr<Learner> clone() const override { return std::make_unique<Pipeline>(*this); }
  // A pipeline's model as context.start_model: its steps are applied as they are, and the learner goes on
  // from the model inside.
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  std::vector<std::string> looks_back_on(const Dataset& data) const override;
  std::string why_not_in_parts() const override;
  bool keeps_rows() const override;
  std::string why_not_these(const DatasetParts& rows) const override;
  // The transforms are fitted on the sample, the learner on all rows.
  std::unique_ptr<Model> fit_parts(DatasetParts& rows, const FitContext& context) const override;

  const Learner& learner() const { return *learner_; }
  const std::vector<std::unique_ptr<Transform>>& transforms() const { return transforms_; }
  const Transform* target_transform() const { return target_.get(); }  // null: the target as it is

 private:
  std::unique_ptr<Model> fit_further(const PipelineModel& start, const Dataset& data,
                                     const FitContext& context) const;
  struct Prepared;
  Prepared prepare_rows(const Dataset& data, const FitContext& context) const;
  std::vector<std::unique_ptr<Transform>> transforms_;
  std::unique_ptr<Learner> learner_;
  std::size_t by_hand_ = 0;
  std::unique_ptr<Transform> target_;
};

class PipelineModel : public Model {
  static constexpr double kNoThreshold = -1;

 public:
  PipelineModel() = default;  // blank, for visit()
  PipelineModel(Schema schema, std::vector<std::unique_ptr<FittedTransform>> transforms,
                std::unique_ptr<Model> model);
  // Another model behind the same steps.
  std::unique_ptr<PipelineModel> with_model(std::unique_ptr<Model> model) const;
  std::string_view kind() const override { return "pipeline"; }
  Table predict(const Table& table) const override;
  void visit(Visitor& v) override;
  Task task() const override { return model_->task(); }
  Predicts predicts() const override { return model_->predicts(); }
  const std::vector<std::string>& classes() const override { return model_->classes(); }
  std::vector<Coefficient> coefficients() const override { return model_->coefficients(); }
  std::vector<Importance> importances() const override { return model_->importances(); }
  std::vector<std::string> notes() const override { return model_->notes(); }
  std::vector<double> loss_history() const override { return model_->loss_history(); }
  std::vector<double> watched_history() const override { return model_->watched_history(); }
  std::int64_t kept_step() const override { return model_->kept_step(); }
  Json drawn_trees() const override;
  Json penalty_path() const override;
  Tensor filters() const override { return model_->filters(); }

  const Schema& schema() const { return schema_; }
  const Model& model() const { return *model_; }
  const std::vector<std::shared_ptr<FittedTransform>>& transforms() const { return transforms_; }
  std::int64_t num_columns() const { return static_cast<std::int64_t>(schema_.columns.size()); }
  Table transformed(const Table& raw) const;  // what the inner model sees
  // The table with the columns of the schema; a number that is looked back on may be absent.
  Table conformed(const Table& raw, std::vector<Warning>* warnings = nullptr) const;
  // Columns that are no features and that earlier rows, too, must bring: see Model.
  std::vector<std::string> looks_back_on() const override;
  bool looks_at_past_of(const std::string& column) const override;
  void set_looks_back_on(std::vector<std::string> columns) { looks_back_on_ = std::move(columns); }
  std::vector<Warning> remarks(const Table& raw) const override;
  // What was learned in place of the target; null: itself. Predictions are turned back; contributions, and
  // coefficients, speak of it.
  const FittedTransform* target_transform() const { return target_.get(); }
  void set_target_transform(std::unique_ptr<FittedTransform> target) { target_ = std::move(target); }
  std::vector<double> transformed_target(const std::vector<double>& values) const;
  Table turned_back(Table predicted) const;  // columns of numbers as the learner predicts them
  std::string described_steps() const;       // a line a step
  // Binary: decide for the positive class at this probability. Stored; negative: the most probable class.
  void set_threshold(double threshold, std::string positive);
  double threshold() const { return threshold_; }
  ExplainsFrom explains_from() const override { return model_->explains_from(); }
  // What `predict --interval` needs; stored. Empty unless training measured it; with cv_plus() the scores of
  // a regression are not needed.
  const ConformalScores& conformal() const { return conformal_; }
  void set_conformal(ConformalScores scores) { conformal_ = std::move(scores); }
  const CvPlus& cv_plus() const { return cv_plus_; }
  void set_cv_plus(CvPlus folds) { cv_plus_ = std::move(folds); }
  CvPlus take_cv_plus() { return std::exchange(cv_plus_, {}); }
  // `predicted`, what predict() says of the rows, with low and high, or with prediction_set; see conformal.h.
  Table with_coverage(const Table& rows, const Table& predicted, double coverage) const;
  void set_fold() { is_fold_ = true; }  // one of the models of a CvPlus, which holds none itself
  // Applied to every probability before the threshold; stored. Contributions speak of the score before it.
  const Calibration& calibration() const { return calibration_; }
  void set_calibration(Calibration calibration) { calibration_ = std::move(calibration); }
  // Mean contributions [k, c] over training rows; stored. Undefined: contributions count from the intercept.
  const Tensor& mean_contributions() const { return mean_contributions_; }
  void set_mean_contributions(Tensor means) { mean_contributions_ = std::move(means); }
  // The registry that can make blank parts, needed while loading only.
  void set_registry(const Registry* registry) { registry_ = registry; }

 private:
  void check_mean_contributions() const;
  void visit_target(Visitor& v);
  std::vector<std::string> looks_back_on_;
  std::shared_ptr<FittedTransform> target_;
  Schema schema_;
  std::vector<std::shared_ptr<FittedTransform>> transforms_;  // shared by models that go on from one another
  std::unique_ptr<Model> model_;
  double threshold_ = kNoThreshold;
  std::string positive_;
  Calibration calibration_;
  ConformalScores conformal_;
  CvPlus cv_plus_;
  bool is_fold_ = false;
  Tensor mean_contributions_;
  const Registry* registry_ = nullptr;
};

// The learner with exactly the transforms that its entry's Accepts leave to be done for this data: dates to
// parts, TF-IDF, impute, one-hot, polynomial, scale. Transforms come from the registry by name. A preparation
// by hand stands before them; what it has done is not done again, but for an impute or a scale after which
// steps leave gaps or numbers in other units: the same step then comes once more.
std::unique_ptr<Pipeline> prepare(std::unique_ptr<Learner> learner, const LearnerEntry& entry,
                                  const Dataset& data, const Registry& registry,
                                  const PipelineOptions& options = {});

}  // namespace cairn
