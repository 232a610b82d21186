// The rows that a tree of a forest has not seen.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/model/out_of_bag_model.h"
#include "cairn/tree/ensemble.h"
#include "cairn/tree/tree_data_internal.h"

namespace cairn::tree {

// How often each of n rows was drawn for a tree, with replacement; 0 stands for a row that it has not seen.
std::vector<std::uint32_t> draw_rows(std::int64_t n, std::uint64_t seed, std::uint64_t tree);

// Accuracy and Brier score, r2 and rmse, or of a quantile the pinball loss, with 95 % intervals, of rows
// judged by the trees that have not seen them (Breiman: Out-of-bag estimation, 1996): of at most 20,000 rows,
// at even distances; intervals are over whole groups where there are any. Empty where no row is judged.
// `levels`: of the quantile that the trees answer, or none. `given`: the rows' weights as they came, before
// classes were balanced, or none.
std::vector<OwnEstimate> out_of_bag(const TreeData& data, const TreeEnsemble& trees,
                                    std::span<const double> levels, std::span<const double> given,
                                    std::uint64_t seed);
// The first of them in a sentence.
std::string out_of_bag_note(const std::vector<OwnEstimate>& estimates);

}  // namespace cairn::tree
