// A model that training goes on from (--continue-from), or whose leaves are learned anew (--refit-leaves).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cairn/model/pipeline.h"
#include "cairn/run/train_options.h"

namespace cairn {

struct PreparedData;

struct StartModel {
  std::unique_ptr<PipelineModel> model;
  std::string flag;                     // that names it
  std::string sha256;                   // of the model
  bool refit = false;                   // its leaves are learned anew
  std::int64_t steps = 0, further = 0;  // rounds or iterations: behind it, and to come
  std::string counts_steps;             // the learner's parameter that says how many
  // It has learned from the rows of this run, so what it says of a part of them is no measure: folds are
  // fitted from the beginning, as many steps as the whole comes to.
  bool saw_rows = false;

  std::int64_t steps_in_folds() const { return saw_rows ? steps + further : further; }
  // What a fit of the shipped model, or of a fold, is told.
  void add_to(FitContext& context) const;
};

// Null where neither flag is given. What the model settles is written into `options`: learner and parameters
// (those said beside them stay), target, task, roles that it needs, preparation. UsageError: a learner that
// cannot, flags that contradict the model or would do nothing.
std::shared_ptr<StartModel> open_start(TrainOptions& options, const Registry& registry);

// Finds out whether the model has learned from the rows of `data`, and warns of what that means. UsageError:
// then nothing would be new, or rows that it knows would judge it.
void meet_rows(StartModel& start, PreparedData& data, const TrainOptions& options);

// UsageError where folds, fitted from the beginning, would be prepared by other steps than the model was.
void check_same_steps(const StartModel& start, const Pipeline& from_the_beginning);

std::string what_it_learned_from(const StartModel& start);

}  // namespace cairn
