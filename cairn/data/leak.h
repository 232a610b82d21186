// How well one column alone tells the target, judged on rows that the telling has not seen.
#pragma once

#include <cstdint>
#include <span>

#include "cairn/data/column.h"

namespace cairn {

// Every row is predicted from the others: by those with the same value if there are any, else by its
// neighbours in the order of the column (numbers, dates) or by the most frequent class (levels). A missing
// value is a value of its own.
struct OneColumnFit {
  std::int64_t rows = 0;
  double error = 0;  // classification: rows told wrongly; regression: squared error of the target's ranks
  double baseline_error = 0;  // the same for the most frequent class, or for the mean rank
};

// `classes` are class numbers in [0, num_classes), a row each. The column is of any kind but text and tensor.
OneColumnFit predict_class_from(const Column& column, std::span<const std::int32_t> classes,
                                std::int32_t num_classes);
OneColumnFit predict_rank_from(const Column& column, std::span<const double> targets);

}  // namespace cairn
