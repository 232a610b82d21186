// The dual of a kernel machine by sequential minimal optimisation: the pair of variables that promises the
// largest gain by second-order information (Fan, Chen, Lin: Working set selection using second order
// information for training support vector machines; 2005), with shrinking (Joachims 1999) and a cache of
// kernel rows:
//
//   min 1/2 sum_ij a_i a_j y_i y_j K_ij - sum_i a_i   subject to  sum_i y_i a_i = 0,  0 <= a_i <= C_i
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cairn/base/stop.h"

namespace cairn {

struct SmoProblem {
  std::span<const double> sides;                                         // y [n], -1 or 1
  std::span<const double> costs;                                         // C [n], >= 0
  std::span<const double> diagonal;                                      // K_ii [n]
  std::function<void(std::size_t i, std::span<double> row)> kernel_row;  // K_i. [n]
};

struct SmoOptions {
  double tol = 1e-3;  // of the largest violation of the optimality conditions
  std::int64_t max_iter = 10'000'000;
  std::size_t cache_bytes = std::size_t{200} << 20;
  StopToken stop = {};
};

struct SmoSolution {
  std::vector<double> alpha;
  double offset = 0;  // decision: sum_i a_i y_i K(i, x) + offset
  std::int64_t iterations = 0;
  bool converged = false;
};

SmoSolution minimise_pairs(const SmoProblem& problem, const SmoOptions& options);

}  // namespace cairn
