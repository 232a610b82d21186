// Every optimiser, by name: for networks declared at run time, the learners made of them, and the tests.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "cairn/base/json.h"
#include "cairn/optim/optimizer.h"

namespace cairn {

struct OptimizerEntry {
  const char* name;  // "adam"
  const char* doc;   // one sentence
  const ParamList& (*params)();
  Json (*defaults)();  // of params, an object
  // Absent parameters have their defaults. ParamError: an unknown name, a value outside its range.
  std::unique_ptr<Optimizer> (*make)(ModuleRef net, const Json& params, StepOptions options);
};

std::span<const OptimizerEntry> optimizers();
const OptimizerEntry& optimizer_named(std::string_view name);  // UsageError with the nearest name

}  // namespace cairn
