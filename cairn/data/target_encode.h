// Categories as what the target is like where they stand, out of fold on the training rows.
#pragma once

#include <cstdint>
#include <span>

#include "cairn/data/transform.h"

namespace cairn {

struct TargetEncodeParams {
  std::string smoothing = "auto";
  std::int64_t folds = 5;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// A category or boolean column becomes a number: the mean target of the rows of its level, of two classes the
// share of the positive one, of more classes one feature 'column: class' each. The mean is drawn to that of
// all rows: (sum + m * all) / (count + m) with a given m, or, with `auto`, by the empirical Bayes estimate
// with m = variance within the level / variance of the target (Micci-Barreca 2001; scikit-learn's
// TargetEncoder). A missing level is a level of its own, an unseen one gets the mean of all rows. Training
// rows are encoded out of fold (`folds` parts by the rules of k_fold: groups stay whole, with a time only
// earlier rows are used), so that no row is told its own target; what comes later by all training rows.
// UsageError: no target. Weights count rows.
class TargetEncode : public TransformWith<TargetEncode, TargetEncodeParams> {
 public:
  static constexpr const char* kName = "target_encode";
  explicit TargetEncode(TargetEncodeParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
  bool treats_rows_alike() const override { return false; }
  FittedRows fit_rows(const Dataset& data, const Table& table,
                      const TransformContext& context) const override;

 private:
  std::unique_ptr<FittedTransform> fit_on(const Dataset& data, std::span<const std::int64_t> rows) const;
};

TransformEntry target_encode_entry();

}  // namespace cairn
