// How much every feature adds to a prediction of trees: exact Shapley values (Lundberg, Erion, Lee:
// Consistent individualized feature attribution for tree ensembles; 2018), on the scale of the raw outputs.
//
//   sum over features of value[f] + value[last] = raw prediction; value[last] is what is expected of a row of
//   which nothing is known.
#pragma once

#include <cstdint>
#include <span>

#include "cairn/base/stop.h"
#include "cairn/ops/matrix.h"
#include "cairn/tree/ensemble.h"

namespace cairn {

// Features that are not known are averaged over by the covers of the nodes ("path-dependent").
// x: [n, num_features], may hold NaN. values: [n, num_outputs, num_features + 1]. The work is spread over
// threads; a row's values do not depend on the rows beside it.
// DataError when the trees hold no covers, as files of other programs may.
void shap_values(const TreeEnsemble& trees, const Matrix& x, std::span<double> values,
                 const StopToken& stop = {});

// The same, of pairs: values [n, num_outputs, num_features + 1, num_features + 1], symmetric. An off-diagonal
// pair holds half of what two features bring together beyond what each brings alone; a row adds up to the
// feature's Shapley value; the last diagonal entry is the expected output, the rest of the last row is 0.
void shap_interactions(const TreeEnsemble& trees, const Matrix& x, std::span<double> values,
                       const StopToken& stop = {});

// Features that are not known take their values from the rows of `background`, one after the other
// ("interventional"; Lundberg et al.: From local explanations to global understanding with explainable AI for
// trees; 2020). Needs no covers. UsageError when there are no background rows.
void shap_values_against(const TreeEnsemble& trees, const Matrix& x, const Matrix& background,
                         std::span<double> values, const StopToken& stop = {});

}  // namespace cairn
