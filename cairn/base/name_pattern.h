// Names by a pattern: `*` stands for any text, also for none.
#pragma once

#include <string_view>

namespace cairn {

// Whether the whole name is the pattern with some text for each `*`.
bool name_matches(std::string_view pattern, std::string_view name);

}  // namespace cairn
