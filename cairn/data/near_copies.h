// Rows that are copies of one case without being the same to the byte: measured again, rounded otherwise,
// retyped, a form letter with another name in it. A model that has seen one knows the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/data/dataset.h"

namespace cairn {

struct NearCopies {
  std::vector<std::int64_t> of_row;      // a number a row, the same for identical and nearly identical rows
  std::int64_t near_rows = 0;            // rows with a copy that is near and not identical
  std::int64_t first = -1, second = -1;  // two of them, for a person to look at
  bool everywhere = false;  // so many rows are alike that they are no copies: only identical rows are grouped
};

// Two rows are near copies when their targets agree and
// - without texts: every other column agrees, numbers to a thousandth of their column's standard deviation,
//   but at most one; only where chance would bring less than 0.001 such pairs in the whole table, if columns
//   were independent (so rows of few levels never are);
// - with texts: the Jaccard similarity of the sets of five neighbouring letters is 0.7 or more (lower case,
//   any digit the same; texts of 20 letters or more), and all other columns agree. Candidates come from
//   one-permutation MinHash (Broder 1997; Li, Owen, Zhang 2012) in 16 bands of 4.
// Columns of tensors or pictures: identical rows only. Time grows with the rows, not with pairs.
NearCopies find_near_copies(const Dataset& data, const StopToken& stop = {});

// The Jaccard similarity of two texts as above, in [0, 1].
double text_similarity(std::string_view a, std::string_view b);

}  // namespace cairn
