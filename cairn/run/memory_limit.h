// How much memory training will take, told before it is taken.
#pragma once

#include <cstdint>

#include "cairn/data/dataset.h"
#include "cairn/model/selection.h"
#include "cairn/run/train_options.h"

namespace cairn {

// The program itself with its libraries, about. What it holds at this moment would be more exact and differ
// from run to run, and so would the rows that fit beside it.
inline constexpr double kProgramBytes = 40e6;

// Bytes at the peak of choosing and fitting, from rows, columns and levels alone: the prepared features, once
// as columns and once as the learner's matrix, a fold's share of both, the products of columns, and what each
// candidate predicted. An estimate, not a limit that the system keeps.
struct TrainingMemory {
  std::uint64_t present = 0;  // held now
  std::uint64_t to_come = 0;
  std::int64_t features = 0;
  std::uint64_t total() const { return present + to_come; }
};
// `spread`: a learner that is tried makes sparse features dense, as trees do. Of `rows` rows such as these.
TrainingMemory training_memory(const Table& features, std::size_t classes, std::int64_t rows,
                               const PipelineOptions& pipeline, bool spread);
TrainingMemory training_memory(const Dataset& train, const PipelineOptions& pipeline, bool spread = true);

// ResourceError when --max-memory was said and is less than that.
void check_memory(const TrainOptions& options, const Dataset& train, const PipelineOptions& pipeline,
                  const Registry& registry);

}  // namespace cairn
