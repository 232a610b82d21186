// Amounts as a person types them.
#pragma once

#include <cstdint>
#include <string>

namespace cairn {

std::uint64_t parse_bytes(const char* flag, const std::string& text);  // "500M", "8G"; "" is 0. UsageError
double parse_seconds(const char* flag,
                     const std::string& text);  // "90", "90s", "5m", "1.5h"; "none" is 0. UsageError

}  // namespace cairn
