// Numbers that something takes only where none is missing or infinite.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/ops/matrix.h"

namespace cairn {

// DataError names the first cell of x, rows before columns, that is missing or infinite; `names` are those of
// the columns, `who` takes no such cell, and `remedy` is what to do about a missing one.
void check_finite(const Matrix& x, const std::vector<std::string>& names, std::string_view who,
                  std::string_view remedy = "prepare(learner) adds an impute step.");

}  // namespace cairn
