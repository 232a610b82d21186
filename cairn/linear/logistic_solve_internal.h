// Minimising the logistic objective: which minimiser, why, and what came of it.
#pragma once

#include <string>
#include <vector>

#include "cairn/linear/logistic_objective_internal.h"

namespace cairn {

enum class LogisticSolver : std::uint8_t { newton, lbfgs, coordinate_descent };

struct LogisticChoice {
  LogisticSolver solver;
  std::string reason;  // "because ..."
};
// `asked` is "auto" or a solver's name. UsageError for newton with an L1 penalty, and for a Hessian beyond
// memory.
LogisticChoice choose_solver(const std::string& asked, const LogisticObjective& objective, bool has_l1);

struct LogisticSolution {
  std::vector<double> theta;
  std::vector<double> history;
  std::vector<double>
      newton_step;  // at theta, when the solver has a Hessian: far from small where there is no minimum
  bool converged = false;
  std::string text;  // for a person: solver, reason, iterations, how it ended
};
// Perfectly separated rows end the search early when there is no penalty: see
// LogisticObjective::smallest_margin.
struct LogisticLimits {
  int max_iter;
  double tol;
  bool stop_when_separated;
  StopToken stop;
  std::vector<double> start = {};  // theta; empty: 0, or the minimum over a sample of many rows
};
LogisticSolution solve_logistic(LogisticObjective& objective, const LogisticChoice& choice,
                                const LogisticLimits& limits);

}  // namespace cairn
