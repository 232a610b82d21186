#include "cairn/linear/logistic_solve_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/solve/lbfgs.h"
#include "cairn/solve/newton.h"
#include "cairn/solve/proximal_newton.h"

namespace cairn {
namespace {

// Below this many parameters a Hessian costs less than the extra sweeps of L-BFGS.
constexpr std::int64_t kNewtonParameters = 400;
constexpr std::int64_t kMostNewtonParameters = 10'000;
// From so many rows on, the first guess comes from a sample of them.
constexpr std::int64_t kSampleFrom = std::int64_t{1} << 16;
constexpr std::int64_t kSampleStride = 16;

// Leaves a minimiser from inside its objective.
struct Separated {
  std::vector<double> theta;
};

const char* name_of(LogisticSolver solver) {
  return solver == LogisticSolver::newton  ? "newton"
         : solver == LogisticSolver::lbfgs ? "lbfgs"
                                           : "coordinate_descent";
}

std::string outcome(const Minimum& m, const StopRule& rule) {
  const double share = m.reference_norm > 0 ? m.gradient_norm / m.reference_norm : 0;
  if (m.converged())
    return fmt::format(
        "converged in {} iterations: the gradient is {:.1e} of its size at the start (tol {:g})",
        m.iterations, share, rule.tol);
  if (m.reason == StopReason::no_progress || m.reason == StopReason::time_limit)
    return fmt::format(
        "stopped after {} iterations where {}: the gradient is {:.1e} of its size at the start (tol {:g})",
        m.iterations, describe(m.reason), share, rule.tol);
  return fmt::format(
      "not converged: max_iter = {} is reached with the gradient at {:.1e} of its size at the start (tol "
      "{:g}); a larger max_iter goes on",
      rule.max_iter, share, rule.tol);
}

class Solve {
 public:
  Solve(LogisticObjective& objective, const LogisticLimits& limits)
      : objective_(objective), limits_(limits), start_(at(objective.num_parameters())) {
    rule_ = {.tol = limits.tol, .max_iter = limits.max_iter, .stop = limits.stop};
  }

  // A start elsewhere than at 0 is done when one from 0 would be. `near`: it is close to the minimum.
  void start_from(std::vector<double> theta, std::span<const double> l1, bool near) {
    std::vector<double> gradient(start_.size()), slope(start_.size());
    objective_.evaluate_at_zero(gradient);
    least_subgradient(start_, gradient, l1, slope);
    rule_.reference = minimise_detail::norm(slope);
    start_ = std::move(theta);
    started_ = true;
    near_minimum_ = near;
  }

  NewtonMinimum by_newton() {
    NewtonOptions options{.rule = rule_, .near_minimum = near_minimum_};
    std::vector<double> start = start_;
    if (!started_ && objective_.num_rows() >= kSampleFrom) start = sampled_start(options);
    return newton([&](auto theta, auto gradient, auto hessian) { return value(theta, gradient, hessian); },
                  std::move(start), options);
  }

  Minimum by_lbfgs(std::vector<double> start, std::span<const double> l1) {
    const auto f = [&](auto theta, auto gradient) { return value(theta, gradient, {}); };
    const LbfgsOptions options{.rule = rule_};
    if (std::ranges::all_of(l1, [](double l) { return l == 0; })) return lbfgs(f, std::move(start), options);
    return orthant_wise_lbfgs(f, l1, std::move(start), options);
  }

  ProximalMinimum by_coordinates(std::span<const double> l1) {
    return proximal_newton([&](auto theta, auto gradient) { return value(theta, gradient, {}); },
                           [&](auto theta, auto which, auto h) { objective_.hessian_of(theta, which, h); },
                           l1, start_, {.rule = rule_});
  }

  const StopRule& rule() const { return rule_; }
  const std::vector<double>& start() const { return start_; }

 private:
  double value(std::span<const double> theta, std::span<double> gradient, std::span<double> hessian) {
    const bool known = !known_.theta.empty() && !hessian.empty() && std::ranges::equal(theta, known_.theta);
    const double v = known ? known_.value : objective_.evaluate(theta, gradient, hessian);
    if (known) {
      std::ranges::copy(known_.gradient, gradient.begin());
      std::ranges::copy(known_.hessian, hessian.begin());
      known_ = {};
    }
    if (limits_.stop_when_separated && objective_.smallest_margin() > 0)
      throw Separated{{theta.begin(), theta.end()}};
    return v;
  }

  // The minimum over a sample of the rows, when it is better than nothing. The pass that shows it also forms
  // the Hessian that the first step wants.
  std::vector<double> sampled_start(NewtonOptions& options) {
    std::vector<double> gradient(start_.size());
    const double value_at_zero = objective_.evaluate_at_zero(gradient);
    options.rule.reference = minimise_detail::norm(gradient);
    try {
      const auto sampled =
          newton([&](auto theta, auto g, auto h) { return objective_.evaluate(theta, g, h, kSampleStride); },
                 start_, {.rule = {.tol = 1e-3, .max_iter = 8, .stop = limits_.stop}});
      std::vector<double> hessian(gradient.size() * gradient.size());
      const double value = objective_.evaluate(sampled.x, gradient, hessian);
      if (value < value_at_zero) {
        options.near_minimum = true;
        known_ = {sampled.x, std::move(gradient), std::move(hessian), value};
        return sampled.x;
      }
    } catch (const FitError&) {
      return start_;  // a sample without weight or without finite sums says nothing
    }
    return start_;
  }

  LogisticObjective& objective_;
  const LogisticLimits& limits_;
  std::vector<double> start_;
  bool started_ = false, near_minimum_ = false;
  StopRule rule_;
  struct Known {
    std::vector<double> theta, gradient, hessian;
    double value = 0;
  } known_;
};

}  // namespace

LogisticChoice choose_solver(const std::string& asked, const LogisticObjective& objective, bool has_l1) {
  const std::int64_t p = objective.num_parameters();
  if (asked == "newton") {
    if (has_l1)
      throw UsageError("logistic_regression", "solver newton cannot treat the kink of an L1 penalty",
                       "Use solver coordinate_descent, lbfgs or auto.");
    if (p > kMostNewtonParameters)
      throw UsageError("logistic_regression",
                       fmt::format("solver newton needs a {0} x {0} matrix of {1:.1f} GB for {0} parameters",
                                   p, static_cast<double>(p) * static_cast<double>(p) * 8e-9),
                       "Use solver lbfgs or auto.");
    return {LogisticSolver::newton, "as asked"};
  }
  if (asked == "lbfgs") return {LogisticSolver::lbfgs, "as asked"};
  if (asked == "coordinate_descent") return {LogisticSolver::coordinate_descent, "as asked"};
  if (has_l1) return {LogisticSolver::coordinate_descent, "because an L1 penalty keeps few coefficients"};
  if (p <= kNewtonParameters)
    return {LogisticSolver::newton, fmt::format("because {} parameters make a small Hessian", p)};
  return {LogisticSolver::lbfgs, fmt::format("because {} parameters are too many for a Hessian to pay", p)};
}

LogisticSolution solve_logistic(LogisticObjective& objective, const LogisticChoice& choice,
                                const LogisticLimits& limits) {
  Solve solve(objective, limits);
  const std::vector<double> l1 = objective.l1();
  if (!limits.start.empty()) {
    solve.start_from(limits.start, l1, false);
  } else if (objective.sample()) {
    // In parts every evaluation reads all rows again: the search begins where it ended on the sample.
    constexpr double kGuess = 1e-4;
    LogisticLimits once = limits;
    once.tol = std::max(limits.tol, kGuess);
    solve.start_from(solve_logistic(*objective.sample(), choice, once).theta, l1, true);
  }
  LogisticSolution solution;
  const auto keep = [&](Minimum&& m, const char* how) {
    solution.text = fmt::format("solver: {}, {}; {}", how, choice.reason, outcome(m, solve.rule()));
    solution.converged = m.converged();
    solution.theta = std::move(m.x);
    solution.history = std::move(m.history);
  };
  try {
    if (choice.solver == LogisticSolver::newton) {
      NewtonMinimum m = solve.by_newton();
      solution.newton_step = std::move(m.last_step);
      keep(std::move(m), "newton");
    } else if (choice.solver == LogisticSolver::lbfgs) {
      keep(solve.by_lbfgs(solve.start(), l1), "lbfgs");
    } else {
      ProximalMinimum m = solve.by_coordinates(l1);
      if (m.too_wide)
        keep(solve.by_lbfgs(std::move(m.x), l1), "lbfgs, after coordinate descent met too many coefficients");
      else
        keep(std::move(m), name_of(choice.solver));
    }
  } catch (Separated& s) {
    solution.theta = std::move(s.theta);
  }
  return solution;
}

}  // namespace cairn
