// Comparing two models on the same rows.
#pragma once

#include <cstdint>
#include <optional>

#include "cairn/metrics/metric.h"

namespace cairn {

// second - first with its 95 % interval, by a percentile bootstrap in which both see the same resampled rows
// (whole groups where given): what the rows have in common cancels, so it is far narrower than two separate
// intervals suggest. Streams and cost as in estimate(). NaN bounds when it cannot be told; nullopt when the
// metric is undefined for one of them. UsageError: the two do not have the same task, rows, truth, weights
// and groups.
std::optional<Estimate> paired_difference(const Metric& metric, const Scored& first, const Scored& second,
                                          std::uint64_t seed);

}  // namespace cairn
