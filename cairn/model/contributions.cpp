#include "cairn/model/contributions.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/data/time_order.h"
#include "cairn/model/numeric.h"

namespace cairn {
namespace {

constexpr std::int64_t kRows = 1024;  // a tile of dense rows at a time

using Shares = std::vector<ColumnShare>;

Shares shares_of(const std::string& column, const std::unordered_map<std::string, Shares>& known) {
  const auto it = known.find(column);
  if (it == known.end())
    throw InternalError("contributions", fmt::format("nobody says where '{}' comes from", column));
  return it->second;
}

void check_explains(const PipelineModel& model, const char* flag) {
  if (!model.explains())
    throw NotSupported(
        flag,
        fmt::format("{} has no exact contributions; linear and logistic models and trees with constant "
                    "leaves have them",
                    model.card().learner.empty() ? std::string(model.model().kind()) : model.card().learner),
        "The report shows which columns any model leans on: importance, by shuffling them.");
}

Contributions own_contributions(const PipelineModel& model, const Table& table) {
  check_explains(model, "--explain");
  const Table transformed = model.transformed(table);
  Contributions result = model.model().contributions(transformed, column_shares(model, transformed));
  for (const ColumnSpec& spec : model.schema().columns) result.columns.push_back(spec.name);
  return result;
}

}  // namespace

// From the columns of the schema through every transform to the features.
ColumnShares column_shares(const PipelineModel& model, const Table& transformed) {
  std::unordered_map<std::string, Shares> known;
  ColumnShares result;
  for (const ColumnSpec& spec : model.schema().columns)
    known[spec.name] = {{static_cast<std::int32_t>(result.num_columns++), 1.0}};
  for (const auto& transform : model.transforms()) {
    std::vector<std::pair<std::string, Shares>> made;  // looked up before any name is given anew
    for (const MadeColumn& column : transform->made_columns()) {
      Shares shares;
      for (const Origin& origin : column.from)
        for (const ColumnShare& s : shares_of(origin.column, known))
          shares.push_back({s.column, s.share * origin.share});
      made.emplace_back(column.name, std::move(shares));
    }
    for (auto& [name, shares] : made) known[name] = std::move(shares);
  }
  for (const Column& c : transformed.columns()) {
    if (c.kind() == ColumnKind::tensor) {
      for (const std::string& feature : c.feature_names())
        result.of_feature[feature] = shares_of(c.name(), known);
    } else {
      result.of_feature[c.name()] = shares_of(c.name(), known);
    }
  }
  return result;
}

double Contributions::score(std::int64_t row, std::size_t output) const {
  const std::size_t c = columns.size();
  double sum = base[output];
  for (std::size_t j = 0; j < c; ++j) sum += parts[(at(row) * outputs.size() + output) * c + j];
  return sum;
}

Contributions Model::contributions(const Table&, const ColumnShares&) const {
  throw NotSupported(std::string(kind()), "has no exact contributions");
}

Contributions NumericModel::contributions(const Table& table, const ColumnShares& shares) const {
  const Matrix x = features_of(table);
  const LinearScore linear = linear_score();
  std::vector<Shares> of_feature;
  for (const std::string& name : feature_names()) of_feature.push_back(shares_of(name, shares.of_feature));
  const std::size_t k = linear.outputs.size(), c = at(shares.num_columns), d = feature_names().size();
  Contributions result{.outputs = linear.outputs,
                       .columns = {},
                       .base = linear.intercepts,
                       .parts = std::vector<double>(at(x.rows()) * k * c)};
  const auto add = [&](std::size_t row, std::size_t feature, double value) {
    for (std::size_t o = 0; o < k; ++o)
      for (const ColumnShare& s : of_feature[feature])
        result.parts[(row * k + o) * c + at(s.column)] += s.share * linear.weights[o * d + feature] * value;
  };
  parallel_for(x.rows(), kRows, [&](std::int64_t begin, std::int64_t end) {
    if (x.is_sparse()) {
      const bool f32 = x.is_f32();
      for (std::int64_t r = begin; r < end; ++r)
        for (std::int64_t i = x.indptr()[at(r)]; i < x.indptr()[at(r + 1)]; ++i)
          add(at(r), at(x.indices()[at(i)]),
              f32 ? static_cast<double>(x.values().data<float>()[at(i)]) : x.values().data<double>()[at(i)]);
      return;
    }
    std::vector<double> tile(at(end - begin) * d);
    x.tile(begin, end, tile.data());
    for (std::int64_t r = begin; r < end; ++r)
      for (std::size_t j = 0; j < d; ++j) add(at(r), j, tile[at(r - begin) * d + j]);
  });
  return result;
}

NumericModel::LinearScore NumericModel::linear_score() const {
  throw NotSupported(std::string(kind()), "has no exact contributions");
}

Contributions contributions(const PipelineModel& model, const Table& table) {
  Contributions result = own_contributions(model, table);
  if (!model.mean_contributions().defined()) return result;
  const auto means = model.mean_contributions().data<double>();
  if (means.size() != result.outputs.size() * result.columns.size())
    throw ModelFileError("model", "its mean contributions are of another number of outputs");
  const std::size_t c = result.columns.size();
  for (std::size_t o = 0; o < result.outputs.size(); ++o)
    for (std::size_t j = 0; j < c; ++j) result.base[o] += means[o * c + j];
  for (std::size_t i = 0; i < result.parts.size(); ++i) result.parts[i] -= means[i % means.size()];
  return result;
}

Contributions contributions_against(const PipelineModel& model, const Table& table, const Table& background) {
  check_explains(model, "--background");
  if (background.num_rows() == 0) throw UsageError("--background", "the data have no rows to compare with");
  if (const auto* own = dynamic_cast<const BackgroundModel*>(&model.model())) {
    const Table transformed = model.transformed(table);
    Contributions result = own->contributions_against(transformed, model.transformed(background),
                                                      column_shares(model, transformed));
    for (const ColumnSpec& spec : model.schema().columns) result.columns.push_back(spec.name);
    return result;
  }
  // A score that is a sum: only the point it is counted from is another.
  Contributions result = own_contributions(model, table);
  const Contributions others = own_contributions(model, background);
  const auto m = static_cast<double>(background.num_rows());
  const std::size_t c = result.columns.size(), width = result.base.size() * c;
  std::vector<double> means(width);
  for (std::size_t i = 0; i < others.parts.size(); ++i) means[i % width] += others.parts[i] / m;
  for (std::size_t i = 0; i < width; ++i) result.base[i / c] += means[i];
  for (std::size_t i = 0; i < result.parts.size(); ++i) result.parts[i] -= means[i % width];
  return result;
}

Tensor mean_contributions(const PipelineModel& model, const Dataset& data) {
  const Contributions all = own_contributions(model, model.inputs(data));
  const std::vector<double> weights = data.weights();
  const std::size_t width = all.outputs.size() * all.columns.size();
  std::vector<double> means(width);
  double total = 0;
  for (std::size_t r = 0; r < at(data.num_rows()); ++r) {
    const double w = weights.empty() ? 1 : weights[r];
    if (w == 0) continue;
    total += w;
    for (std::size_t i = 0; i < width; ++i) means[i] += (all.parts[r * width + i] - means[i]) * (w / total);
  }
  return Tensor::take(std::move(means))
      .reshape(Shape{static_cast<std::int64_t>(all.outputs.size()),
                     static_cast<std::int64_t>(all.columns.size())});
}

// No more than a few tens of megabytes of contributions.
Tensor mean_contributions_of_sample(const PipelineModel& model, const Dataset& data) {
  constexpr std::int64_t kEnoughRows = 20'000, kMostCells = 4'000'000;
  const std::int64_t width =
      model.num_columns() * std::max<std::int64_t>(1, static_cast<std::int64_t>(model.classes().size()));
  const std::int64_t most =
      std::clamp<std::int64_t>(kMostCells / std::max<std::int64_t>(1, width), 1, kEnoughRows);
  if (data.num_rows() <= most) return mean_contributions(model, data);
  if (!model.looks_back_on().empty() && !data.roles().time.empty())  // with their past among them
    return mean_contributions(model, data.select(latest_rows(data.table().column(data.roles().time), most)));
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < most; ++i) rows.push_back(i * data.num_rows() / most);
  return mean_contributions(model, data.select(rows));
}

}  // namespace cairn
