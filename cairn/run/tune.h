// `cairn tune`: a search for good settings of one learner, and then the main job with them.
#pragma once

#include "cairn/model/tuning.h"
#include "cairn/run/train.h"

namespace cairn {

// What tune takes beside train's options, declared once.
struct TuneFlags {
  std::string method = "random", budget = "auto";
  std::int64_t trials = 0;
  std::vector<std::string> space;
  bool all_trials = false;
  static const ParamList& list();
};

struct TuneRequest {
  TrainOptions train;  // `learner` names one; `dev`: the rows that judge trials, instead of cross-validation
  TuneFlags tune;
};

Json to_json(const TuneRequest& request);                // config.json: that of train with a "tune" beside it
TuneRequest tune_request_from_json(const Json& config);  // UsageError names what is wrong
TuneRequest overlaid(TuneRequest base, const TuneRequest& said);

// Trials stand in trials.jsonl of the run folder as soon as they are made; the folder is train's otherwise,
// and its config.json, once done, repeats the final fit by `cairn train --config`. Rows held out see neither
// trials nor the choice. Interrupted: the journal stays, and the same request into the same folder goes on
// from it.
TrainOutcome tune(const TuneRequest& request, const Registry& registry, const RunContext& context);

}  // namespace cairn
