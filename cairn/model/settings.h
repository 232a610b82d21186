// Parameters that a person or a search set, as they are typed.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cairn {

// "alpha" = "10", "ridge.alpha" = "10", "tf_idf.min_df" = "1".
using Settings = std::vector<std::pair<std::string, std::string>>;

}  // namespace cairn
