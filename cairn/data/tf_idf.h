// Text to weighted counts of its words and neighbouring words (Salton and Buckley 1988), sparse.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct TfIdfParams {
  std::int64_t ngram_min = 1, ngram_max = 2;
  std::int64_t min_df = 2;
  std::int64_t max_features = 100'000;
  bool sublinear = true;
  bool lowercase = true;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Each text column becomes one of kind tensor (CSR, f64) and the same name, a feature 'column: term' a term.
// A term is ngram_min to ngram_max neighbouring words; see words.h for what a word is. The value is tf * idf
// with tf = 1 + ln(count) (count itself without `sublinear`) and idf = ln((1 + n) / (1 + df)) + 1 over the n
// training texts, each row scaled to length 1: scikit-learn's TfidfVectorizer. Counts are of rows: weights do
// not change them. A column in which no term is left gives no feature.
class TfIdf : public TransformWith<TfIdf, TfIdfParams> {
 public:
  static constexpr const char* kName = "tf_idf";
  explicit TfIdf(TfIdfParams params)
      : TransformWith(std::move(params)) {}  // ParamError: ngram_max below ngram_min, when it is fitted
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry tf_idf_entry();

}  // namespace cairn
