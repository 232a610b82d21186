// Texts and categories scattered over a fixed number of features (Weinberger et al.: Feature hashing for
// large scale multitask learning, 2009): nothing is learned, so no vocabulary is kept and no term is unseen.
// Sparse.
#pragma once

#include <cstdint>

#include "cairn/data/transform.h"

namespace cairn {

struct HashTermsParams {
  std::int64_t features = 4096;
  std::int64_t ngram_min = 1, ngram_max = 1;
  bool lowercase = true;
  bool alternate_sign = true;
  std::vector<std::string> columns;
  static const ParamList& list();
};

// Each column becomes one of kind tensor (CSR, f64) and the same name, with features 'column #0' on. A text
// is its terms (as tf_idf's), each added as +1 or -1 (`alternate_sign`: the sign is in the hash, so that
// collisions cancel in the mean), the row scaled to length 1: scikit-learn's HashingVectorizer. A category or
// boolean is one term 'column=level': its FeatureHasher. MurmurHash3 (x86, 32 bits, seed 0) says which
// feature. A missing cell is a row of zeros.
class HashTerms : public TransformWith<HashTerms, HashTermsParams> {
 public:
  static constexpr const char* kName = "hash";
  explicit HashTerms(HashTermsParams params)
      : TransformWith(std::move(params)) {}  // ParamError: ngram_max below ngram_min, when it is fitted
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry hash_terms_entry();

}  // namespace cairn
