// The training rows of a table that is read in parts, as a learner is fitted on them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cairn/data/table_parts.h"
#include "cairn/model/parts.h"
#include "cairn/run/row_draw.h"

namespace cairn {

class TrainingParts final : public DatasetParts {
 public:
  // `rows`: how many the draw gives to learning. `sample`: those it keeps in memory, with the roles, task and
  // classes of all. `most_bytes`: as DatasetParts.
  TrainingParts(std::shared_ptr<TableParts> table, RowDraw draw, std::int64_t rows, Dataset sample,
                std::uint64_t most_bytes = 0);

  std::int64_t num_rows() const override { return rows_; }
  const Dataset& sample() const override { return sample_; }
  std::uint64_t most_bytes() const override { return most_bytes_; }
  // DataError names the rows of the part in which it was met.
  void each(const std::function<void(const Dataset& part)>& use) override;
  // Weights under which every class counts the same in all; a pass over the rows.
  void balance_classes();

 private:
  std::shared_ptr<TableParts> table_;
  RowDraw draw_;
  std::int64_t rows_;
  Dataset sample_;
  std::uint64_t most_bytes_;
  std::vector<double> class_weights_;  // empty: classes count as they are
};

// So many times its weight does a row of each class count where classes are balanced: [classes].
std::vector<double> balancing_weights(const std::vector<std::int64_t>& rows_of_class);
Dataset weighed_by_class(const Dataset& data, const std::vector<double>& class_weights);

}  // namespace cairn
