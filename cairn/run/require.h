// Bars that a run must reach: --require "accuracy>=0.9".
#pragma once

#include <string>
#include <vector>

#include "cairn/model/evaluate.h"

namespace cairn {

struct Requirement {
  std::string expression, metric, op;
  double bound = 0;
};
// UsageError: not of the form metric>=number (also >, <=, <), or no such metric for the task.
Requirement parse_requirement(const std::string& expression, Task task);
// The same with any word for the metric; `hint` is said where it is no bar.
Requirement parse_bar(const std::string& expression, const std::string& hint);
bool is_met(const Requirement& requirement, double value);

}  // namespace cairn
