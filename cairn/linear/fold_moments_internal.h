// Private to the squared-loss learners with a path: the sums of products of each part of the rows, from which
// a fold's weights and its error follow without reading the rows again.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cairn/linear/path_search_internal.h"
#include "cairn/ops/linalg.h"

namespace cairn::path_search {

// Columns beyond which the products of every pair, a set a part, are not kept.
inline constexpr std::int64_t kMostProductColumns = 4000;

// Sums of products of columns and, last, target of each part; about the means of the part, or about zero
// without an intercept. FitError: squares beyond the range of numbers.
std::vector<linalg::Moments> moments_of_parts(const NumericData& data, const Folds& folds, bool intercept,
                                              std::string_view learner, const StopToken& stop);
// Those of several parts together; of all of them.
linalg::Moments joined(const std::vector<linalg::Moments>& parts, const std::vector<std::size_t>& which);
linalg::Moments joined(const std::vector<linalg::Moments>& parts);

// The mean squared error on a part of weights [d], with the intercept of the rows they were fitted to.
double error_on(const linalg::Moments& part, const linalg::Moments& learned, std::span<const double> weights);

}  // namespace cairn::path_search
