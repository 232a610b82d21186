// Everything a person can say to `cairn train`, declared once: the program's flags, config.json and the
// reference page are made from this list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/params.h"

namespace cairn {

// How a file becomes a table. Shared by every verb that reads one.
struct ReadFlags {
  std::string header, separator, quote, comment, decimal, thousands;
  std::int64_t skip = 0;
  std::vector<std::string> na, types;
  std::string max_memory;
  static const ParamList& list();
};

struct TrainOptions {
  std::string data, target, test, dev, task, positive, metric, class_weight = "none", threshold, human_error;
  std::string calibrate = "none", intervals = "auto", precision, prepare;
  std::string continue_from, refit_leaves;
  std::string split = "auto", group, time, event, weight, missing = "auto", scale = "auto", out, time_limit,
              isa;
  std::vector<std::string> learner, set, id, ignore, require;
  double holdout = 0.2;
  std::int64_t folds = 5, polynomial = 1, seed = 0;
  bool no_doctor = false, no_blend = false, refit_all = false, overwrite = false, tensorboard = false;
  ReadFlags read;
  static const ParamList& list();  // all but `read`
};

Json to_json(const TrainOptions& options);                 // config.json
TrainOptions train_options_from_json(const Json& config);  // UsageError names what is wrong
// `base` with everything that `said` says otherwise than the defaults: a config.json and the flags typed
// beside it. What
// --set says is added; other lists replace.
TrainOptions overlaid(TrainOptions base, const TrainOptions& said);

}  // namespace cairn
