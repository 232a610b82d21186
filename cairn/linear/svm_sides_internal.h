// What both support vector machines share: one machine a class against the rest, its sides and costs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/model/numeric.h"

namespace cairn {

struct SvmSides {
  std::vector<double> sides;  // [n] -1 or 1
  std::vector<double> costs;  // [n] C times the weights of row and class; 0 for a row that does not count
};
// One for two classes (the positive one on side 1), else one a class. DataError: rows of one class only.
std::vector<SvmSides> svm_sides(const NumericData& data, double C, bool balanced, const char* learner);

}  // namespace cairn
