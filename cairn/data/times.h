// What puts rows in the order of time: the numbers behind a column that --time names.
#pragma once

#include "cairn/data/column.h"

namespace cairn {

// Dates and numbers as they are. Text whose cells differ in nothing but whole numbers ("1-01",
// "2019-Q3", "week 7"): those from left to right, the first counting most, as one number; only its order has
// a meaning. Missing stays missing. DataError: text of another kind, whose order nothing tells.
Column times_of(const Column& column);

}  // namespace cairn
