// Private to the learners with margin losses: turning margins into probabilities.
#pragma once

#include <span>

namespace cairn {

struct MarginCalibration {
  double slope = 1, offset = 0;  // p = 1 / (1 + exp(-(slope * margin + offset)))
};

// Fits the sigmoid by Newton's method on targets kept off 0 and 1 (Platt: Probabilistic outputs for support
// vector machines; 1999, with the numerically safe form of Lin, Lin, Weng 2007). sides are -1 and 1; weights
// may be empty.
MarginCalibration calibrate_margins(std::span<const double> margins, std::span<const double> sides,
                                    std::span<const double> weights);

}  // namespace cairn
