// What a person sees of a network before it is trained, and of one inside a model.
#pragma once

#include <optional>
#include <string>

#include "cairn/base/json.h"
#include "cairn/nn/network.h"

namespace cairn {

// {"input", "output", "layers": [{"name", "kind", "output", "parameters", "multiply_adds"}], "parameters",
// "multiply_adds"}; multiply-adds are those of one sample.
Json network_to_json(const Network& net);

// The network that a file declares; none where it is no JSON object with "input" and "layers". DataError for
// one that is and cannot be built; FileError.
std::optional<Network> declared_in(const std::string& path);

// The one whose declaration stands among a model's values, as `inspect` gives them; none where there is none.
std::optional<Network> network_inside(const Json& values);

}  // namespace cairn
