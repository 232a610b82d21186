// Trees that other programs wrote, as trees of ours: their predictions, their inputs, their objective.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/tree/ensemble.h"

namespace cairn {

struct ImportedTrees {
  std::string program;                     // "XGBoost 3.2.0", "LightGBM v4"
  std::string objective;                   // in that program's word: "binary:logistic"
  std::vector<std::string> feature_names;  // one a feature, or none
  std::vector<std::string> classes;        // their labels, or none
  TreeEnsemble trees;
};

// XGBoost's JSON and UBJSON, told apart by their first byte; boosters gbtree and dart. Predictions are equal
// to its own but for the rounding of its f32 sums. ModelFileError names the tree and the node that cannot be;
// NotSupported says what these trees cannot express (gblinear).
ImportedTrees read_xgboost(const std::string& path);

// LightGBM's text. NotSupported: linear leaves, zero as a missing value, an objective whose output is neither
// a value, exp, a logistic nor a softmax of the raw one.
ImportedTrees read_lightgbm(const std::string& path);

// ONNX's TreeEnsembleClassifier or TreeEnsembleRegressor, as skl2onnx writes the trees, forests and boosting
// of scikit-learn. NotSupported: operations before the trees, a mode or transform that these trees cannot
// express.
ImportedTrees read_onnx(const std::string& path);

// Any of the three, told by the content; `path` names it in messages.
ImportedTrees parse_other_trees(std::string_view contents, const std::string& path);

// Whether a file that begins so is meant to be one of these, and not a model file of ours.
bool begins_like_other_trees(std::string_view first_bytes);

}  // namespace cairn
