// The stages of a training run and what they hand on.
#pragma once

#include <chrono>
#include <optional>

#include "cairn/data/split.h"
#include "cairn/data/split_plan.h"
#include "cairn/doctor/diagnosis.h"
#include "cairn/run/folder.h"
#include "cairn/run/require.h"
#include "cairn/run/start_model_internal.h"
#include "cairn/run/train.h"
#include "cairn/run/training_parts.h"

namespace cairn {

// Where the seconds go, by phase.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return seconds;
  }
  double total() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), last_ = start_;
};

struct PreparedData {
  std::string name, target, sha256, test_sha256, dev_sha256;
  bool pictures = false;  // among the features
  std::int64_t rows = 0, columns = 0, test_rows_given = 0, test_columns = 0;
  std::optional<Dataset> train, test;                // test: absent with --holdout 0
  std::optional<Dataset> dev;                        // with --dev only
  std::optional<Dataset> all;                        // kept for --refit-all only
  std::string how, trained_on, trained_rows_sha256;  // as ModelCard
  std::optional<std::int64_t> shared_rows;
  Json guesses;  // array
  std::vector<Warning> warnings;
  SplitPlan plan;                           // its copies went into the datasets
  std::shared_ptr<const StartModel> start;  // null: training begins from nothing
  // All training rows where they are beyond memory; `train` are then those of their sample.
  std::shared_ptr<TrainingParts> parts;
  std::int64_t num_train_rows() const { return parts ? parts->num_rows() : train->num_rows(); }
};
// `start`: whose classes these data have, or null.
PreparedData prepare_data(const TrainOptions& options, const Registry& registry, const RunContext& context,
                          const StartModel* start = nullptr);

struct FittedRun {
  const Metric* metric = nullptr;
  SelectionOptions selection_options;
  Selection selection;
  std::unique_ptr<PipelineModel> model;
  std::unique_ptr<Model> baseline;
  double threshold = -1;
  std::string threshold_reason;
  bool cut_short = false;     // a time limit changed what came out
  std::string intervals_why;  // of the kind of intervals that the model gives
  Judged on_train, on_dev, on_test, baseline_on_test;
  std::vector<CalibrationTrial> calibration_trials;  // empty unless --calibrate asks
  Judged uncalibrated;                               // the rows of on_test, before
};
// What --prepare says, its text or that of the file it names, as config.json holds it: checked, without
// blanks; "" stays. FileError; UsageError for what is no preparation.
std::string prepare_text(const std::string& said, const Registry& registry);

// What decides how learners are compared in this run: options, settings, metric, and what measured folds are
// of. UsageError for what cannot be.
SelectionOptions prepare_selection(const TrainOptions& options, const PreparedData& data,
                                   const Registry& registry);

// A step between reading and fitting that settles what was left open: the search of `tune`.
class SettleStep {
 public:
  virtual ~SettleStep() = default;
  virtual const char* verb() const = 0;  // which takes a stopped run up again
  virtual Json config() const = 0;       // what config.json holds beside train's options, under verb()
  // The options to train with. `folder` is the run's.
  virtual TrainOptions settle(const PreparedData& data, const std::string& folder, FoldMemory* memory) = 0;
  virtual void add_to(Json& result) const = 0;  // after everything is measured
};
// train(), with a step to settle `options` first; null: none.
TrainOutcome train_settled(const TrainOptions& options, const Registry& registry, const RunContext& context,
                           SettleStep* step);

// The chosen candidate's pipeline as the shipped model is fitted: of a start model, with the steps to come.
std::unique_ptr<Learner> final_pipeline(const FittedRun& run, const PreparedData& data);

// Chooses and fits on the training rows alone; the test rows are judged at the end.
FittedRun fit_run(const TrainOptions& options, const PreparedData& data, const Registry& registry,
                  const RunContext& context, RunFolder& folder, FoldMemory* memory, Json& seconds,
                  Stopwatch& watch);

// Gives the model what `predict --interval` needs: the scores of out-of-fold predictions, or, as --intervals
// asks or where rows are few, a model a fold.
void choose_intervals(const TrainOptions& options, const PreparedData& data, const Judged& out_of_fold,
                      const FitContext& context, FittedRun& run);
// What they are and how they kept their promise on the test rows; null where there are none.
Json intervals_to_json(const FittedRun& run, const std::optional<Dataset>& test);

// result.json without seconds, memory and paths.
Json describe_run(const TrainOptions& options, const PreparedData& data, const FittedRun& fitted,
                  const Diagnosis& diagnosis, const RunContext& context);

// Into result["split"]: what the same learner's cross-validation says when copies, times or groups are torn
// apart and when they are not, and whether the test rows can be told from the training rows.
void add_split_checks(Json& result, const TrainOptions& options, const PreparedData& data,
                      const FittedRun& run, const Registry& registry, const FitContext& context);

}  // namespace cairn
