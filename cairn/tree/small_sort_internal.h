// Sorting the few keys of a small node, many millions of times.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cairn::tree {

// Ascending. Keys are below 2^32 - 1. Runs of 64 find each key's place by comparing it with all others, as
// many at once as the machine's vectors hold; runs are merged. Meant for some hundreds of keys at most.
void sort_small(std::vector<std::uint32_t>& keys, std::vector<std::uint32_t>& memory);

}  // namespace cairn::tree
