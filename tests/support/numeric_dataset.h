// Small data sets of numbers for tests.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/data/dataset.h"

namespace cairn::test {

// Columns x0, x1, ... and the target "y". Weights, when given, are the column "weight" with its role.
Dataset regression_data(const std::vector<std::vector<double>>& rows, std::span<const double> y,
                        std::span<const double> weights = {},
                        Matrix::Layout layout = Matrix::Layout::columns);
// The same with classes "0" and "1", ... instead of numbers.
Dataset classification_data(const std::vector<std::vector<double>>& rows, std::span<const int> labels,
                            Matrix::Layout layout = Matrix::Layout::columns);

// Columns c0, c1, ... of a text file of numbers separated by commas or blanks; the first `skip` lines are
// left out.
std::vector<std::vector<double>> read_numbers(const std::string& path, int skip = 0);

}  // namespace cairn::test
