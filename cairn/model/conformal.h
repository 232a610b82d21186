// Intervals and sets of classes that hold the truth with a stated probability: conformal prediction from the
// predictions that cross-validation made for rows its models had not seen.
//
// The scores are |y - prediction| for quantities and 1 - p(true class) for classes (Sadinle, Lei, Wasserman
// 2019). An interval is the model's prediction plus and minus their quantile, a set the classes whose score
// is not above it: the K-fold form of the jackknife interval (Barber, Candes, Ramdas, Tibshirani 2021,
// section 1.1). It needs one model where CV+ (cv_plus.h) keeps one a fold; its coverage is exact in the limit
// for learners that are stable when a fold is left out (Steinberger, Leeb 2023), which is why training
// measures the coverage on held-out rows and says it beside the figure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/model/cv_plus.h"
#include "cairn/model/evaluate.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

// The weight of scores of weight `all` that an interval of this coverage must not leave out: coverage *
// (all + 1), where 1 is the new row's. UsageError: coverage outside (0, 1). NotSupported: more than `all`.
double conformal_weight(double coverage, double all);

class ConformalScores {
 public:
  ConformalScores() = default;
  // From out-of-fold predictions. Rows of weight 0 count as absent. Empty where there are no probabilities.
  explicit ConformalScores(const Judged& out_of_fold);

  bool empty() const { return !scores_.defined(); }
  std::int64_t size() const { return scores_.defined() ? scores_.size() : 0; }
  // The smallest score q such that the weight of the scores <= q is at least coverage * (W + 1), where W is
  // the weight of all and 1 that of the new row: with n rows of weight 1 the ceil((n + 1) coverage)-th
  // smallest. NotSupported: empty (says how to get some), or too few for this coverage. UsageError: coverage
  // outside (0, 1).
  double quantile(double coverage) const;
  void visit(Visitor& v);

 private:
  Tensor scores_, weights_;  // [n] ascending; weights_ undefined: all 1
};

// low and high a row.
Table with_interval(const Table& predicted, double quantile);
// `prediction_set`: the classes whose probability is at least 1 - quantile, joined by '|' (a '|' in a name is
// written '\|'); empty when no class is likely enough.
Table with_prediction_set(const Table& predicted, const std::vector<std::string>& classes, double quantile);

// How a stated coverage was kept on rows that nothing was fitted to.
struct Coverage {
  double asked = 0;
  double quantile = 0;   // NaN where every row has its own
  Estimate held;         // the share of rows whose interval or set holds the truth
  double mean_size = 0;  // width of an interval, or classes a set
};
// Those of `levels` that the scores can serve. Rows are those of `held_out`, as the model is given them.
std::vector<Coverage> measure_coverage(const ConformalScores& scores, const Judged& held_out,
                                       std::span<const double> levels);
std::vector<Coverage> measure_coverage(const CvPlus& folds, const Table& rows, const Judged& held_out,
                                       std::span<const double> levels);

}  // namespace cairn
