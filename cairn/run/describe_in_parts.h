// Describing data that are more than memory should hold.
#pragma once

#include <optional>
#include <string>

#include "cairn/base/json.h"
#include "cairn/run/read.h"

namespace cairn {

// `description` becomes that of describe_parts(), with "guesses" and "warnings". False where --max-memory is
// not said, holds the data, or they can only be read as a whole; `whole` is then what was read, where it is
// all there already. `target`: "" for none. ResourceError when there is no room for a sample of the rows
// either.
bool describe_in_parts(const std::string& data, const std::string& target, const ReadFlags& flags,
                       const Registry& registry, const StopToken& stop, Progress* progress, Json& description,
                       std::optional<ReadResult>& whole);

}  // namespace cairn
