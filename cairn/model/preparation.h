// A preparation that a person wrote: the steps before a learner, in their order.
//
//   {"target": "log",
//    "steps": [{"step": "lags", "lags": "1-12"}, {"step": "log", "columns": ["Passengers lag *"]}]}
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/transform.h"
#include "cairn/model/registry.h"

namespace cairn {

struct Preparation {
  std::vector<std::shared_ptr<const Transform>> steps;
  std::shared_ptr<const Transform> target;  // of a regression: what is learned instead of it; null: itself
  bool rest = true;                         // what the learner lacks after the steps is added
  std::string json;                         // what was written, without blanks

  // The kinds of columns that the steps leave, found by fitting them on `data`. Errors name the step.
  std::vector<ColumnKind> kinds_after(const Dataset& data, std::uint64_t seed) const;
};

// From JSON: a list of steps, or an object with "steps" and, each optional, "target" (log, log1p, box_cox,
// yeo_johnson or a scale, or a step with parameters) and "rest" ("auto", the default, or "none"). A step is
// an object: "step" names a transform, everything else is a parameter of it. `where` is the place for errors.
// UsageError: what is no JSON, with line and column; an unknown entry, step or parameter, with the nearest; a
// value of the wrong kind or outside its range, with the number of the step.
Preparation read_preparation(std::string_view text, const std::string& where, const Registry& registry);

// "step 2 (log)": the place that errors of a step name, counted from 1.
std::string place_of_step(std::size_t number, std::string_view name);

}  // namespace cairn
