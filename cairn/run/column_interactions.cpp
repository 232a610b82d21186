// Which columns matter together: the mean size of SHAP interaction values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/random.h"
#include "cairn/model/contributions.h"
#include "cairn/run/explain_internal.h"
#include "cairn/tree/quantile_forest.h"
#include "cairn/tree/shap.h"

namespace cairn {
namespace {

constexpr std::int64_t kRows = 500, kFewRows = 5;  // whose values are averaged
constexpr double kWork = 1e8;  // nodes times features times rows: each feature costs a row another walk
constexpr std::int64_t kMostCells = 4'000'000;  // numbers held at a time
constexpr std::int64_t kMostFeatures = 1000;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Fewer of large forests.
Table sampled(const Table& rows, const TreeEnsemble& trees, std::uint64_t seed) {
  const double each =
      static_cast<double>(trees.num_nodes() * std::max<std::int64_t>(1, trees.num_features()));
  const auto most = std::clamp(static_cast<std::int64_t>(kWork / each), kFewRows, kRows);
  if (rows.num_rows() <= most) return rows;
  auto order = Random(seed, "interaction rows").permutation(rows.num_rows());
  order.resize(at(most));
  std::ranges::sort(order);
  return rows.select(order);
}

}  // namespace

const TreeModel* trees_of(const PipelineModel& model) {
  if (const auto* quantiles = dynamic_cast<const QuantileForestModel*>(&model.model()))
    return &quantiles->forest();
  return dynamic_cast<const TreeModel*>(&model.model());
}

Json interactions_to_json(const PipelineModel& model, const Table& rows, std::int64_t count,
                          std::uint64_t seed, const StopToken& stop) {
  const TreeModel* trees = trees_of(model);
  if (!trees)
    throw NotSupported(
        "--interactions",
        fmt::format("'{}' is no model of trees; what columns bring together is told of those",
                    model.card().learner.empty() ? std::string(model.model().kind()) : model.card().learner),
        model.card().learner == "blend" ? "cairn train --no-blend ships one learner." : "");
  const std::int64_t d = trees->trees().num_features(), k = trees->trees().num_outputs();
  if (d > kMostFeatures || (d + 1) * (d + 1) * k > kMostCells)
    throw NotSupported("--interactions",
                       fmt::format("{} features and {} outputs have more pairs than can be told", d, k),
                       "Leave columns out with --ignore when you train.");
  const Table some = model.transformed(sampled(rows, trees->trees(), seed));
  const ColumnShares shares = column_shares(model, some);
  std::vector<const std::vector<ColumnShare>*> of_feature;
  for (const TreeFeature& f : trees->features().list()) of_feature.push_back(&shares.of_feature.at(f.name));
  const std::int64_t width = d + 1, columns = shares.num_columns;
  const std::int64_t step = std::max<std::int64_t>(1, kMostCells / (k * width * width));
  std::vector<double> mean(at(columns * columns)), one(mean.size());
  for (std::int64_t begin = 0; begin < some.num_rows(); begin += step) {
    const std::int64_t end = std::min(begin + step, some.num_rows());
    std::vector<double> values(at((end - begin) * k * width * width));
    shap_interactions(trees->trees(), trees->features().matrix(some.slice(begin, end)), values, stop);
    for (std::int64_t i = 0; i < (end - begin) * k; ++i) {
      std::ranges::fill(one, 0.0);
      const double* pairs = values.data() + i * width * width;
      for (std::int64_t a = 0; a < d; ++a)
        for (std::int64_t b = 0; b < d; ++b)
          for (const ColumnShare& sa : *of_feature[at(a)])
            for (const ColumnShare& sb : *of_feature[at(b)])
              one[at(sa.column * columns + sb.column)] += sa.share * sb.share * pairs[a * width + b];
      for (std::size_t p = 0; p < one.size(); ++p) mean[p] += std::abs(one[p]);
    }
  }
  struct Pair {
    std::int64_t a, b;
    double value;
  };
  std::vector<Pair> found;
  const auto told = static_cast<double>(some.num_rows() * k);
  for (std::int64_t a = 0; a < columns; ++a)
    for (std::int64_t b = a + 1; b < columns; ++b)  // both halves of a pair are alike
      if (const double v = 2 * mean[at(a * columns + b)] / told; v > 0) found.push_back({a, b, v});
  std::ranges::stable_sort(found, std::greater{}, &Pair::value);
  if (std::ssize(found) > count) found.resize(at(count));
  const auto& schema = model.schema().columns;
  Json list = Json::array();
  for (const Pair& p : found)
    list.push_back({{"columns", {schema[at(p.a)].name, schema[at(p.b)].name}}, {"value", p.value}});
  const bool shares_out = trees->trees().options().output == TreeOutput::share;
  return {{"rows", some.num_rows()},
          {"score_of", !is_classification(model.task()) ? "the prediction"
                       : shares_out                     ? "the probability"
                                                        : "the log-odds"},
          {"pairs", std::move(list)}};
}

}  // namespace cairn
