// Weighted linear least squares with an optional L2 penalty, min sum_i s_i (y_i - w x_i - b)^2 + alpha |w|^2,
// solved from streamed sums: the rows are never copied and may come in parts. Columns are brought to unit
// length inside, so units do not matter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/model/numeric.h"

namespace cairn {

enum class LeastSquaresSolver : std::uint8_t {
  automatic,  // the cheapest that the condition of the columns allows
  cholesky,   // of the products of columns; error grows with the square of the condition
  qr,         // orthogonal reduction of the rows; error grows with the condition
  svd,        // the least norm among all solutions when columns are collinear
};

struct LeastSquaresProblem {
  const NumericRows& rows;                     // a cell that is not finite is a DataError
  std::string_view learner = "least squares";  // for the errors
  bool intercept = true;                       // never penalised
  double alpha = 0;                            // >= 0
  LeastSquaresSolver solver = LeastSquaresSolver::automatic;
  StopToken stop = {};
};

struct LeastSquaresSolution {
  std::vector<double> weights;  // [d]
  double intercept = 0;
  LeastSquaresSolver used = LeastSquaresSolver::automatic;
  double condition = 1;            // of the centred columns at unit length; infinite when they are collinear
  std::vector<std::string> notes;  // which solver and why; constant and collinear columns by name
};

// FitError when the problem exceeds the range of numbers; ResourceError when both rows and columns are too
// many to solve directly.
LeastSquaresSolution solve_least_squares(const LeastSquaresProblem& problem);

}  // namespace cairn
