// Counts and row numbers are std::int64_t all over the house; containers of the standard library count in
// std::size_t.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

// `i` as an index into a container; it is never negative.
inline constexpr std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace cairn
