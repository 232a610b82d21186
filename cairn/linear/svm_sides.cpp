#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "cairn/linear/svm_sides_internal.h"

namespace cairn {

std::vector<SvmSides> svm_sides(const NumericData& data, double C, bool balanced, const char* learner) {
  const auto weight = [&](std::size_t r) { return data.weights.empty() ? 1.0 : data.weights[r]; };
  const auto class_of = [&](std::size_t r) { return static_cast<std::size_t>(data.labels[r]); };
  std::vector<double> of_class(data.classes.size(), 0.0);
  for (std::size_t r = 0; r < data.labels.size(); ++r) of_class[class_of(r)] += weight(r);
  const auto present = std::ranges::count_if(of_class, [](double w) { return w > 0; });
  if (present < 2) {
    const auto only = static_cast<std::size_t>(std::ranges::max_element(of_class) - of_class.begin());
    throw DataError(
        learner,
        fmt::format("every row that counts is '{}' ({} rows); a classification needs rows of two classes",
                    data.classes[only], data.labels.size()));
  }
  const double total = std::accumulate(of_class.begin(), of_class.end(), 0.0);
  const std::size_t machines = data.task == Task::binary ? 1 : data.classes.size();
  std::vector<SvmSides> all(machines);
  for (std::size_t k = 0; k < machines; ++k) {
    const std::size_t yes = data.task == Task::binary ? static_cast<std::size_t>(data.positive) : k;
    for (std::size_t r = 0; r < data.labels.size(); ++r) {
      all[k].sides.push_back(class_of(r) == yes ? 1 : -1);
      const double share = balanced ? total / (static_cast<double>(present) * of_class[class_of(r)]) : 1;
      all[k].costs.push_back(weight(r) == 0 ? 0 : C * weight(r) * share);
    }
  }
  return all;
}

}  // namespace cairn
