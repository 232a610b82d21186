// Sizes of layers as a person types them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn::train_detail {

// "128, 64". ParamError, naming the parameter: no list of at most 100 sizes from 1 to 1000000.
std::vector<std::int64_t> layer_sizes(const std::string& parameter, const std::string& text);

}  // namespace cairn::train_detail
