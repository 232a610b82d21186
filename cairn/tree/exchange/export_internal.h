// What writing trees for any program needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/tree/exchange/parity.h"
#include "cairn/tree/tree_model.h"

namespace cairn::export_detail {

// Trees with one number a leaf that need neither a base nor a mean: bases are trees of one leaf, and tree t
// adds to output t % num_outputs. NotSupported names `program` where leaves hold shares of classes.
std::vector<Tree> plain_trees(const TreeModel& model, std::string_view program);

// Rows of f32 numbers at thresholds and beside them, with missing values and categories: [count, features].
std::vector<double> parity_rows(const TreeModel& model, std::int64_t count);

// The rows and the raw scores that this program gives for them, as the JSON text that files carry.
std::string parity_text(const TreeModel& model);

}  // namespace cairn::export_detail
