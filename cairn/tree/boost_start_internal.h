// Boosting from a model that is there already: going on with its rounds, or learning its leaves anew.
#pragma once

#include <vector>

#include "cairn/tree/boost_train_internal.h"
#include "cairn/tree/tree_model.h"

namespace cairn::tree {

// The model inside `given`, null where none is given. UsageError says all that keeps it from being a start.
const TreeModel* start_of(const Model* given);
void check_start(const TreeModel& start, const Dataset& data, const Objective& objective, TreeOutput output,
                 const std::vector<double>& levels);

// Where the start rounds its inputs to f32 before it compares them, so do the trees that follow.
void round_as(const TreeModel& start, TreeData& data);

// The start's trees on other rows: questions stay, round after round each leaf's answer becomes
// decay * old + (1 - decay) * rate * best (as LightGBM's refit). A leaf that no row comes to keeps its own.
// `trees` are all of them; covers are those of the rows before. Throws FitError, Interrupted.
struct Refitted {
  Boosted boosted;
  std::int64_t leaves = 0, unmet = 0;  // leaves that no row came to
};
Refitted refit_leaves(const TreeData& data, const Objective& objective, const BoostRules& rules,
                      const TreeEnsemble& start, double decay, const FitContext& context);

}  // namespace cairn::tree
