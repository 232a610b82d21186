// Linear programs with as many bounded variables as rows and few equations, by Mehrotra's predictor-corrector
// interior-point method as Portnoy and Koenker (The Gaussian hare and the Laplacian tortoise; 1997) use it
// for quantile regression:
//
//   min c . x   subject to  A x = b,  0 <= x <= 1
//
// A [p, n] is known by its products only, so columns may be sparse and are never copied.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cairn/base/stop.h"

namespace cairn {

struct BoxProgram {
  std::span<const double> costs;   // c [n]
  std::span<const double> start;   // [n] inside (0, 1), with A start = b
  std::int64_t num_equations = 0;  // p
  // out [n] = A^T y; out [p] = A v; out [p, p] = A diag(h) A^T.
  std::function<void(std::span<const double> y, std::span<double> out)> transposed;
  std::function<void(std::span<const double> v, std::span<double> out)> product;
  std::function<void(std::span<const double> h, std::span<double> out)> squares;
};

struct BoxProgramOptions {
  double tol = 1e-9;  // of the duality gap, in parts of the sum of |c|
  int max_iter = 100;
  StopToken stop = {};
};

struct BoxProgramSolution {
  std::vector<double> duals;  // y [p], the multipliers of the equations
  double gap = 0;             // in parts of the sum of |c|
  int iterations = 0;
  bool converged = false;
};

// Equations that depend on one another are solved with the multipliers of nearly least norm.
BoxProgramSolution solve_box_program(const BoxProgram& program, const BoxProgramOptions& options);

}  // namespace cairn
