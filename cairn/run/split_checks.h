// How far the figures of a run depend on how its rows were split.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/model/selection.h"

namespace cairn {

// Whether a classifier can tell the rows of two parts apart (Lopez-Paz, Oquab: Revisiting classifier
// two-sample tests; 2017): a forest learns one half of a sample and is asked about the other, and the other
// way round. `auc` is the mean of both halves, `p` that of the mean of their Mann-Whitney scores, one-sided,
// as if they were one (normal approximation): both halves ask about the same pairs of rows, so no smaller p
// would be honest.
struct SplitShift {
  double auc = 0.5, p = 1;
  std::int64_t rows = 0;                                // of both parts together
  std::vector<std::pair<std::string, double>> columns;  // by which it tells them, with shares of the gain
};
SplitShift measure_shift(const Dataset& train, const Dataset& test, const Registry& registry,
                         std::uint64_t seed, const StopToken& stop = {});

// Not pictures or columns of features, nor very wide or very small parts.
bool can_measure_shift(const Dataset& train, const Dataset& test);
// test_differs, where they can be told apart for sure (p < 0.001) and by much (an area of 0.6).
std::optional<Warning> shift_warning(const SplitShift& shift);

}  // namespace cairn
