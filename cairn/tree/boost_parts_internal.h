// The rows of boosting where they are more than memory holds: read once, a part at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cairn/model/parts.h"
#include "cairn/tree/boost_train_internal.h"

namespace cairn::tree {

struct BoostedParts {
  Dataset roles;                             // the rows' columns with a role: what splits look at
  TreeData rows;                             // x has no columns
  std::shared_ptr<const BinnedData> binned;  // these
};

// `balanced`: bins are of rows whose classes count the same, by their shares of the sample. DataError: see
// tree_data(). Throws Interrupted.
BoostedParts read_parts(DatasetParts& parts, std::string_view learner, int max_bins, bool balanced,
                        const FitContext& context);

// Bytes held at the most while such rows are boosted, told from the sample: bins, and by row what splits and
// boosting keep.
double bytes_of_parts(const Dataset& sample, std::int64_t rows, std::int64_t features,
                      const Objective& objective, const BoostRules& rules);

}  // namespace cairn::tree
