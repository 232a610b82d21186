// The columns of a linear model, centred and scaled without being copied: what the solvers of this folder
// share. Theta belongs to (x - centre) * scale, [d + 1] numbers, the intercept last.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/ops/matrix.h"

namespace cairn {

class StandardDesign {
 public:
  // Rows of weight 0 count as absent where centre and scale are measured. Without an intercept the columns
  // are scaled by their root mean square and theta's last number stays 0.
  StandardDesign(const Matrix& x, std::span<const double> weights, bool intercept, StopToken stop);

  std::int64_t rows() const { return x_.rows(); }
  std::size_t size() const { return scale_.size() + 1; }
  bool has_intercept() const { return intercept_; }
  std::span<const double> scale() const { return scale_; }  // 0 for a column that does not vary
  std::span<const double> centre() const { return centre_; }

  // out [n]: theta's sum for every row.
  void sums(std::span<const double> theta, std::span<double> out) const;
  // out [d + 1]: Z^T r for the standardised columns Z and a column of ones.
  void transposed(std::span<const double> r, std::span<double> out) const;
  // out [d + 1, d + 1]: Z^T diag(h) Z, h >= 0. Parameters that are held at 0 get a 1 on the diagonal.
  void products(std::span<const double> h, std::span<double> out) const;

  struct Raw {
    std::vector<double> weights;  // of the columns as given
    double intercept = 0;
  };
  Raw raw(std::span<const double> theta) const;

 private:
  void measure(std::span<const double> weights);
  Matrix x_;
  bool intercept_;
  StopToken stop_;
  std::vector<double> centre_, scale_;
};

// A target brought near 1: (y - centre) / spread, the centre 0 unless `centred`.
struct TargetUnit {
  double centre = 0, spread = 1, weight = 0;  // and the rows' total weight
};
// FitError names the learner where the target's squares leave the range of numbers.
TargetUnit target_unit(std::span<const double> y, std::span<const double> weights, bool centred,
                       const char* learner);

}  // namespace cairn
