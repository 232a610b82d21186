// Choosing among learners by cross-validation on the training rows: what `--learner auto` does. Every
// candidate sees the same folds, so comparisons are paired; the test rows are never touched.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/model/cross_validation.h"
#include "cairn/model/pipeline.h"
#include "cairn/model/settings.h"

namespace cairn {

struct SelectionOptions {
  const Metric* metric = nullptr;
  int folds = 5;
  std::uint64_t seed = 0;
  std::vector<std::string> learners;  // empty: every learner of the registry that serves the task
  Settings settings;
  PipelineOptions pipeline;
  bool blend = true;      // with no learner named: try a blend of the candidates
  bool in_parts = false;  // the last fit is on rows in parts: with no learner named, of those that can
  struct LeftOut {
    std::string learner, why;
  };
  std::vector<LeftOut> left_out = {};  // not tried where no learner is named
  // Seconds; 0: none. When it bites, `cut_short` says so. Several candidates: the rest is left out. One: each
  // fit gets an even share, in which it ends with what it has or not at all (ResourceError).
  double time_limit = 0;
  FoldMemory* memory = nullptr;  // of a run that may be stopped and taken up again
  std::string data_key;          // what the memory is of: data, build, options
};

struct Candidate {
  std::string learner;
  std::string settings;  // "C=10", or "" for the defaults
  const LearnerEntry* entry = nullptr;
  std::unique_ptr<Pipeline> pipeline;
  CrossValidation cross_validation;
  double mean = 0;  // of the metric over folds; NaN when it failed
  double standard_error = 0;
  double seconds = 0;
  std::string failure;  // why it could not be fitted, or ""
};

// What came of blending the candidates: their weighted mean, with weights fitted on out-of-fold predictions.
// It is shipped when its loss on rows that neither members nor weights had seen is lower: the 95 % interval
// of the paired difference excludes zero, the gain is 2 % of the loss or more, and the metric says the same.
struct BlendTrial {
  struct Member {
    std::string learner, settings;
    double weight = 0;
  };
  bool tried = false, shipped = false;
  std::vector<Member> members;
  std::string loss;                // "log_loss" or "mse"
  double single = 0, blended = 0;  // mean losses: of the best single candidate, and of the blend
  PairedDifference gain;           // single - blended over rows
  std::string why;                 // in a clause: why it was shipped, or was not
};

struct Selection {
  std::vector<Candidate> candidates;  // best first; those that failed last
  Candidate baseline;                 // the best learner of cost 0, always measured
  std::int64_t rows = 0;              // the rows the choice was made on
  int folds = 0;
  std::string note;  // "chosen on 50000 of 450000 rows", or ""
  bool cut_short = false;
  BlendTrial blend;
  double seconds_left = 0;  // of the time limit, for the final fit of a single candidate; 0: no limit
  // The best candidate that is no blend: what a probe may fit again with other settings.
  const Candidate& single() const { return candidates[blend.shipped ? 1 : 0]; }
};

// What is tried of a learner, settings to add to the options'. One alone where the learner is named or a
// parameter of it is set by hand.
std::vector<Settings> variants_of(const LearnerEntry& entry, const SelectionOptions& options);

// Throws what the fit threw when a learner was named and cannot be fitted; UsageError for settings that fit
// no candidate.
Selection select_learner(const Dataset& train, const Registry& registry, const SelectionOptions& options,
                         const FitContext& context = {});

// The rows a choice is made on, a sample where they are many, and in how many folds.
struct SelectionRows {
  Dataset data;
  int folds = 0;
  std::string note;  // "chosen on a sample of 50000 of 450000 training rows", or ""
};
SelectionRows selection_rows(const Dataset& train, const SelectionOptions& options);

// One learner with `options.settings` and then `settings`, cross-validated on these rows.
struct MeasureOptions {
  int folds = 5;
  std::int64_t train_rows = 0;  // of CrossValidationOptions
  bool must_work = true;        // false: what a fit throws becomes Candidate::failure
  double seconds = 0;           // for all folds and the fit after them; 0: no limit
};
Candidate measure_candidate(const LearnerEntry& entry, const Settings& settings, const Dataset& data,
                            const Registry& registry, const SelectionOptions& options,
                            const MeasureOptions& measure, const FitContext& context);

// Whether the mean of `a` is better; one that is NaN is the worst.
bool is_better(const Candidate& a, const Candidate& b, const Metric& metric);

// Settings a person typed must reach something: a scope is a learner of `entries` or a transform; without
// one, the name must belong to a parameter of one of them. UsageError.
void check_settings(const Settings& settings, const std::vector<const LearnerEntry*>& entries,
                    const Registry& registry);

// The learners that take part, the cheap ones first: those named, or those of `auto`. UsageError for one that
// does not serve the task.
std::vector<const LearnerEntry*> chosen_entries(const Registry& registry, const SelectionOptions& options,
                                                const Dataset& data);

// One learner with its settings applied, inside the pipeline that it needs for these data.
std::unique_ptr<Pipeline> configured(const LearnerEntry& entry, const Settings& settings, const Dataset& data,
                                     const Registry& registry, const PipelineOptions& options);

// A sample of at most `most` rows (stratified as split() does), or the data themselves.
Dataset sample_rows(const Dataset& data, std::int64_t most, std::uint64_t seed);

}  // namespace cairn
