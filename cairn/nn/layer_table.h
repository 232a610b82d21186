// Every layer that a network declared at run time may have, by name. The contract tests and the documentation
// read this list.
#pragma once

#include <span>
#include <string_view>

#include "cairn/base/json.h"
#include "cairn/nn/layer.h"

namespace cairn {

struct LayerEntry {
  const char* name;  // "linear"
  const char* doc;   // one sentence
  const ParamList& (*params)();
  Json (*defaults)();  // of params, an object
  bool joins;          // takes two tensors or more
  // Sizes that `params` leaves out are told from the shapes of the samples that come in. ParamError,
  // ShapeError.
  Layer (*make)(const Json& params, std::span<const Shape> samples);
  // For the contract tests: parameters (JSON) and the shape of one sample.
  const char* example_params;
  Shape example_sample;
};

std::span<const LayerEntry> layer_table();
const LayerEntry& layer_named(std::string_view name);  // UsageError with the nearest name

}  // namespace cairn
