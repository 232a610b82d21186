// The main job: from data to a measured, explained, saved model in a run folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/model/pipeline.h"
#include "cairn/run/train_options.h"

namespace cairn {

struct RunContext {
  StopToken stop;
  Progress* progress = nullptr;
  bool resumed = false;  // a stopped run goes on in its folder: what it has logged stays
};

struct TrainOutcome {
  std::shared_ptr<const Json> result;  // as written to result.json (docs/reference/result.schema.json)
  std::unique_ptr<PipelineModel> model;
  std::vector<std::string> bars_not_met;  // of --require: the program exits with 6
};

// Reads, splits, chooses, fits, measures, diagnoses, and writes model.cairn, report.html, result.json,
// log.jsonl and config.json. The test rows are looked at once, after everything is chosen. Interrupted:
// config.json and log.jsonl stay.
TrainOutcome train(const TrainOptions& options, const Registry& registry, const RunContext& context);

}  // namespace cairn
