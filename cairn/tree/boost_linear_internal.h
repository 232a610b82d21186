// Linear leaves of boosting: after a tree has grown, the rows of each leaf fit a line.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/tree/tree.h"
#include "cairn/tree/tree_data_internal.h"

namespace cairn::tree {

// The columns that lines may go along.
class LineColumns {
 public:
  // `numbers`: [features] 1 for those that are numbers of the data, 0 for categories and what stands for
  // them.
  LineColumns(const Matrix& x, std::vector<std::uint8_t> numbers);
  bool is_number(std::int32_t feature) const { return numbers_[static_cast<std::size_t>(feature)] != 0; }
  double at(std::int32_t feature, std::size_t row) const {
    const Column& c = columns_[static_cast<std::size_t>(feature)];
    return c.f32 ? static_cast<double>(c.f32[row]) : c.f64[row];
  }

 private:
  struct Column {
    ColumnValues values;         // keeps the memory
    const float* f32 = nullptr;  // the one it is stored in
    const double* f64 = nullptr;
  };
  std::vector<std::uint8_t> numbers_;
  std::vector<Column> columns_;
};

// Gives the leaves of `tree` lines: each minimises sum of g f + h f^2 / 2 over its rows whose numbers are all
// finite, with f = a + sum of b_j (x_j - mean_j) / deviation_j, plus l2 a^2 / 2 and line_l2 b^2 / 2; means
// and deviations are those of the leaf's rows, weighted by h, so a line without slopes is the constant leaf
// and units do not matter. What is stored is `rate` times the line. A leaf of fewer rows than numbers and two
// more stays constant. `node_of_row`: the leaf of every row; `rows`: those learned from; g, h: [rows of the
// data].
void fit_lines(Tree& tree, std::span<const std::int32_t> node_of_row, std::span<const std::uint32_t> rows,
               std::span<const double> g, std::span<const double> h, const LineColumns& columns, double l2,
               double line_l2, double rate, const StopToken& stop);

// raw[r] += what the leaf of row r answers, for all rows.
void add_lines(const Tree& tree, std::span<const std::int32_t> node_of_row, const LineColumns& columns,
               std::span<double> raw);

}  // namespace cairn::tree
