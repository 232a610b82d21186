// Which rows learn and which rows judge. Identical rows (features and target; and nearly identical ones where
// the dataset has found them) never straddle a random split, unless Copies::apart is asked for. Without being
// asked they are dealt out singly, and `how` says so, only where keeping them together is impossible (fewer
// distinct rows than parts) or wrong (most of them also stand with another label: repeated observations of a
// few cases, not copies). Splits by group or time do not look for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/data/dataset.h"

namespace cairn {

enum class Copies : std::uint8_t {
  together,  // identical rows judge nothing that has learned from them
  apart,     // rows as they come: what is met later will hold as many repetitions
};

struct SplitOptions {
  double test = 0.2;  // share of rows, (0, 1)
  std::uint64_t seed = 0;
  bool stratify = true;  // classification: the same share of every class (regression: of every quantile bin)
  Copies copies = Copies::together;
};

struct Split {
  std::vector<std::int64_t> train, test;  // row numbers, ascending
  std::string how;  // "stratified by species, identical rows kept together (3 groups of 7 rows)"
};

// By group when the dataset has one (whole groups; rows without one are a group), else by time when it has
// that (the latest rows are the test; rows of one time stay together), else random, stratified. A class's
// last row stays for training. DataError when a part would be empty or a time is missing.
Split split(const Dataset& data, const SplitOptions& options);

// k parts of about equal size under the same rules; fold i tests on part i. A class with fewer rows than
// folds is missing from some test parts, as `how` says. Time: rows are cut into k + 1 stretches, and fold i
// trains on what lies before its own. `repeat` numbers another shuffling. DataError: fewer rows, groups or
// times than folds.
std::vector<Split> k_fold(const Dataset& data, int folds, std::uint64_t seed, int repeat = 0,
                          Copies copies = Copies::together);

// As many folds as asked for, or as rows, whole groups or changes of time allow: fewer than 2 where k_fold
// cannot be. A missing time is k_fold's to refuse.
int folds_possible(const Dataset& data, std::int64_t asked);

// Whether some rows are kept on one side because they are copies: there are such, in distinct rows enough for
// so many parts, and they are no repeated observations.
bool keeps_rows_together(const Dataset& data, std::int64_t parts);

// How many rows of `test` (features and target) also stand in `train`.
std::int64_t count_shared_rows(const Dataset& train, const Dataset& test);

}  // namespace cairn
