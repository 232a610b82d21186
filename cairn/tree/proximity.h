// How alike a forest finds two rows: the share of its trees in which they fall into the same leaf (Breiman
// and Cutler: Random forests, 2003).
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/tree/ensemble.h"

namespace cairn {

// The nearest others of each row, the most alike first, of equals the first: [rows, k], where k is at most
// rows - 1. Rows that share no leaf with it are listed with proximity 0.
struct Proximities {
  std::int64_t rows = 0, k = 0;
  std::vector<std::int32_t> neighbors;
  std::vector<float> proximity;
};

// Of the rows of x [n, num_features] among themselves; NaN is missing. Holds four bytes for each row and tree
// and no n x n matrix; the time grows with the rows that share leaves.
Proximities proximities(const TreeEnsemble& trees, const Matrix& x, std::int64_t k,
                        const StopToken& stop = {});

}  // namespace cairn
