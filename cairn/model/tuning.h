// Looking for good settings of one learner: grid, random draws or successive halving, every trial judged on
// the same folds or the same rows, until the next trials may be expected to bring less than the noise.
//
// Random draws rather than grids: Bergstra, Bengio: Random search for hyper-parameter optimization; 2012.
// Successive halving: Jamieson, Talwalkar: Non-stochastic best arm identification and hyperparameter
// optimization; 2016.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/model/search_space.h"
#include "cairn/model/selection.h"
#include "cairn/model/trial.h"

namespace cairn {

enum class TuneMethod : std::uint8_t { grid, random, halving };

struct TuneOptions {
  TuneMethod method = TuneMethod::random;
  std::int64_t trials = 0;  // 0: 30 draws, 27 of halving, 5 points a range of a grid
  SearchSpace space;
  std::string budget = "auto";  // halving: "rows", "steps" of the learner, or auto: steps where it has them
  bool all_trials = false;      // go on though the next trials may be expected to bring less than the noise
  double time_limit = 0;        // seconds; 0: none. When it bites, `cut_short` says so
};

// More trials are worth it when what they may be expected to bring is more than the score moves by itself.
struct TuneOutlook {
  std::int64_t after = 0;  // so many draws
  double gain = 0;   // how much better, as an error, the best of n draws is than the best of n / 2: an upper
                     // estimate of what n more will bring, because gains fall from doubling to doubling
  double noise = 0;  // standard deviation of one setting's score over other seeds of folds and fits
  std::int64_t seeds = 0;  // that the noise was measured on; 0: it was not
};

struct Tuning {
  std::vector<Trial> trials;  // in the order in which they were made
  std::size_t best = 0;       // index of the best at the full budget
  std::int64_t asked = 0;     // draws
  std::int64_t rows = 0;      // that the trials were made on
  std::string judged_by;      // "5-fold cross-validation", "120 dev rows"
  std::string budget;         // halving: "rows" or the parameter that counts steps
  std::string stopped;        // in words and numbers: why it ended
  TuneOutlook outlook;
  bool cut_short = false;  // by the time limit
  // The best trial against the settings as they were, on the same parts: the gain as an error falls, with
  // its corrected 95 % interval.
  PairedDifference gain;
  // Its score when the choice is made without the part that judges, and by how much its own score, as an
  // error, is better than that (Tibshirani, Tibshirani: A bias correction for the minimum error rate in
  // cross-validation; 2009). NaN with one part.
  double corrected = 0, optimism = 0;
};

// UsageError: a grid too large, a budget that the learner or the rows do not have. FitError: no trial could
// be fitted. `dev` absent: judged by cross-validation on `train`.
Tuning tune(const Dataset& train, const Dataset* dev, const LearnerEntry& entry, const Registry& registry,
            const SelectionOptions& selection, const TuneOptions& options, TrialJournal* journal,
            const FitContext& context);

// E[best of k] for k of these values drawn without replacement, larger is better.
double expected_best(std::vector<double> values, std::int64_t k);

// [trial][part] scores, larger is better: the mean over parts of the score of the trial that is best on the
// other parts.
double score_without_peeking(const std::vector<std::vector<double>>& parts);

}  // namespace cairn
