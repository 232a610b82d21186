// A mean of losses that depend on each row's sum alone, plus a penalty on the squared weights, minimised by
// Newton's method, or by L-BFGS where a Hessian would cost more than it brings.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cairn/linear/glm_family_internal.h"
#include "cairn/linear/standard_design_internal.h"
#include "cairn/solve/minimum.h"

namespace cairn {

// "newton: converged in 5 iterations: the gradient is 1e-9 of its size at the start (tol 1e-8)".
std::string describe_minimum(const char* solver, const Minimum& minimum, const StopRule& rule);
// Whether a Hessian of so many parameters pays.
bool newton_pays(std::size_t parameters);

class RowLosses {
 public:
  using RowTerm = std::function<glm::Term(std::size_t row, double eta)>;
  // mean over rows of weight s: term(row, eta), plus alpha / 2 |w|^2 of the weights of the columns as given.
  RowLosses(const StandardDesign& design, std::span<const double> weights, double alpha, RowTerm term);

  struct Fit {
    std::vector<double> theta, history;
    std::string note;
  };
  Fit minimise(std::vector<double> start, const StopRule& rule) const;

 private:
  double evaluate(std::span<const double> theta, std::span<double> gradient, std::span<double> hessian) const;
  const StandardDesign& design_;
  std::span<const double> weights_;
  double alpha_, total_ = 0;
  RowTerm term_;
};

}  // namespace cairn
