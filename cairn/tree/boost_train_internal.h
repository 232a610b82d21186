// The rounds of boosting.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cairn/model/learner.h"
#include "cairn/tree/boost_grow_internal.h"
#include "cairn/tree/dropout_internal.h"
#include "cairn/tree/objective/objective_internal.h"
#include "cairn/tree/row_sampling_internal.h"

namespace cairn::tree {

struct BoostRules {
  int trees = 100;  // rounds; several outputs grow a tree each
  double learning_rate = 0.1;
  GrowRules grow;
  int max_bins = kMostBins;
  Sampling sampling = Sampling::uniform;
  double row_share = 1;
  int patience = 0;
  DropoutRules dropout;
  ObjectiveParams objective_params;
};

struct Boosted {
  std::vector<Tree> trees;  // new ones only
  std::vector<double> base;
  std::vector<double> loss_history;  // mean training loss after each round, those after the best too
  std::vector<double> validation_history;
  int best_round = 0;  // 1 is the first; with patience the trees end here
};

// `start`: an ensemble to continue from, or null. Throws FitError, Interrupted.
Boosted boost(const TreeData& data, const TreeData* validation, const Objective& objective,
              const BoostRules& rules, const TreeEnsemble* start, const FitContext& context);

// Targets as the objective reads them. DataError where they do not fit.
Truth truth_of(const TreeData& data, const Objective& objective, const ObjectiveParams& params,
               std::vector<double>& y);

}  // namespace cairn::tree
