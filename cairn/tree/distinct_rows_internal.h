// Rows of numbers that occur more than once, each written once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cairn::tree {

struct DistinctRows {
  std::vector<double> rows;          // [distinct, width]
  std::vector<std::uint32_t> place;  // of each row among them
};
// Rows are told apart by their bits: -0 is not 0.
DistinctRows distinct_rows(std::span<const double> all, std::size_t width);

}  // namespace cairn::tree
