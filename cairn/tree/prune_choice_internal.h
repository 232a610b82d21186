// How strongly a tree is pruned, chosen by rows that it has not seen.
#pragma once

#include <cstdint>

#include "cairn/data/dataset.h"
#include "cairn/tree/cart_internal.h"

namespace cairn::tree {

// What rows of the folds lose by trees of the other folds decides: errors of classes, squared errors of
// values. The strongest pruning whose mean loss is within one standard error of the least (Breiman and others
// 1984, section 3.4). `data` are the rows that `rows` were taken out of.
double chosen_ccp_alpha(const Dataset& data, const TreeData& rows, const RankedData& ranked,
                        const CartTarget& target, const CartRules& rules, int folds, std::uint64_t seed,
                        const StopToken& stop);

}  // namespace cairn::tree
