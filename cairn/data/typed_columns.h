// Columns of a file that states their types (Parquet, Arrow, NumPy's records, HDF5) as the table that a text
// table of the same cells would give.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/reader.h"

namespace cairn {

// Ends the reason for a kind that the file states, and no cell decides.
inline constexpr std::string_view kStated = ", as the file states";

// Texts are typed cell by cell: numbers, dates and spellings of missing values in them are what they are in a
// text table. Numbers, whole numbers, booleans, dates and categories stay what they are, unless --types or a
// model's schema states another kind. DataError for a number that is not finite, with its row; UsageError for
// a stated column that is not there. `texts` names categories that are texts, stored with a dictionary.
ReadResult table_of_columns(std::vector<Column> columns, const std::string& where, const ReadOptions& options,
                            const std::vector<std::string>& texts = {});

}  // namespace cairn
