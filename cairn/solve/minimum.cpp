#include "cairn/solve/minimum.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"

namespace cairn {

const char* describe(StopReason reason) {
  switch (reason) {
    case StopReason::gradient:
      return "the gradient is small enough";
    case StopReason::no_progress:
      return "rounding hides any further descent";
    case StopReason::time_limit:
      return "the time limit is reached";
    default:
      return "the iteration cap is reached";
  }
}

namespace minimise_detail {

double inner(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double norm(std::span<const double> v) { return std::sqrt(inner(v, v)); }

double limit(const StopRule& rule, double start_norm, double* reference) {
  *reference = rule.reference > 0 ? rule.reference : start_norm;
  return std::max(rule.absolute, rule.tol * *reference);
}

void check_start(const char* who, double value, std::span<const double> gradient) {
  if (!std::isfinite(value) || !std::ranges::all_of(gradient, [](double g) { return std::isfinite(g); }))
    throw FitError(
        who, fmt::format("the objective is {} at the starting point or its gradient is not finite", value));
}

}  // namespace minimise_detail
}  // namespace cairn
