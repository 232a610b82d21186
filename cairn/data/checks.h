// What a person should know about the data before trusting a model of them. Full sentences with values and,
// where there is one, the flag that settles the matter.
#pragma once

#include <vector>

#include "cairn/base/error.h"
#include "cairn/data/dataset.h"
#include "cairn/data/table.h"

namespace cairn {

// Codes: empty_column, constant_column, nearly_constant_column (one value in at least 99.5 % of at least 200
// rows), id_like_column (text or levels all different, numbers that count the rows), mostly_missing_column
// (half or more), duplicate_rows. At most ten columns are named one by one under a code.
std::vector<Warning> check_table(const Table& table);

// Codes: leak_suspect (a feature that says the same as the target, or alone predicts it almost perfectly:
// measured by predicting each row from the other rows with the same or neighbouring values of the feature; of
// a text, one word that tells the class, counted on all rows: of at most 20 classes, where at least ten rows
// are not of the most frequent one), leak_combination (complete number columns, at most 60, whose weighted
// sum is the target, where no column alone is suspect), imbalance, rare_class (fewer than ten rows),
// more_columns_than_rows. Leaks are looked for from 30 rows on, in at most 100,000, each distinct row once;
// at most ten columns are named one by one under a code. Without a target or rows there is no warning.
std::vector<Warning> check_dataset(const Dataset& data);

}  // namespace cairn
