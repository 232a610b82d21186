// Moments of rows that are summed in parts.
#pragma once

#include <span>

#include "cairn/ops/linalg.h"

namespace cairn::linalg {

// Those of two sets of rows together, about their common mean (Chan, Golub, LeVeque: Algorithms for computing
// the sample variance; 1983), or plain products where the means of both are 0. scale [p] or empty: the unit
// of the products, not of the means.
void add_moments(Moments& into, const Moments& other, std::span<const double> scale = {});

}  // namespace cairn::linalg
