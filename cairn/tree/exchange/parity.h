// The promise that a written file of trees carries: rows, and the raw scores they must get.
#pragma once

#include <string>

#include "cairn/tree/ensemble.h"

namespace cairn {

// Names of an attribute of XGBoost, of a line of LightGBM, of a property of ONNX.
inline constexpr const char* kParityName = "cairn_parity";
// The classes, where leaves hold shares of them, for which neither program has an objective.
inline constexpr const char* kSharesName = "cairn_shares";

// ModelFileError when the trees read from `path` do not give the scores that `promise` holds (within 1e-6 of
// the largest of them, or of 1), or when the promise is no promise: {"rows": [[1.5, null]], "raw": [[0.2]]},
// or with "predicted" in place of "raw" what is made of the scores.
void check_parity(const TreeEnsemble& trees, const std::string& promise, const std::string& path);

}  // namespace cairn
