// Rounds that are left out while the next one is learned, so that the last trees do not only mend single rows
// (Rashmi and Gilad-Bachrach: DART, 2015).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cairn/ops/matrix.h"
#include "cairn/tree/tree.h"

namespace cairn::tree {

struct DropoutRules {
  double share = 0;       // of the rounds so far, each by chance
  double skip = 0;        // chance that a round leaves out none
  std::int64_t most = 0;  // rounds left out at once; 0: any number
};

// Ascending numbers of the rounds, out of `rounds`, that round `number` is learned without; at least one
// unless it skips.
std::vector<std::size_t> rounds_left_out(const DropoutRules& rules, std::size_t rounds, std::uint64_t number,
                                         std::uint64_t seed);

// raw[output * rows + row] += factor * the trees' leaves.
void add_trees(std::span<const Tree> trees, const Matrix& x, double factor, std::span<double> raw);
void multiply_leaves(Tree& tree, double factor);

}  // namespace cairn::tree
