// Newton's method for smooth convex functions of few variables: damped by step halving, with a Levenberg term
// where the Hessian is not positive definite, and with one Hessian serving several steps while it still
// contracts the gradient (Shamanskii 1967). With the Hessian of a generalised linear model this is
// iteratively re-weighted least squares.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "cairn/solve/minimum.h"

namespace cairn {

// The value at x [n]; writes the gradient [n] and, unless `hessian` is empty, both triangles of the Hessian
// [n, n].
using CurvedObjective =
    std::function<double(std::span<const double> x, std::span<double> gradient, std::span<double> hessian)>;

struct NewtonOptions {
  StopRule rule;
  double keep_hessian =
      0.1;  // a step that shrank the gradient to this part of itself keeps its Hessian for the next
  bool near_minimum = false;  // the start is close: the first steps are expected to share one Hessian
};

struct NewtonMinimum : Minimum {
  int hessians = 0;               // how many were formed
  double damping = 0;             // the largest Levenberg term used, relative to the Hessian's diagonal
  std::vector<double> last_step;  // the step that Newton would take next: small at a true minimum
};

// FitError when the objective is not finite at `start`.
NewtonMinimum newton(const CurvedObjective& objective, std::vector<double> start,
                     const NewtonOptions& options);

}  // namespace cairn
