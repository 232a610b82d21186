// Trees of other programs as models of ours.
#pragma once

#include <memory>
#include <string>

#include "cairn/model/pipeline.h"

namespace cairn {

// A file of XGBoost, LightGBM or ONNX (cairn/tree/exchange/import.h) as a model: every feature a column of
// numbers under its name (without names: f0, f1, ...; a category by its code), classes by their labels or
// called 0, 1, ...
// ModelFileError and NotSupported as there, and where a row's prediction is several numbers.
std::unique_ptr<PipelineModel> import_model(const std::string& path);

}  // namespace cairn
