// What decision trees and forests prepare alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/tree/cart_internal.h"

namespace cairn::tree {

// "auto": gini for classes, squared for values. UsageError when the criterion does not serve the task.
Criterion criterion_for(const std::string& name, Task task, std::string_view learner);
// "all", "sqrt", "log2", "third", or a share in (0, 1]; at least 1. "auto": sqrt for classes, a third for
// values.
std::int64_t features_looked_at(const std::string& text, std::int64_t features, Task task,
                                std::string_view learner);
// UsageError for several classes or medians, which have no order to keep.
void check_monotone(const CartRules& rules, Task task, std::string_view learner);
CartTarget target_of(const TreeData& data, const CartRules& rules, std::string_view learner);
TreeEnsembleOptions ensemble_options(const TreeData& data);

}  // namespace cairn::tree
