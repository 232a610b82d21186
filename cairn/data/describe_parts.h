// What is in a table that is read in parts, for `cairn describe --max-memory`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "cairn/base/json.h"
#include "cairn/base/stop.h"
#include "cairn/data/dataset.h"
#include "cairn/data/describe.h"
#include "cairn/data/table_parts.h"

namespace cairn {

struct DescribePartsOptions {
  DescribeOptions columns;             // `schema` is that of the table
  Roles roles;                         // target and id
  std::int64_t sampled = 100'000;      // rows in memory, about, each drawn by its number
  std::size_t most_distinct = 65'536;  // of a column, that are counted one by one
  StopToken stop;
};

// As describe() has it, and "sample" {"rows"}. All rows tell "rows", "missing", "examples", "low", "high",
// "mean", "deviation", "histogram" and "characters", to rounding, and so they do the levels of categories,
// booleans and whole numbers of few values. They tell "distinct", and the levels of texts, while these are no
// more than most_distinct; beyond, "distinct" is estimated (DistinctCount). Quantiles, the target's groups
// and the levels of other texts are of the sample. A column's "estimated" names such fields. `sample` becomes
// the rows drawn, without those that lack the target. Two passes over the table. The same for the same file,
// wherever its parts end and for any number of threads, but for the last bits of means and deviations. The
// errors of Dataset.
Json describe_parts(TableParts& table, const DescribePartsOptions& options, std::optional<Dataset>& sample);

}  // namespace cairn
