// Which columns matter together: the mean size of SHAP interaction values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/index.h"
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

// Fewer of large forests.
Table sampled(const Table& rows, const TreeEnsemble& trees, std::uint64_t seed) {
  const double each = static_cast<double>(std::max<std::int64_t>(1, trees.num_nodes())) *
                      static_cast<double>(std::max<std::int64_t>(1, trees.num_features()));
  const auto most = static_cast<std::int64_t>(
      std::clamp(kWork / each, static_cast<double>(kFewRows), static_cast<double>(kRows)));
  if (rows.num_rows() <= most) return rows;
  auto order = Random(seed, "interaction rows").permutation(rows.num_rows());
  order.resize(at(most));
  std::ranges::sort(order);
  return rows.select(order);
}

// Which columns stand behind each feature, numbered among those that stand behind any: of a table of very
// many columns few may be left, and pairs of all of them would not fit into memory.
struct Behind {
  std::vector<std::vector<ColumnShare>> of_feature;  // [d]; column: a place in `columns`
  std::vector<std::int32_t> columns;                 // of the schema
};

Behind columns_behind(const TreeFeatures& features, const ColumnShares& shares) {
  Behind behind;
  std::vector<std::string> absent;
  std::vector<std::int32_t> place(at(shares.num_columns), -1);
  for (const TreeFeature& f : features.list()) {
    const auto it = shares.of_feature.find(f.name);
    if (it == shares.of_feature.end()) {
      absent.push_back(fmt::format("'{}'", f.name));
      continue;
    }
    for (const ColumnShare& s : behind.of_feature.emplace_back(it->second)) place[at(s.column)] = 0;
  }
  if (!absent.empty())
    throw ModelFileError("model", fmt::format("its trees ask about {}, which its transforms do not make",
                                              fmt::join(absent, ", ")));
  for (std::size_t c = 0; c < place.size(); ++c) {
    if (place[c] < 0) continue;
    place[c] = static_cast<std::int32_t>(behind.columns.size());
    behind.columns.push_back(static_cast<std::int32_t>(c));
  }
  for (std::vector<ColumnShare>& feature : behind.of_feature)
    for (ColumnShare& s : feature) s.column = place[at(s.column)];
  return behind;
}

}  // namespace

const TreeModel* trees_of(const PipelineModel& model) {
  if (const auto* quantiles = dynamic_cast<const QuantileForestModel*>(&model.model()))
    return &quantiles->forest();
  return dynamic_cast<const TreeModel*>(&model.model());
}

const TreeModel& trees_for_interactions(const PipelineModel& model) {
  const TreeModel* trees = trees_of(model);
  if (!trees)
    throw NotSupported(
        "--interactions",
        fmt::format("'{}' is no model of trees; what columns bring together is told of those",
                    model.card().learner.empty() ? std::string(model.model().kind()) : model.card().learner),
        model.card().learner == "blend" ? "cairn train --no-blend ships one learner." : "");
  if (trees->trees().is_linear())
    throw NotSupported("--interactions",
                       "leaves of this model answer along lines; what columns bring together is "
                       "told of constant leaves",
                       "Train with --set leaves=constant.");
  const std::int64_t d = trees->trees().num_features(), k = trees->trees().num_outputs();
  if (d > kMostFeatures || (d + 1) * (d + 1) * k > kMostCells)
    throw NotSupported("--interactions",
                       fmt::format("{} features and {} outputs have more pairs than can be told", d, k),
                       "Leave columns out with --ignore when you train.");
  return *trees;
}

Json interactions_to_json(const PipelineModel& model, const Table& rows, std::int64_t count,
                          std::uint64_t seed, const StopToken& stop) {
  const TreeModel& trees = trees_for_interactions(model);
  const std::int64_t d = trees.trees().num_features(), k = trees.trees().num_outputs();
  // Rows that are each other's past are drawn when that has been told.
  const Table some = model.looks_back_on().empty() ? model.transformed(sampled(rows, trees.trees(), seed))
                                                   : sampled(model.transformed(rows), trees.trees(), seed);
  const Behind behind = columns_behind(trees.features(), column_shares(model, some));
  const std::int64_t width = d + 1, columns = std::ssize(behind.columns);
  if (columns * columns > kMostCells)  // a feature may be made of many
    throw NotSupported("--interactions", fmt::format("{} columns have more pairs than can be told", columns),
                       "Leave columns out with --ignore when you train.");
  const std::int64_t step = std::max<std::int64_t>(1, kMostCells / (k * width * width));
  std::vector<double> mean(at(columns * columns)), one(mean.size());
  for (std::int64_t begin = 0; begin < some.num_rows(); begin += step) {
    const std::int64_t end = std::min(begin + step, some.num_rows());
    std::vector<double> values(at((end - begin) * k * width * width));
    shap_interactions(trees.trees(), trees.features().matrix(some.slice(begin, end)), values, stop);
    for (std::int64_t i = 0; i < (end - begin) * k; ++i) {
      std::ranges::fill(one, 0.0);
      const double* pairs = values.data() + i * width * width;
      for (std::int64_t a = 0; a < d; ++a)
        for (std::int64_t b = 0; b < d; ++b)
          for (const ColumnShare& sa : behind.of_feature[at(a)])
            for (const ColumnShare& sb : behind.of_feature[at(b)])
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
  const auto name = [&](std::int64_t c) { return model.schema().columns[at(behind.columns[at(c)])].name; };
  Json list = Json::array();
  for (const Pair& p : found) list.push_back({{"columns", {name(p.a), name(p.b)}}, {"value", p.value}});
  const bool shares_out = trees.trees().options().output == TreeOutput::share;
  return {{"rows", some.num_rows()},
          {"score_of", !is_classification(model.task()) ? "the prediction"
                       : shares_out                     ? "the probability"
                                                        : "the log-odds"},
          {"pairs", std::move(list)}};
}

}  // namespace cairn
