// How mixed a group of rows is: what a decision tree wants to lower (Breiman, Friedman, Olshen and Stone:
// Classification and regression trees, 1984).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cairn {

enum class Criterion : std::uint8_t { gini, entropy, squared, absolute, poisson, quantile };
const char* name_of(Criterion criterion);
Criterion criterion_from_name(std::string_view name);  // UsageError

// Of the weight of each class: 1 - sum p^2, and -sum p log2 p. 0 for no weight at all.
double gini(std::span<const double> class_weights);
double entropy(std::span<const double> class_weights);
// By how much the entropy falls when rows are divided: entropy(left + right) less the mean of both, weighted.
double information_gain(std::span<const double> left, std::span<const double> right);

}  // namespace cairn
