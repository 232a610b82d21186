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
// adds to output t % num_outputs. Shares of classes become as many numbers, which sum to the shares of the
// forest. NotSupported names `program` where it would not put quantiles in order.
std::vector<Tree> plain_trees(const TreeModel& model, std::string_view program);

// NotSupported: leaves answer along lines, which `what` cannot hold.
void refuse_lines(const TreeEnsemble& trees, std::string_view what);

// What the sum of leaves is divided by; of shares, whose sum is made 1, the number of trees.
double divisor_of(const TreeEnsemble& trees);

// The classes as a list of JSON, for files whose trees predict shares of them.
std::string shares_text(const TreeModel& model);

// Rows of f32 numbers at thresholds and beside them, with missing values and categories: [count, features].
std::vector<double> parity_rows(const TreeModel& model, std::int64_t count);

// The rows and the raw scores that this program gives for them, as the JSON text that files carry.
std::string parity_text(const TreeModel& model);

}  // namespace cairn::export_detail
