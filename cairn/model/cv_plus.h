// Intervals by CV+ (Barber, Candes, Ramdas, Tibshirani: Predictive inference with the jackknife+; 2021,
// section 3): each row's residual is kept beside the model of the fold that had not seen it. For a new row
// every residual R of a fold is laid to both sides of that fold's prediction m; the interval reaches from a
// quantile of all m - R to the same quantile of all m + R. For rows that may change places it holds the truth
// with a probability of at least 1 - 2 (1 - coverage) - sqrt(2 / n) whatever the learner, and in practice
// with about `coverage`. Its price: a model a fold in the file, and a prediction a fold for every row.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cairn/model/learner.h"

namespace cairn {

class Registry;

class CvPlus {
 public:
  // A model and its residuals |truth - prediction| on the rows it has not seen: [n]; weights undefined:
  // all 1.
  struct Fold {
    std::unique_ptr<Model> model;
    Tensor residuals, weights;
  };

  CvPlus() = default;
  explicit CvPlus(std::vector<Fold> folds);  // rows of weight 0 are left out
  bool empty() const { return folds_.empty(); }
  std::int64_t size() const;  // residuals
  std::int64_t num_folds() const { return static_cast<std::int64_t>(folds_.size()); }

  // `predicted`, the predictions of the rows, with low and high. UsageError and NotSupported as for
  // ConformalScores::quantile().
  Table with_interval(const Table& rows, const Table& predicted, double coverage) const;

  // Fold models are pipelines; `registry` makes their parts, needed while loading only.
  void visit(Visitor& v, const Registry* registry);

 private:
  std::vector<Fold> folds_;
};

// Fits the learner, which must give pipelines, once a fold of the same folds, with the same seeds, as
// cross_validate(), for a regression that predicts values.
CvPlus fit_cv_plus(const Learner& learner, const Dataset& data, int folds, std::uint64_t seed,
                   const FitContext& context = {});

}  // namespace cairn
