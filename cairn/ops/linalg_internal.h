// Private to the linear algebra of ops/.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/ops/linalg.h"

namespace cairn::linalg {

// Sizes go to BLAS and LAPACK as 32-bit integers.
inline int narrow(std::int64_t size) {
  if (size > std::numeric_limits<int>::max())
    throw ResourceError("linear algebra", "a side of " + std::to_string(size) + " is beyond 2^31 - 1");
  return static_cast<int>(size);
}

void check_gram_options(const Matrix& x, const GramOptions& o);

// The rows [begin, end) of scale * ([X, targets] - shift), row after row, p wide. `room` is reused between
// calls.
void shifted_tile(const Matrix& x, const GramOptions& o, std::int64_t begin, std::int64_t end,
                  std::vector<double>& room, double* out);

}  // namespace cairn::linalg
