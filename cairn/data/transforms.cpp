#include "cairn/data/transforms.h"

#include <array>

#include "cairn/data/bins.h"
#include "cairn/data/column_filters.h"
#include "cairn/data/date_parts.h"
#include "cairn/data/group_rare.h"
#include "cairn/data/hash_terms.h"
#include "cairn/data/impute.h"
#include "cairn/data/interactions.h"
#include "cairn/data/lags.h"
#include "cairn/data/one_hot.h"
#include "cairn/data/ordinal.h"
#include "cairn/data/pca.h"
#include "cairn/data/pixels.h"
#include "cairn/data/polynomial.h"
#include "cairn/data/power.h"
#include "cairn/data/scale.h"
#include "cairn/data/target_encode.h"
#include "cairn/data/tf_idf.h"
#include "cairn/data/to_number.h"

namespace cairn {

std::span<const TransformEntry> data_transforms() {
  static const std::array entries{
      impute_entry(),
      standard_scale_entry(),
      min_max_scale_entry(),
      robust_scale_entry(),
      one_hot_entry(),
      polynomial_entry(),
      tf_idf_entry(),
      date_parts_entry(),
      to_number_entry(),
      pixels_entry(),
      ordinal_entry(),
      target_encode_entry(),
      group_rare_entry(),
      hash_terms_entry(),
      bins_entry(),
      log_entry(),
      log1p_entry(),
      box_cox_entry(),
      yeo_johnson_entry(),
      lags_entry(),
      pca_entry(),
      variance_filter_entry(),
      correlation_filter_entry(),
      interactions_entry(),
  };
  return entries;
}

}  // namespace cairn
