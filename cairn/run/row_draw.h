// Which rows of a table in parts are held out, which are learned from, and which of those are kept in memory:
// told of each row by itself, so that every pass over the table tells the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cairn/data/dataset.h"

namespace cairn {

enum class RowUse : std::uint8_t {
  left_out,  // without a target, of weight 0, or with a missing value where these are dropped
  held_out,
  learned,
  sampled,  // learned, and kept in memory beside
};

struct RowDraw {
  Roles roles;
  std::uint64_t seed = 0;
  double held_out = 0;  // share of the rows: of groups where there is a role of group, of distinct rows else
  double sampled = 0;   // share of the rows that are learned
  std::optional<double> cut;  // rows of a later time are held out, whatever `held_out` says
  bool rows_apart = false;    // identical rows are drawn one by one
  bool drop_missing = false;

  // A use for each row of a part whose first row has this number in the table.
  std::vector<RowUse> uses(const Table& part, std::int64_t first_row) const;
};

}  // namespace cairn
