// The objective of logistic and softmax regression with its gradient and Hessian, summed over tiles of rows.
// Everything a minimiser sees is in standardised coordinates: theta belongs to (x - centre) * scale, [columns
// + 1] numbers a logit, the intercept last. The penalty is the one on the coefficients of the columns as
// given; intercepts bear none.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/linear/logistic_design_internal.h"

namespace cairn {

// What is to be separated. With two classes there is one logit and truth is 0 or 1; else a logit a class.
struct LogisticTruth {
  std::int64_t num_logits = 1;
  std::vector<std::int32_t> truth;  // [n]
  std::vector<double> weights;      // [n]; empty: every row counts once

  // What one logit of 0 leaves of the rows from `begin` on, s (1/2 - y). For two classes.
  void residuals_at_zero(std::int64_t begin, std::span<double> residuals) const;
};

// l2 / 2 * sum w^2 + l1 * sum |w|, beside the sum of the rows' losses.
struct LogisticPenalty {
  double l2 = 0, l1 = 0;
};

class LogisticObjective {
 public:
  // The truth's total weight is above 0.
  LogisticObjective(LogisticDesign design, LogisticTruth truth, LogisticPenalty penalty, StopToken stop);
  // Of rows in parts, which outlive it: every sum is a pass over them. `sample` are some of them, in memory.
  struct Parts {
    const NumericRows* rows = nullptr;
    std::function<LogisticTruth(const NumericData& part)> truth_of;
    double total_weight = 0;
  };
  LogisticObjective(LogisticDesign design, Parts parts, const NumericData& sample, LogisticPenalty penalty,
                    StopToken stop);

  // The objective of the sample in the coordinates of the whole; null: all rows are in memory.
  LogisticObjective* sample() { return sample_.get(); }
  std::int64_t num_rows() const { return parts_.rows ? parts_.rows->num_rows() : design_.x().rows(); }
  const LogisticDesign& design() const { return design_; }
  const LogisticTruth& truth() const { return truth_; }
  std::int64_t num_logits() const { return truth_.num_logits; }
  std::int64_t num_parameters() const { return num_logits() * (design_.num_columns() + 1); }
  double total_weight() const { return total_weight_; }
  std::vector<double> l1() const;  // [num_parameters] the weight of |theta_i|
  void drop(std::span<const std::int64_t> positions) { design_.drop(positions); }
  // Another penalty; theta, unless empty, still stands for the same coefficients afterwards.
  void set_penalty(LogisticPenalty penalty, std::span<double> theta);

  // The mean loss plus the smooth penalty at theta; fills the gradient and, unless empty, the Hessian [p, p].
  // With a `stride` only every so-manyth tile of rows counts, the penalty in proportion: a cheap first guess.
  double evaluate(std::span<const double> theta, std::span<double> gradient, std::span<double> hessian = {},
                  std::int64_t stride = 1);
  // The same at theta = 0, where two classes need no further pass over the rows.
  double evaluate_at_zero(std::span<double> gradient);
  // The Hessian among the parameters named (ascending): hessian [k, k].
  void hessian_of(std::span<const double> theta, std::span<const std::int64_t> parameters,
                  std::span<double> hessian);
  // The smallest margin (logit of the true class less the best other) of a row that counts, at the last
  // evaluation: above 0 every row is on its right side.
  double smallest_margin() const { return smallest_margin_; }

  // For the columns as given: coefficients [num_logits, all columns], intercepts [num_logits].
  void to_raw(std::span<const double> theta, std::span<double> coefficients,
              std::span<double> intercepts) const;
  // What theta gives each row: [n, num_logits].
  std::vector<double> logits(std::span<const double> theta) const;

 private:
  struct Pass;
  struct Sums;
  struct Scratch;
  LogisticObjective on(const NumericData& part) const;
  Sums sweep(const Pass& pass) const;
  Sums sweep_rows(const Pass& pass) const;
  static void merge(Sums& into, const Sums& other);
  void sweep_tile(const Pass& pass, std::int64_t tile, Scratch& scratch, Sums& sums) const;
  template <class T>
  void sweep_dense(const Pass& pass, std::int64_t begin, std::int64_t end, const Prefetch& next,
                   Scratch& scratch, Sums& sums) const;
  template <class V>
  void sweep_sparse(const Pass& pass, const V* values, std::int64_t begin, std::int64_t end, Scratch& scratch,
                    Sums& sums) const;
  void load_truth(std::int64_t begin, std::int64_t end, std::int64_t padded, Scratch& scratch,
                  Sums& sums) const;
  void link(std::int64_t rows, const Prefetch& next, Scratch& scratch, Sums& sums) const;
  template <class T>
  void add_curvature(const Pass& pass, const logistic_kernels::Tile<T>& tile, Scratch& scratch,
                     Sums& sums) const;
  Pass make_pass(std::span<const double> theta) const;
  double finish(const Sums& sums, std::span<const double> theta, std::span<double> gradient) const;
  void fill_hessian(const Pass& pass, const Sums& sums, std::span<double> hessian) const;

  LogisticDesign design_;
  LogisticTruth truth_;
  LogisticPenalty penalty_;
  StopToken stop_;
  Parts parts_;
  std::unique_ptr<LogisticObjective> sample_;
  double total_weight_ = 0;
  double smallest_margin_ = -std::numeric_limits<double>::infinity();
};

}  // namespace cairn
