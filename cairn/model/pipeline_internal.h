// Private to model/: what the sources of Pipeline share.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cairn/model/pipeline.h"

namespace cairn {

// What stands before the learner, fitted, and the rows as it sees them.
struct Pipeline::Prepared {
  Dataset data;
  Schema schema;
  std::vector<std::string> past;
  std::vector<std::unique_ptr<FittedTransform>> fitted;
  std::unique_ptr<FittedTransform> target;

  std::unique_ptr<PipelineModel> with(std::unique_ptr<Model> model) && {
    auto whole = std::make_unique<PipelineModel>(std::move(schema), std::move(fitted), std::move(model));
    whole->set_looks_back_on(past);
    whole->set_target_transform(std::move(target));
    return whole;
  }
};

// The target's numbers as the learner sees them.
std::vector<double> target_as_learned(const FittedTransform& target, std::vector<double> values);

}  // namespace cairn
