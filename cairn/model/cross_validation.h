// Cross-validation: every row judged by a model that has not seen it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/split.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/learner.h"

namespace cairn {

struct FoldResult {
  double value = 0;                // the metric on the held-out part; NaN when undefined there
  double train_value = 0;          // on the rows the fold's model saw; NaN unless asked for
  std::vector<std::int64_t> rows;  // held out
  Judged judged;
};
struct CrossValidation {
  std::vector<FoldResult> folds;
  bool cut_short = false;  // a time limit ended the fit of a fold early
  double mean() const;     // over folds where the metric is defined
  double standard_error()
      const;  // of the mean over folds, corrected for overlapping training parts (Nadeau and Bengio 2003)
  Judged pooled() const;  // every row once, in row order
};
// Keeps what a fold gave, so that a run that was stopped goes on where it was.
class FoldMemory {
 public:
  virtual ~FoldMemory() = default;
  // `of` names learner, preparation, data and parameters. False when this fold is not kept.
  virtual bool recall(const std::string& of, int fold, FoldResult& result) const = 0;
  virtual void keep(const std::string& of, int fold, const FoldResult& result) = 0;
};
// A time limit dealt out among fits: each may take an even share of what is left, and none more than all of
// it.
class TimeShare {
 public:
  explicit TimeShare(double seconds);                        // 0: no limit
  StopToken of_next(const StopToken& stop, int fits) const;  // for the next of so many fits
  double seconds_left() const;

 private:
  double seconds_;
  double start_;  // seconds of the steady clock
};

struct CrossValidationOptions {
  int folds = 5;
  int most_fits = 0;  // only the first so many of the folds are fitted and judged; 0: all
  // Each fit sees a sample of at most so many of its fold's training rows; 0: all. Judged on all the others.
  std::int64_t train_rows = 0;
  Copies copies = Copies::together;
  std::uint64_t seed = 0;
  bool train_values = false;
  FoldMemory* memory = nullptr;
  std::string memory_key;  // of the learner as it is, when there is a memory
  double seconds = 0;      // for all folds and the fits after them, each an even share; 0: no limit
  int fits_to_come = 0;    // after the folds
};
// What the fit of fold `number`, from 0, is given: its own seed, and "<learner> <what> <number + 1>" as name.
FitContext context_of_fold(const FitContext& context, const Learner& learner, std::string_view what,
                           std::uint64_t seed, std::int64_t number);

// The same seed gives the same folds for every learner: comparisons are paired.
CrossValidation cross_validate(const Learner& learner, const Dataset& data, const Metric& metric,
                               const CrossValidationOptions& options, const FitContext& context = {});

// The difference b - a of two paired cross-validations, with a corrected interval.
struct PairedDifference {
  double value = 0, low = 0, high = 0;
};
PairedDifference paired_difference(const CrossValidation& a, const CrossValidation& b, double confidence);

}  // namespace cairn
