// Why a logistic regression has no unique or no finite solution, in the person's words.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cairn/linear/logistic_objective_internal.h"
#include "cairn/model/numeric.h"

namespace cairn {

// A column that is a linear combination of columns before it.
struct Dependence {
  std::int64_t position;  // into the design's columns()
  std::string text;       // "c = 2 a - b + 3"
};
// Every dependent column in order, among those that vary. The rows' weights matter only by being zero or not.
std::vector<Dependence> find_dependences(const LogisticObjective& objective, const NumericData& data,
                                         const StopToken& stop);

// The column that alone parts a class from the others, with the values between them; unless `strict`, also
// one whose values meet at an edge: "every row with 'x' above 3 is 'b'". Empty when there is none.
std::string separating_column(const LogisticObjective& objective, const NumericData& data,
                              std::span<const std::int64_t> classes, bool strict);

// Whether theta, seen as a direction, moves no row that counts away from its true class and some of them
// towards it: then the loss falls along it for ever (Albert, Anderson: On the existence of maximum likelihood
// estimates in logistic regression models; 1984). `most` is the largest change of a margin along it.
bool is_direction_of_recession(const LogisticObjective& objective, std::span<const double> theta,
                               double* most);

// "'petal length', 'petal width' and 2 more": the columns that matter most in theta.
std::string leading_columns(const LogisticObjective& objective, const NumericData& data,
                            std::span<const double> theta);

}  // namespace cairn
