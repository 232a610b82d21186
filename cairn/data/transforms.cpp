#include "cairn/data/transforms.h"

#include <array>

#include "cairn/data/date_parts.h"
#include "cairn/data/impute.h"
#include "cairn/data/one_hot.h"
#include "cairn/data/pixels.h"
#include "cairn/data/polynomial.h"
#include "cairn/data/scale.h"
#include "cairn/data/tf_idf.h"
#include "cairn/data/to_number.h"

namespace cairn {

std::span<const TransformEntry> data_transforms() {
  static const std::array entries{
      impute_entry(),    standard_scale_entry(), min_max_scale_entry(), robust_scale_entry(),
      one_hot_entry(),   polynomial_entry(),     tf_idf_entry(),        date_parts_entry(),
      to_number_entry(), pixels_entry(),
  };
  return entries;
}

}  // namespace cairn
