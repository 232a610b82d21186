// What is in a table, column by column, for `cairn describe`: plain JSON, the same for the same data.
#pragma once

#include "cairn/base/json.h"
#include "cairn/data/dataset.h"
#include "cairn/data/schema.h"
#include "cairn/data/table.h"

namespace cairn {

struct DescribeOptions {
  const Schema* schema = nullptr;  // the reader's, for the reason of each kind
  int bins = 20;                   // of a histogram
  int levels = 10;                 // most frequent levels, texts or values that are listed
  int groups = 10;                 // of a column, by which the target is told
};

// {"rows", "columns": [{"name", "kind", "reason"?, "missing", "distinct", "examples", ...}]}; by kind also
//   number, integer, date: "low", "high", "mean", "deviation", "quantiles" {"0.05", "0.25", "0.5", "0.75",
//   "0.95"},
//     "histogram" {"low", "high", "counts"}: bins of equal width, the last one closed;
//   category, boolean, text, and integers of few values: "levels" [{"level", "count"}], "other" (rows of the
//   levels left out); text: "characters" {"low", "mean", "high"}; tensor: "features" (how many;
//   "examples" names the first), "stated" (the share of their values that is stored).
// Dates are written as a person would see them. A number that does not exist is null.
Json describe(const Table& table, const DescribeOptions& options = {});

// The same for a dataset; each column has its "role" (feature, target, weight, group, time, id, ignored), and
// each feature "target": {"strength", "groups": [...]}: how the target differs over ten equal parts of the
// column ("low", "high") or over its levels ("level"), with "rows" and the target's "mean", or "shares" in
// the order of the top-level "classes". Strength is the share of the target's variance between the groups
// (for classes Goodman and Kruskal's tau), 0 to 1.
Json describe(const Dataset& data, const DescribeOptions& options = {});

}  // namespace cairn
