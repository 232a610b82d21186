// The curvature that L-BFGS remembers: the last steps and the changes of the gradient along them.
#pragma once

#include <span>
#include <vector>

namespace cairn::lbfgs_detail {

class Pairs {
 public:
  explicit Pairs(int memory) : memory_(memory) {}
  void add(std::vector<double> s, std::vector<double> y);
  std::vector<double> times_inverse_hessian(
      std::span<const double> gradient) const;  // the two-loop recursion
  bool empty() const { return pairs_.empty(); }
  void clear() { pairs_.clear(); }

 private:
  struct Pair {
    std::vector<double> s, y;
    double rho;
  };
  int memory_;
  std::vector<Pair> pairs_;
};

}  // namespace cairn::lbfgs_detail
