// How well one column alone, or a sum of some, tells the target, judged on rows that the telling has not
// seen.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

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

// The one word of a column of texts whose presence tells the class best: the most frequent class of the rows
// with it, and that of those without. Counted on the same rows, so only a telling that is almost perfect
// means something. `word` is empty where none tells more than the most frequent class.
struct OneWordFit : OneColumnFit {
  std::string word;
};
OneWordFit predict_class_from_word(const Column& text, std::span<const std::int32_t> classes,
                                   std::int32_t num_classes);

// A weighted sum of number columns that is the target, up to rounding: "casual" + "registered" = "count".
// Fitted to half of at most 2000 rows and judged on the other half. The columns that take part, with their
// weights; empty: there is none, or a value is missing.
struct SummedColumn {
  std::string column;
  double weight = 0;
};
std::vector<SummedColumn> exact_combination(std::span<const Column> columns, std::span<const double> targets);

}  // namespace cairn
