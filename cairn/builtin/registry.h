// Everything this build has, listed by name in one place.
#pragma once

#include <memory>
#include <string>

#include "cairn/model/archive.h"
#include "cairn/model/pipeline.h"
#include "cairn/model/registry.h"

namespace cairn {

const Registry& builtin_registry();

// Loads a model file that holds anything this build knows.
inline std::unique_ptr<Model> load(const std::string& path) { return load(path, builtin_registry()); }

// The learner with the transforms that this data needs before it: prepare(Ridge({.alpha = 10}),
// train)->fit(train).
inline std::unique_ptr<Pipeline> prepare(const Learner& learner, const Dataset& data,
                                         const PipelineOptions& options = {}) {
  const Registry& registry = builtin_registry();
  return prepare(learner.clone(), registry.learner(learner.name()), data, registry, options);
}

}  // namespace cairn
