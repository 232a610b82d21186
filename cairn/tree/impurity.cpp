#include "cairn/tree/impurity.h"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "cairn/base/error.h"

namespace cairn {
namespace {

constexpr const char* kNames[] = {"gini", "entropy", "squared", "absolute", "poisson", "quantile"};

double sum_of(std::span<const double> weights) {
  double sum = 0;
  for (const double w : weights) sum += w;
  return sum;
}

}  // namespace

const char* name_of(Criterion criterion) { return kNames[static_cast<std::size_t>(criterion)]; }

Criterion criterion_from_name(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (name == kNames[i]) return static_cast<Criterion>(i);
  throw UsageError(
      "criterion",
      fmt::format("'{}' is not known; gini, entropy, squared, absolute, poisson and quantile are", name));
}

double gini(std::span<const double> class_weights) {
  const double total = sum_of(class_weights);
  if (!(total > 0)) return 0;
  double squares = 0;
  for (const double w : class_weights) squares += (w / total) * (w / total);
  return 1 - squares;
}

double entropy(std::span<const double> class_weights) {
  const double total = sum_of(class_weights);
  if (!(total > 0)) return 0;
  double sum = 0;
  for (const double w : class_weights)
    if (w > 0) sum -= w / total * std::log2(w / total);
  return sum;
}

double information_gain(std::span<const double> left, std::span<const double> right) {
  std::vector<double> both(left.begin(), left.end());
  for (std::size_t i = 0; i < both.size(); ++i) both[i] += right[i];
  const double l = sum_of(left), r = sum_of(right), total = l + r;
  if (!(total > 0)) return 0;
  return entropy(both) - (l / total * entropy(left) + r / total * entropy(right));
}

}  // namespace cairn
