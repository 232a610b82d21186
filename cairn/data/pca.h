// Number columns to their principal components (Pearson 1901; Hotelling 1933).
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct PcaParams {
  std::int64_t components = 0;
  double explained = 1;
  bool whiten = false;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Number columns and encoded ones (dense or sparse; never spread) become the columns 'pc 1', 'pc 2', ... at
// the end: the rows less the weighted mean, projected on the eigenvectors of the covariance (divided by n -
// 1, n the sum of the weights) of largest eigenvalue; scikit-learn's PCA but for the sign, which here makes
// each vector's entry of largest size positive. `components` keeps so many; else the fewest whose share of
// the variance reaches `explained`, of which 1 means all that have any. `whiten` divides each by its standard
// deviation. Columns are not scaled: put standard_scale before where units differ. It can be turned back
// where it took number columns only, exactly when all components are kept. DataError: a missing or infinite
// value; ResourceError: more than 5,000 columns and rows, or more than 2 GB of components.
class Pca : public TransformWith<Pca, PcaParams> {
 public:
  static constexpr const char* kName = "pca";
  explicit Pca(PcaParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry pca_entry();

}  // namespace cairn
