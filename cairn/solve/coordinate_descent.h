// Cyclic coordinate descent for the elastic net (Friedman, Hastie, Tibshirani: Regularization paths for
// generalized linear models via coordinate descent; 2010), stopped by the duality gap:
//
//   min_w  1/2 sum_i s_i (y_i - z_i . w)^2 + sum_j l1_j |w_j| + 1/2 sum_j l2_j w_j^2
//
// A path of penalties is walked by starting each from the weights of the one before.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/ops/matrix.h"

namespace cairn {

struct CoordinateDescentOptions {
  double tolerance = 1e-6;  // stop when the duality gap is below tolerance times sum s y^2
  std::int64_t max_passes = 10'000;
  StopToken stop = {};
};

struct CoordinateDescentResult {
  std::int64_t passes = 0;  // over the columns that are not zero, or over all of them
  double gap = 0;           // duality gap at the end, divided by sum s y^2
  bool converged = false;
};

// A squared loss that coordinate descent can walk on: curvature and gradient by coordinate, and how they
// change.
class SquaredLoss {
 public:
  virtual ~SquaredLoss() = default;
  virtual std::int64_t size() const = 0;                 // coordinates
  virtual double curvature(std::int64_t j) const = 0;    // sum_i s_i z_ij^2
  virtual double correlation(std::int64_t j) = 0;        // sum_i s_i z_ij r_i at the present residual r
  virtual void move(std::int64_t j, double change) = 0;  // w_j += change
  virtual double residual_square() = 0;                  // sum_i s_i r_i^2
  virtual double residual_target() = 0;                  // sum_i s_i r_i y_i
  virtual double target_square() const = 0;              // sum_i s_i y_i^2
};

// On sums of products: a step costs the number of columns, whatever the number of rows. For few columns.
class ProductLoss final : public SquaredLoss {
 public:
  // products [d, d], cross [d], of centred columns and target.
  ProductLoss(std::span<const double> products, std::span<const double> cross, double target_square);
  std::int64_t size() const override { return static_cast<std::int64_t>(cross_.size()); }
  double curvature(std::int64_t j) const override;
  double correlation(std::int64_t j) override { return gradient_[static_cast<std::size_t>(j)]; }
  void move(std::int64_t j, double change) override;
  double residual_square() override;
  double residual_target() override;
  double target_square() const override { return target_square_; }

 private:
  std::span<const double> products_, cross_;
  std::vector<double> gradient_, w_;
  double target_square_;
};

// On residuals: a step costs the stored values of its column, so sparse columns are cheap. The columns of `x`
// are laid one after the other first. Columns and target are centred by `mean` [d + 1] (zeros: not), sparse
// ones without filling them in.
class ResidualLoss final : public SquaredLoss {
 public:
  ResidualLoss(const Matrix& x, std::span<const double> y, std::span<const double> weights,
               std::span<const double> mean);
  std::int64_t size() const override { return static_cast<std::int64_t>(curvature_.size()); }
  double curvature(std::int64_t j) const override { return curvature_[static_cast<std::size_t>(j)]; }
  double correlation(std::int64_t j) override;
  void move(std::int64_t j, double change) override;
  double residual_square() override;
  double residual_target() override;
  double target_square() const override { return target_square_; }

 private:
  double weight(std::size_t i) const { return weights_.empty() ? 1.0 : weights_[i]; }
  bool sparse_ = false;
  std::vector<std::int64_t> starts_;  // sparse: [d + 1]
  std::vector<std::int32_t> rows_;
  std::vector<double> values_;  // sparse: stored values; dense: centred columns [d, n]
  std::vector<double> weights_, mean_, target_, residual_, curvature_;
  double total_weight_ = 0, target_square_ = 0;
  double offset_ = 0;  // sparse: every residual is residual_[i] + offset_
};

// Walks from `w` [d] (zeros, or the weights of a neighbouring penalty), which is changed to the solution. l1,
// l2 [d], >= 0. A column without curvature keeps weight 0.
CoordinateDescentResult coordinate_descent(SquaredLoss& loss, std::span<const double> l1,
                                           std::span<const double> l2, std::span<double> w,
                                           const CoordinateDescentOptions& options);

}  // namespace cairn
