// Fitted trees written for other programs, which then predict the same: XGBoost's JSON and UBJSON, LightGBM's
// text, and one C++ header that needs nothing. Every file holds a few rows with the scores that are promised
// for them; reading it here, or self_test() of the header, asks whether they still come out.
//
// Features keep their order; a category is the code of its level (its place among the model's levels).
#pragma once

#include <string>

#include "cairn/tree/tree_model.h"

namespace cairn {

// The model schema of XGBoost, as version 3.2 reads it. XGBoost compares in f32: a threshold becomes the next
// f32 above it, so rows of f32 numbers take the same way; leaves are rounded to f32. Trees and
// forests that classify predict a number a class, their shares, with the objective reg:squarederror.
// NotSupported: several quantiles, which XGBoost would not put in order.
std::string xgboost_json(const TreeModel& model);
std::string xgboost_ubjson(const TreeModel& model);

// LightGBM's text, version 4; thresholds and leaves keep every bit. Shares of classes are raw scores
// without an objective. NotSupported: as above.
std::string lightgbm_text(const TreeModel& model);

// A header for C++17 with namespace `name`: predict(), raw(), level_of(), self_test(), the names of features,
// levels and classes; the same bits as here from a compiler that keeps to IEEE arithmetic. Any tree model.
// ParamError: `name` is no identifier.
std::string cpp_header(const TreeModel& model, const std::string& name);

}  // namespace cairn
