// The rows that a tree of a forest has not seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/tree/ensemble.h"
#include "cairn/tree/tree_data_internal.h"

namespace cairn::tree {

// How often each of n rows was drawn for a tree, with replacement; 0 stands for a row that it has not seen.
std::vector<std::uint32_t> draw_rows(std::int64_t n, std::uint64_t seed, std::uint64_t tree);

// Accuracy, or r2, with its 95 % interval, of rows judged by the trees that have not seen them (Breiman:
// Out-of-bag estimation, 1996), in a sentence.
std::string out_of_bag_note(const TreeData& data, const TreeEnsemble& trees, std::uint64_t seed);

}  // namespace cairn::tree
