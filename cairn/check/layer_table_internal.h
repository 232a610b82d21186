// Statistics of layers for a person and for programs.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/train/layer_probe.h"

namespace cairn {

std::string layer_table(const std::vector<LayerStatistics>& layers);
Json layers_json(const std::vector<LayerStatistics>& layers);

}  // namespace cairn
