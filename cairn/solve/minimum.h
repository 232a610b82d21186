// What the minimisers share: the function they are given, when they stop and what they return.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cairn/base/stop.h"

namespace cairn {

// The value at x [n]; writes the gradient [n]. A value that is not finite means "too far": line searches step
// back from it.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

// When a minimiser has done enough: the Euclidean norm of the gradient (for a penalty with kinks, of the
// smallest subgradient) is at most max(absolute, tol * reference).
struct StopRule {
  double tol = 1e-6;
  double absolute = 0;
  double reference = 0;  // 0: the norm at the starting point
  int max_iter = 100;
  StopToken stop = {};  // Interrupted between iterations; a time limit ends them
};

enum class StopReason : std::uint8_t {
  gradient,     // the rule is met
  no_progress,  // rounding hides any further descent
  max_iter,
  time_limit,
};
const char* describe(StopReason reason);  // "the gradient is small enough"

struct Minimum {
  std::vector<double> x;
  double value = 0;
  double gradient_norm = 0, reference_norm = 0;
  int iterations = 0, evaluations = 0;
  StopReason reason = StopReason::max_iter;
  std::vector<double> history;  // value at the start and after each iteration
  bool converged() const { return reason == StopReason::gradient; }
};

namespace minimise_detail {
double norm(std::span<const double> v);
double inner(std::span<const double> a, std::span<const double> b);
double limit(const StopRule& rule, double start_norm, double* reference);
// Throws FitError when the starting point's value or gradient is not finite.
void check_start(const char* who, double value, std::span<const double> gradient);
}  // namespace minimise_detail

}  // namespace cairn
