// How many rounds are worth their trees: chosen on rows that were not learned from.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cairn/tree/boost_train_internal.h"

namespace cairn::tree {

constexpr int kMostRounds = 1000;  // where they are chosen
constexpr int kFixedRounds = 100;  // where they cannot be: too few rows, or a model to continue from

struct RoundChoice {
  int rounds = 0;
  std::string how;                           // "5-fold cross-validation"
  std::shared_ptr<const BinnedData> binned;  // the rows, where that was of use
};

// Few rows: cross-validation, all folds boosted side by side and their losses added. Many rows: one part set
// apart. Either ends when the loss has not fallen for a while. `rows` is what `data` comes to, row by row.
// Where a row's loss or features depend on other rows, parts are made by `rows_of` out of rows of the data,
// with the features of `like` where it is given. `binned`: the rows, where somebody has cut them already.
// Throws Interrupted.
RoundChoice choose_rounds(
    const Dataset& data, const TreeData& rows,
    const std::function<TreeData(const Dataset& some, const TreeFeatures* like)>& rows_of,
    const Objective& objective, const BoostRules& rules, const FitContext& context,
    std::shared_ptr<const BinnedData> binned = {});

// Whether the parts of so many rows leave some out on both sides, as folds along time do.
bool parts_leave_rows_out(const Roles& roles, std::int64_t rows);

}  // namespace cairn::tree
