// What a person demands of the shape of a prediction, from text to numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/tree/features.h"

namespace cairn::tree {

// "age+", "price-" -> a direction a feature; empty when nothing is demanded. UsageError: an unknown feature,
// no sign, a category.
std::vector<std::int8_t> monotone_of(const std::vector<std::string>& demands, const TreeFeatures& features,
                                     std::string_view learner);

// "age,income" -> the numbers of the features that may meet.
std::vector<std::vector<std::int32_t>> interactions_of(const std::vector<std::string>& groups,
                                                       const TreeFeatures& features,
                                                       std::string_view learner);

// [features]: which may be asked below the features `asked` (one at least): themselves, and those of every
// group that holds all of them.
std::vector<std::uint8_t> may_meet(const std::vector<std::vector<std::int32_t>>& groups,
                                   const std::vector<std::int32_t>& asked, std::int64_t features);

}  // namespace cairn::tree
