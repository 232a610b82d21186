#include "cairn/run/training_parts.h"

#include <fmt/format.h>

#include <numeric>

namespace cairn {

Dataset weighed_by_class(const Dataset& data, const std::vector<double>& class_weights) {
  std::vector<double> weights;
  for (const std::int32_t code : data.class_codes())
    weights.push_back(class_weights[static_cast<std::size_t>(code)]);
  return data.with_weights(std::move(weights));
}

TrainingParts::TrainingParts(std::shared_ptr<TableParts> table, RowDraw draw, std::int64_t rows,
                             Dataset sample, std::uint64_t most_bytes)
    : table_(std::move(table)),
      draw_(std::move(draw)),
      rows_(rows),
      sample_(std::move(sample)),
      most_bytes_(most_bytes) {}

void TrainingParts::each(const std::function<void(const Dataset&)>& use) {
  table_->blocks([&](const Table& part, std::int64_t first_row) {
    const std::vector<RowUse> uses = draw_.uses(part, first_row);
    std::vector<std::int64_t> rows;
    for (std::size_t r = 0; r < uses.size(); ++r)
      if (uses[r] == RowUse::learned || uses[r] == RowUse::sampled)
        rows.push_back(static_cast<std::int64_t>(r));
    if (rows.empty()) return true;
    try {
      const Dataset data = sample_.with_table(part.select(rows));
      use(class_weights_.empty() ? data : weighed_by_class(data, class_weights_));
    } catch (DataError& e) {
      e.add_place(
          fmt::format("training rows among rows {} to {}", first_row + 1, first_row + part.num_rows()));
      throw;
    }
    return true;
  });
}

void TrainingParts::balance_classes() {
  std::vector<std::int64_t> counts(sample_.classes().size(), 0);
  each([&](const Dataset& part) {
    for (const std::int32_t code : part.class_codes()) ++counts[static_cast<std::size_t>(code)];
  });
  class_weights_ = balancing_weights(counts);
  sample_ = weighed_by_class(sample_, class_weights_);
}

std::vector<double> balancing_weights(const std::vector<std::int64_t>& rows_of_class) {
  const auto all =
      static_cast<double>(std::accumulate(rows_of_class.begin(), rows_of_class.end(), std::int64_t{0}));
  std::vector<double> weights;
  for (const std::int64_t rows : rows_of_class)
    weights.push_back(
        rows == 0 ? 1 : all / (static_cast<double>(rows_of_class.size()) * static_cast<double>(rows)));
  return weights;
}

}  // namespace cairn
