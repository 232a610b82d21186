// Private to logistic regression and to its path of strengths: what is to be minimised, made of the rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/linear/logistic_objective_internal.h"
#include "cairn/model/numeric.h"

namespace cairn {

// Weight of the rows of each class.
std::vector<double> class_weights(const NumericData& data);
void add_class_weights(const NumericData& data, std::vector<double>& sums);  // of rows in parts

// The classes that have rows, of `num_rows` in all; for two of them the negative one first. DataError: fewer
// than two.
std::vector<std::int64_t> present_classes(const NumericData& data, const std::vector<double>& weights,
                                          std::int64_t num_rows, std::string_view learner);

// `balanced`: every class counts the same in all. DataError: weights that sum to no usable number.
LogisticTruth make_truth(const NumericData& data, const std::vector<std::int64_t>& present,
                         const std::vector<double>& weights, bool balanced, std::string_view learner);

LogisticPenalty make_penalty(const std::string& name, double l1_ratio, double C);

// `exact`: see LogisticDesign. DataError: a cell that is not finite.
LogisticObjective make_objective(const NumericData& data, LogisticTruth truth, LogisticPenalty penalty,
                                 bool exact, std::string_view learner, const StopToken& stop);

}  // namespace cairn
