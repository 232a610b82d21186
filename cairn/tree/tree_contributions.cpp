// What each column adds to a prediction of trees: the Shapley values of the features that it became.
#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/model/contributions.h"
#include "cairn/tree/shap.h"
#include "cairn/tree/tree_model.h"

namespace cairn {
namespace {

constexpr std::int64_t kRows = 4096;  // whose Shapley values are held at a time

// Scores of several classes are counted from their mean, as softmax does not see a common part.
void subtract_mean(std::span<double> values, std::int64_t outputs, std::int64_t width) {
  for (std::size_t first = 0; first < values.size(); first += at(outputs * width))
    for (std::size_t f = 0; f < at(width); ++f) {
      double mean = 0;
      for (std::size_t o = 0; o < at(outputs); ++o) mean += values[first + o * at(width) + f];
      mean /= static_cast<double>(outputs);
      for (std::size_t o = 0; o < at(outputs); ++o) values[first + o * at(width) + f] -= mean;
    }
}

}  // namespace

ExplainsFrom TreeModel::explains_from() const {
  const TreeEnsemble& trees = parts_.trees;
  return trees.options().output == TreeOutput::exponential || trees.is_linear() ? ExplainsFrom::nothing
                                                                                : ExplainsFrom::mean;
}

Contributions TreeModel::contributions(const Table& table, const ColumnShares& shares) const {
  return contributions_by(table, shares, [&](const Matrix& x, std::span<double> values) {
    shap_values(parts_.trees, x, values);
  });
}

Contributions TreeModel::contributions_against(const Table& table, const Table& background,
                                               const ColumnShares& shares) const {
  const Matrix others = parts_.features.matrix(background);
  return contributions_by(table, shares, [&](const Matrix& x, std::span<double> values) {
    shap_values_against(parts_.trees, x, others, values);
  });
}

template <class Shap>
Contributions TreeModel::contributions_by(const Table& table, const ColumnShares& shares, Shap&& shap) const {
  const TreeEnsemble& trees = parts_.trees;
  if (trees.is_linear())
    throw NotSupported(std::string(kind()), "has no exact contributions: its leaves answer along lines");
  const TreeOutput output = trees.options().output;
  const std::int64_t n = table.num_rows(), d = trees.num_features(), raw = trees.num_outputs();
  // Two shares sum to 1: that of the second class tells both.
  const std::int64_t first = output == TreeOutput::share && raw == 2 ? 1 : 0, k = raw - first;
  std::vector<const std::vector<ColumnShare>*> of_feature;
  for (const TreeFeature& f : parts_.features.list()) {
    const auto found = shares.of_feature.find(f.name);
    if (found == shares.of_feature.end())
      throw InternalError("contributions", fmt::format("nobody says where '{}' comes from", f.name));
    of_feature.push_back(&found->second);
  }
  Contributions result;
  result.of_probabilities = output == TreeOutput::share;
  result.outputs = k == 1 ? std::vector<std::string>{""} : output_names();
  result.base.resize(at(k));
  const std::size_t c = at(shares.num_columns);
  result.parts.resize(at(n * k) * c);
  for (std::int64_t begin = 0; begin < std::max<std::int64_t>(n, 1); begin += kRows) {
    const std::int64_t end = std::min(begin + kRows, n);
    const Matrix x = parts_.features.matrix(table.slice(begin, end));
    std::vector<double> values(at((end - begin) * raw * (d + 1)));
    shap(x, std::span<double>(values));
    if (output == TreeOutput::softmax) subtract_mean(values, raw, d + 1);
    for (std::int64_t r = 0; r < end - begin; ++r)
      for (std::int64_t o = 0; o < k; ++o) {
        const double* from = values.data() + ((r * raw) + first + o) * (d + 1);
        double* to = result.parts.data() + at((begin + r) * k + o) * c;
        for (std::size_t f = 0; f < at(d); ++f)
          for (const ColumnShare& s : *of_feature[f]) to[s.column] += s.share * from[f];
        result.base[at(o)] = from[d];  // the same for every row
      }
  }
  return result;
}

}  // namespace cairn
