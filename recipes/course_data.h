// Data that the courses draw: coffee roasts, and clouds of points as scikit-learn's make_blobs draws them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "cairn/tensor/tensor.h"

namespace cairn::recipes {

struct Coffee {
  Tensor x, y;  // f64 [200, 2]: degrees Celsius, minutes; [200, 1]: 1 a good roast
};
Coffee coffee();  // default_rng(2)

struct Blobs {
  Tensor x, y;  // f64 [n, 2]; i64 [n]
};
Blobs blobs(std::int64_t n, const std::vector<std::pair<double, double>>& centers, double stddev,
            std::uint32_t random_state);

// Some rows of both.
Blobs rows_of(const Blobs& all, const std::vector<std::int64_t>& rows);

}  // namespace cairn::recipes
