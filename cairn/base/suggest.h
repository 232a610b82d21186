// "Did you mean": the nearest known name to a misspelt one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

// The number of insertions, deletions, substitutions and swaps of neighbours (optimal string alignment)
// between two names, letter case ignored.
int edit_distance(std::string_view a, std::string_view b);

// The nearest of `known` to `name`, or "" when none is near enough to be worth proposing.
std::string nearest(std::string_view name, std::span<const std::string> known);

// "Did you mean 'x'?" or, when nothing is near, "Known: a, b, c." (at most 12 names); never empty unless
// `known` is.
std::string suggestion(std::string_view name, std::span<const std::string> known);

}  // namespace cairn
