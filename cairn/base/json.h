// The name under which the library knows JSON, without its 2-second header; sources include
// <nlohmann/json.hpp>.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace cairn {
using Json = nlohmann::ordered_json;  // keeps the order in which fields were written: same data, same bytes
}
