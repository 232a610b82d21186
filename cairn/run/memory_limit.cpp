#include "cairn/run/memory_limit.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cairn/run/quantities.h"
#include "cairn/tensor/tensor.h"
#include "cairn/tree/quantile_forest.h"

namespace cairn {
namespace {

// Resident bytes of this process; 0 where the system does not tell.
std::uint64_t held_now() {
  unsigned long size = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu %lu", &size, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

struct Width {
  double dense = 0;       // numbers a row
  double levels = 0;      // features of categories
  double categories = 0;  // columns of them: the entries of a sparse row
  double text_bytes = 0;
  double bytes = 0;    // of pictures, a row
  double entries = 0;  // of sparse features, in all
  double sparse = 0;   // such features
  double number = 0;   // bytes of the widest number in them
};

Width width_of(const Table& features) {
  constexpr double kDateParts = 7, kMostLevels = 1000;
  Width w;
  for (const Column& c : features.columns()) {
    switch (c.kind()) {
      case ColumnKind::number:
      case ColumnKind::integer:
        w.dense += c.num_missing() > 0 ? 2 : 1;
        break;
      case ColumnKind::date:
        w.dense += kDateParts;
        break;
      case ColumnKind::boolean:
        w.levels += 2;
        ++w.categories;
        break;
      case ColumnKind::category:
        w.levels += std::min(kMostLevels, static_cast<double>(c.levels().size()) + 1);
        ++w.categories;
        break;
      case ColumnKind::text:
        for (std::int64_t r = 0; r < c.size(); ++r) w.text_bytes += static_cast<double>(c.text_at(r).size());
        break;
      case ColumnKind::tensor:
        if (c.matrix().is_sparse()) {
          w.entries += static_cast<double>(c.matrix().num_stored());
          w.sparse += static_cast<double>(c.feature_names().size());
          w.number = std::max(w.number, c.matrix().is_f32() ? 4.0 : 8.0);
        } else {
          w.dense += static_cast<double>(c.feature_names().size());
        }
        break;
      case ColumnKind::image:  // a byte each, and never more than a batch of them as numbers
        w.bytes += static_cast<double>(c.values().size(1) * c.values().size(2) * c.values().size(3));
        break;
    }
  }
  return w;
}

// Whether a learner that will be tried holds sparse features with their zeros; of those of `auto` trees do.
bool spreads(const TrainOptions& options, const Registry& registry) {
  return options.learner.empty() || std::ranges::any_of(options.learner, [&](const std::string& name) {
           if (name == "auto") return true;
           const LearnerEntry& entry = registry.learner(name);
           const auto model = entry.blank();
           return !entry.accepts.sparse || dynamic_cast<const TreeModel*>(model.get()) ||
                  dynamic_cast<const QuantileForestModel*>(model.get());
         });
}

}  // namespace

TrainingMemory training_memory(const Dataset& train, const PipelineOptions& pipeline, bool spread) {
  return training_memory(train.features(), train.classes().size(), train.num_rows(), pipeline, spread);
}

TrainingMemory training_memory(const Table& features, std::size_t classes, std::int64_t rows,
                               const PipelineOptions& pipeline, bool spread) {
  Width w = width_of(features);
  const auto n = static_cast<double>(rows);
  const double times = n / static_cast<double>(std::max<std::int64_t>(1, features.num_rows()));
  w.text_bytes *= times;
  w.entries *= times;
  double dense = w.dense;
  if (pipeline.polynomial > 1) {  // C(d + degree, degree) - 1 products
    dense = 1;
    for (int k = 1; k <= pipeline.polynomial; ++k) dense *= (w.dense + k) / k;
    dense -= 1;
  }
  constexpr double kNumber = 8, kEntry = 12;  // bytes of a dense number and of one entry of a sparse row
  constexpr double kDenseFeatures = 50;       // beyond this many, one_hot stores no zeros
  constexpr double kCopies = 4.5;      // as columns, as a matrix, a fold's share of both, a pass over them
  constexpr double kWorkspace = 16e6;  // the program itself and work buffers
  constexpr double kCandidates = 12;   // that auto compares; the out-of-fold predictions of each stay
  constexpr double kEntriesPerByte = 1.0 / 3;  // of text: words and pairs of words
  constexpr double kWidestGram = 5000;
  const bool sparse = w.levels > kDenseFeatures || w.text_bytes > 0;
  const double row = sparse ? kEntry * (dense + w.categories) : kNumber * (dense + w.levels);
  const double width = dense + w.levels + w.sparse;
  const double kept_sparse = kEntry * w.entries;
  constexpr double kBins = 2;  // of a cell, as columns and as rows
  const double spread_sparse = spread ? n * w.sparse * (w.number + kBins) : 0;
  const double gram = width <= kWidestGram ? 3 * kNumber * width * width : 0;
  const double kept = kNumber * static_cast<double>(3 + classes);
  TrainingMemory m;
  Storage::release_unused();  // what is kept for the next request is free
  m.present = held_now();
  m.features = static_cast<std::int64_t>(width);
  m.to_come =
      static_cast<std::uint64_t>(kCopies * (n * row + kept_sparse + w.text_bytes * kEntriesPerByte * kEntry) +
                                 spread_sparse + n * w.bytes + gram + kCandidates * n * kept + kWorkspace);
  return m;
}

void check_memory(const TrainOptions& options, const Dataset& train, const PipelineOptions& pipeline,
                  const Registry& registry) {
  const std::uint64_t most = parse_bytes("--max-memory", options.read.max_memory);
  if (most == 0) return;
  const TrainingMemory m = training_memory(train, pipeline, spreads(options, registry));
  if (m.total() <= most) return;
  constexpr double kMega = 1e6;
  throw ResourceError(
      "--max-memory",
      fmt::format("training on {} rows and {} features takes about {:.0f} MB ({:.0f} MB are held already); "
                  "the limit is {:.0f} MB",
                  train.num_rows(), m.features, static_cast<double>(m.total()) / kMega,
                  static_cast<double>(m.present) / kMega, static_cast<double>(most) / kMega),
      "Raise it, use fewer rows, leave columns out with --ignore, or give text tables (CSV): those are read "
      "in "
      "parts.");
}

}  // namespace cairn
