// Small bridges between the courses' arrays and the library's tables and matrices.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/data/dataset.h"
#include "cairn/ops/matrix.h"

namespace cairn::recipes {

using Values = std::vector<double>;

Matrix matrix_of(const std::vector<Values>& columns);    // [n, d] from d columns
Matrix matrix_of_rows(const std::vector<Values>& rows);  // [n, d] from n rows
// A headerless file of numbers, columns in order.
std::vector<Values> read_columns(const std::string& path);
// Number columns `names` and the target `y`, as a learner wants them.
Dataset dataset_of(const std::vector<Values>& columns, const std::vector<std::string>& names, const Values& y,
                   Task task);

// z = (x - mean) / sd with the population's sd, as the courses' zscore_normalize_features.
struct ZScore {
  Values mean, sd;
  std::vector<Values> columns;
};
ZScore z_score(const std::vector<Values>& columns);

Values linspace(double from, double to, std::int64_t n);
double mean_of(const Values& v);

}  // namespace cairn::recipes
