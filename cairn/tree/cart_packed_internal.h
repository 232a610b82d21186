// Grows one tree as forests do: the same tree as cart.cpp grows, but that large nodes are cut between bins,
// in a fraction of its time.
#pragma once

#include <optional>

#include "cairn/tree/cart_internal.h"

namespace cairn::tree {

// No tree where the work is another: criteria other than gini and squared, demands on the shape that need
// impurities, several threads for one tree.
std::optional<Tree> grow_packed(const RankedData& data, const CartTarget& target, const CartSample& sample,
                                const CartRules& rules, std::uint64_t seed, const StopToken& stop);

}  // namespace cairn::tree
