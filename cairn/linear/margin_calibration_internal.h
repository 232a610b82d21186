// Private to the learners with margin losses: turning margins into probabilities.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cairn/model/calibration.h"

namespace cairn {

// Margins [held.size()] of the rows `held` by a machine fitted to the rows `kept`.
using MarginsOf = std::function<std::vector<double>(std::span<const std::int64_t> kept,
                                                    std::span<const std::int64_t> held)>;
// calibrate_margins() on margins of rows that their machine has not seen, in three parts drawn within each
// side; margins of rows it was fitted to are too large. With fewer than two rows a part and side, the sigmoid
// is fitted to what own() gives, the margins of the whole machine on its training rows.
MarginCalibration calibrate_out_of_fold(const std::function<std::vector<double>()>& own,
                                        std::span<const double> sides, std::span<const double> weights,
                                        std::uint64_t seed, const MarginsOf& margins_of);

}  // namespace cairn
