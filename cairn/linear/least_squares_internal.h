// Private to the least-squares learners: saying which columns carry the same information.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/ops/linalg.h"

namespace cairn {

struct CollinearityReport {
  double condition = 1;                // of the columns that are not constant
  std::vector<std::string> sentences;  // "'c' = 2 a - b + 3: ..."; one a dependent column, at most a few
};

// `a` [rows, d] holds the columns at unit length and `found` their pivoted factorisation. mean and unit [d]
// turn them back into the person's columns: x = mean + z / unit. unit 0 marks a constant column.
CollinearityReport explain_collinearity(std::span<const double> a, std::int64_t rows, std::int64_t d,
                                        const linalg::LeastSquares& found, std::span<const double> mean,
                                        std::span<const double> unit, const std::vector<std::string>& names,
                                        bool intercept);

// "'a', 'b' and 'c'"; "'a', 'b' and 7 more" when there are many.
std::string name_list(const std::vector<std::string>& names);

}  // namespace cairn
