#include "cairn/data/column_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/data/summary.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using transform_detail::choose;
using transform_detail::find_all;
using transform_detail::shortened;
using transform_detail::standardised;

constexpr auto kVarying = {ColumnKind::number, ColumnKind::integer, ColumnKind::boolean, ColumnKind::category,
                           ColumnKind::tensor};
constexpr auto kNumbers = {ColumnKind::number, ColumnKind::integer};
constexpr std::int64_t kMostCorrelated = 5000;

// An encoded column and the features of it that stay.
struct KeptFeatures {
  std::string name;
  std::vector<std::int64_t> kept;  // ascending
  std::int64_t of = 0;
  void visit(Visitor& v) {
    v.value("name", name);
    v.value("kept", kept);
    v.value("of", of);
    if (v.loading() && (of < 0 || !std::ranges::is_sorted(kept, std::less_equal<>()) ||
                        (!kept.empty() && (kept.front() < 0 || kept.back() >= of))))
      throw ModelFileError(VarianceFilter::kName,
                           fmt::format("the kept features of '{}' are none of it", name));
  }
};

template <class T>
Matrix sparse_part(const Matrix& x, const std::vector<std::int64_t>& kept) {
  std::vector<std::int32_t> place(static_cast<std::size_t>(x.columns()), -1);
  for (std::size_t i = 0; i < kept.size(); ++i)
    place[static_cast<std::size_t>(kept[i])] = static_cast<std::int32_t>(i);
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> where;
  std::vector<T> values;
  const auto from = x.values().data<T>();
  for (std::size_t r = 0; r < static_cast<std::size_t>(x.rows()); ++r) {
    for (auto i = static_cast<std::size_t>(x.indptr()[r]); i < static_cast<std::size_t>(x.indptr()[r + 1]);
         ++i)
      if (const std::int32_t to = place[static_cast<std::size_t>(x.indices()[i])]; to >= 0) {
        where.push_back(to);
        values.push_back(from[i]);
      }
    starts.push_back(static_cast<std::int64_t>(where.size()));
  }
  return Matrix::from_csr(std::ssize(kept), Tensor::take(std::move(starts)), Tensor::take(std::move(where)),
                          Tensor::take(std::move(values)));
}

Matrix part_of(const Matrix& x, const std::vector<std::int64_t>& kept) {
  if (x.is_sparse()) return x.is_f32() ? sparse_part<float>(x, kept) : sparse_part<double>(x, kept);
  std::vector<Tensor> columns;
  const Tensor dense = x.layout() == Matrix::Layout::rows ? x.dense() : Tensor();
  for (const std::int64_t f : kept)
    columns.push_back(dense.defined() ? dense.slice(1, f, f + 1).contiguous().reshape({x.rows()})
                                      : x.column_tensors()[static_cast<std::size_t>(f)]);
  return Matrix::from_columns(std::move(columns), x.rows());
}

class FittedFilter : public FittedTransform {
 public:
  explicit FittedFilter(const char* kind) : kind_(kind) {}
  std::string_view kind() const override { return kind_; }
  void visit(Visitor& v) override {
    v.value("columns", examined);
    v.value("dropped", dropped);
    v.children("features", features);
    v.value("why", why);
    if (!v.loading()) return;
    const std::unordered_set<std::string_view> known(examined.begin(), examined.end());
    for (const std::string& name : dropped)
      if (!known.contains(name))
        throw ModelFileError(std::string(kind_), fmt::format("drops '{}', which it did not look at", name));
  }
  Table apply(const Table& table) const override;
  std::string describe() const override {
    if (examined.empty()) return fmt::format("{}: no column to look at", kind_);
    std::int64_t features_gone = 0;
    for (const KeptFeatures& f : features) features_gone += f.of - std::ssize(f.kept);
    std::string text = fmt::format("{} ({}) leaves out {} of {}", kind_, why, dropped.size(),
                                   transform_detail::columns_in_words(examined.size()));
    if (!dropped.empty())
      text += fmt::format(" ({})", shortened(dropped.size(), [&](std::size_t i) { return dropped[i]; }));
    if (features_gone > 0) text += fmt::format(" and {} encoded features", features_gone);
    return text;
  }

  std::vector<std::string> examined, dropped;
  std::vector<KeptFeatures> features;  // of the encoded columns among those that stay
  std::string why;                     // "variance <= 0"

 private:
  const char* kind_;
};

Table FittedFilter::apply(const Table& table) const {
  find_all(table, examined, kVarying, kind_);
  std::vector<std::string> names;
  for (const KeptFeatures& f : features) names.push_back(f.name);
  auto at = find_all(table, names, {ColumnKind::tensor}, kind_);
  std::vector<std::vector<Column>> in_place;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Column& c = table.columns()[at[i]];
    if (c.matrix().columns() != features[i].of)
      throw DataError(
          fmt::format("column '{}'", c.name()),
          fmt::format("has {} features; {} was fitted on {}", c.matrix().columns(), kind_, features[i].of));
    if (std::ssize(features[i].kept) == features[i].of) {
      in_place.push_back({c});
      continue;
    }
    std::vector<std::string> labels;
    for (const std::int64_t f : features[i].kept)
      labels.push_back(c.feature_names()[static_cast<std::size_t>(f)]);
    in_place.push_back(
        {Column::features(c.name(), part_of(c.matrix(), features[i].kept), std::move(labels))});
  }
  for (const std::size_t gone : find_all(table, dropped, kVarying, kind_)) {
    at.push_back(gone);
    in_place.emplace_back();
  }
  return transform_detail::replace(table, at, std::move(in_place), {}, kind_);
}

double variance_of(const Column& c, std::span<const double> weights) {
  const Tensor numbers = c.numbers();
  const Moments m = moments(numbers.data<double>(), weights);
  return m.count == 0 || m.is_constant() ? 0 : m.deviation * m.deviation;
}

// A level's count is enough: one level, or none.
bool has_one_level(const Column& c, const std::vector<double>& weights) {
  std::int32_t first = -1;
  for (std::size_t r = 0; r < c.codes().size(); ++r) {
    if (c.codes()[r] < 0 || (!weights.empty() && weights[r] == 0)) continue;
    if (first >= 0 && c.codes()[r] != first) return false;
    first = c.codes()[r];
  }
  return true;
}

// Calls use(row, feature, value) for every entry that is stored and not missing.
template <class Use>
void for_each_entry(const Matrix& x, Use&& use) {
  std::vector<double> row(x.is_sparse() ? 0 : at(x.columns()));
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    if (x.is_sparse()) {
      for (auto i = at(x.indptr()[at(r)]); i < at(x.indptr()[at(r) + 1]); ++i)
        use(at(r), at(x.indices()[i]),
            x.is_f32() ? static_cast<double>(x.values().data<float>()[i]) : x.values().data<double>()[i]);
    } else {
      x.tile(r, r + 1, row.data());
      for (std::size_t f = 0; f < row.size(); ++f) use(at(r), f, row[f]);
    }
  }
}

// Of every feature of an encoded column, zeros that are not stored included; a missing entry is no row of its
// feature. NaN where an entry is infinite.
std::vector<double> variances_of(const Matrix& x, const std::vector<double>& weights) {
  const auto d = static_cast<std::size_t>(x.columns());
  const auto weight = [&](std::size_t r) { return weights.empty() ? 1 : weights[r]; };
  double all = 0;
  for (std::size_t r = 0; r < static_cast<std::size_t>(x.rows()); ++r) all += weight(r);
  std::vector<double> total(d, all), stored(d), mean(d), squares(d);
  for_each_entry(x, [&](std::size_t r, std::size_t f, double v) {
    if (std::isnan(v)) {
      total[f] -= weight(r);
      return;
    }
    stored[f] += weight(r);
    mean[f] += weight(r) * v;
  });
  for (std::size_t f = 0; f < d; ++f) mean[f] = total[f] > 0 ? mean[f] / total[f] : 0;
  for_each_entry(x, [&](std::size_t r, std::size_t f, double v) {
    if (!std::isnan(v)) squares[f] += weight(r) * (v - mean[f]) * (v - mean[f]);
  });
  for (std::size_t f = 0; f < d; ++f) {
    const double v = total[f] > 0 ? (squares[f] + (total[f] - stored[f]) * mean[f] * mean[f]) / total[f] : 0;
    // What rounding makes of equal numbers, as in Moments::is_constant().
    const double rounding =
        static_cast<double>(x.rows()) * std::numeric_limits<double>::epsilon() * std::abs(mean[f]);
    squares[f] = v <= rounding * rounding ? 0 : v;
  }
  return squares;
}

}  // namespace

const ParamList& VarianceFilterParams::list() {
  static const ParamList l{
      param<&VarianceFilterParams::threshold>("threshold", "the largest variance that is left out",
                                              between(0, 1e300)),
      param<&VarianceFilterParams::columns>(
          "columns", "one column to look at; may be repeated; default: all but texts, dates and pictures"),
  };
  return l;
}

std::unique_ptr<FittedTransform> VarianceFilter::fit(const Dataset& data,
                                                     const TransformContext& context) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedFilter>(kName);
  fitted->examined = choose(features, params_.columns, kVarying, kName);
  fitted->why = fmt::format("variance at most {:g}", params_.threshold);
  for (const std::size_t i : find_all(features, fitted->examined, kVarying, kName)) {
    context.stop.throw_if_requested(kName);
    const Column& c = features.columns()[i];
    if (c.kind() == ColumnKind::tensor) {
      KeptFeatures kept{.name = c.name(), .kept = {}, .of = c.matrix().columns()};
      const std::vector<double> variances = variances_of(c.matrix(), weights);
      for (std::size_t f = 0; f < variances.size(); ++f)
        if (!(variances[f] <= params_.threshold)) kept.kept.push_back(static_cast<std::int64_t>(f));
      if (kept.kept.empty())
        fitted->dropped.push_back(c.name());
      else
        fitted->features.push_back(std::move(kept));
      continue;
    }
    if (c.kind() == ColumnKind::category ? has_one_level(c, weights)
                                         : variance_of(c, weights) <= params_.threshold)
      fitted->dropped.push_back(c.name());
  }
  return fitted;
}

const ParamList& CorrelationFilterParams::list() {
  static const ParamList l{
      param<&CorrelationFilterParams::threshold>(
          "threshold", "a correlation above this, of either sign, leaves the later column out",
          between(0, 1)),
      param<&CorrelationFilterParams::columns>(
          "columns", "one column to look at; may be repeated; default: every number column"),
  };
  return l;
}

std::unique_ptr<FittedTransform> CorrelationFilter::fit(const Dataset& data,
                                                        const TransformContext& context) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedFilter>(kName);
  fitted->examined = choose(features, params_.columns, kNumbers, kName);
  fitted->why = fmt::format("correlation above {:g}", params_.threshold);
  const auto at = find_all(features, fitted->examined, kNumbers, kName);
  const auto d = static_cast<std::int64_t>(at.size());
  if (d > kMostCorrelated)
    throw ResourceError(kName,
                        fmt::format("{} number columns make {} pairs; at most {} columns are compared", d,
                                    d * (d - 1) / 2, kMostCorrelated),
                        "Name fewer columns.");
  if (d < 2) return fitted;
  // On a common scale, so that one huge column does not drown the others.
  std::vector<Tensor> scaled(at.size());
  parallel_for(
      d, 1,
      [&](std::int64_t b, std::int64_t e) {
        for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i)
          scaled[i] = Tensor::take(standardised(features.columns()[at[i]], weights));
      },
      context.stop);
  const auto gram = linalg::gram(Matrix::from_columns(std::move(scaled), data.num_rows()),
                                 {.weights = weights, .stop = context.stop});
  const auto product = [&](std::size_t i, std::size_t j) { return gram.products[i * at.size() + j]; };
  std::vector<std::size_t> kept;
  for (std::size_t j = 0; j < at.size(); ++j) {
    const bool told = std::ranges::any_of(kept, [&](std::size_t i) {
      const double size = std::sqrt(product(i, i) * product(j, j));
      return size > 0 && std::abs(product(i, j)) > params_.threshold * size;
    });
    if (told)
      fitted->dropped.push_back(fitted->examined[j]);
    else
      kept.push_back(j);
  }
  return fitted;
}

TransformEntry variance_filter_entry() {
  return transform_entry<VarianceFilter>("columns and features that hardly vary left out",
                                         []() -> std::unique_ptr<FittedTransform> {
                                           return std::make_unique<FittedFilter>(VarianceFilter::kName);
                                         });
}
TransformEntry correlation_filter_entry() {
  return transform_entry<CorrelationFilter>("number columns that another one tells already left out",
                                            []() -> std::unique_ptr<FittedTransform> {
                                              return std::make_unique<FittedFilter>(CorrelationFilter::kName);
                                            });
}

}  // namespace cairn
