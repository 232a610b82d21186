#include "cairn/data/one_hot.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "cairn/base/parallel.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::level_codes;
using transform_detail::level_names;

constexpr const char* kOther = "other";
constexpr std::size_t kDenseFeatures = 50;  // beyond this many, zeros are not stored

// What became of one column's levels.
struct Encoding {
  std::string name;
  std::vector<std::string>
      features;  // the levels that have a feature, 'other' among them if there is such a bucket
  std::vector<std::string> grouped;  // the levels that fall into 'other'
  void visit(Visitor& v) {
    v.value("name", name);
    v.value("features", features);
    v.value("grouped", grouped);
  }
};

Encoding encoding_of(const Column& c, const std::vector<double>& weights, const OneHotParams& p) {
  const std::vector<std::string> levels = level_names(c);
  const std::vector<std::int32_t> codes = level_codes(c);
  std::vector<std::int64_t> counts(levels.size(), 0);
  for (std::size_t r = 0; r < codes.size(); ++r)
    if (codes[r] >= 0 && (weights.empty() || weights[r] > 0)) ++counts[static_cast<std::size_t>(codes[r])];
  std::vector<std::size_t> kept, rare;
  for (std::size_t i = 0; i < levels.size(); ++i)
    if (counts[i] > 0) (counts[i] >= p.min_frequency ? kept : rare).push_back(i);
  if (const auto most = static_cast<std::size_t>(p.max_levels); kept.size() + !rare.empty() > most) {
    std::ranges::sort(kept, {}, [&](std::size_t i) { return std::pair(-counts[i], i); });
    rare.insert(rare.end(), kept.begin() + static_cast<std::ptrdiff_t>(most - 1), kept.end());
    kept.resize(most - 1);
    std::ranges::sort(kept);
    std::ranges::sort(rare);
  }
  Encoding encoding{.name = c.name()};
  for (const std::size_t i : kept) encoding.features.push_back(levels[i]);
  for (const std::size_t i : rare) encoding.grouped.push_back(levels[i]);
  if (!rare.empty() && std::ranges::find(encoding.features, kOther) == encoding.features.end())
    encoding.features.push_back(kOther);
  if (p.drop_first && !encoding.features.empty()) encoding.features.erase(encoding.features.begin());
  return encoding;
}

class FittedOneHot : public FittedTransform {
 public:
  std::string_view kind() const override { return OneHot::kName; }
  Table apply(const Table& features) const override;
  std::string describe() const override;
  void visit(Visitor& v) override {
    v.children("encodings", encodings);
    v.value("sparse", sparse);
  }

  std::vector<Encoding> encodings;
  bool sparse = false;
};

// The feature that each level of this column switches on; -1 for none.
std::vector<std::int32_t> feature_of_level(const Column& c, const Encoding& encoding) {
  std::unordered_map<std::string_view, std::int32_t> feature;
  for (const std::string& level : encoding.features)
    feature.emplace(level, static_cast<std::int32_t>(feature.size()));
  const auto other = feature.find(kOther);
  for (const std::string& level : encoding.grouped)
    feature.emplace(level, other == feature.end() ? -1 : other->second);
  const std::vector<std::string> levels = level_names(c);
  std::vector<std::int32_t> result;
  for (const std::string& level : levels) {
    const auto it = feature.find(level);
    result.push_back(it == feature.end() ? -1 : it->second);
  }
  return result;
}

template <class T>
Matrix dense(const std::vector<std::int32_t>& active, std::size_t width) {
  const Shape shape{static_cast<std::int64_t>(active.size())};
  std::vector<Tensor> columns(width);
  std::vector<std::span<T>> out;
  for (Tensor& column : columns) {
    column = Tensor::zeros(shape, kDTypeOf<T>);
    out.push_back(column.template mutable_data<T>());
  }
  for (std::size_t r = 0; r < active.size(); ++r)
    if (active[r] >= 0) out[static_cast<std::size_t>(active[r])][r] = 1;
  return Matrix::from_columns(std::move(columns), shape[0]);
}

template <class T>
Matrix csr(const std::vector<std::int32_t>& active, std::size_t width) {
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> where;
  starts.reserve(active.size() + 1);
  for (const std::int32_t feature : active) {
    if (feature >= 0) where.push_back(feature);
    starts.push_back(static_cast<std::int64_t>(where.size()));
  }
  std::vector<T> ones(where.size(), T{1});
  return Matrix::from_csr(static_cast<std::int64_t>(width), Tensor::take(std::move(starts)),
                          Tensor::take(std::move(where)), Tensor::take(std::move(ones)));
}

Table FittedOneHot::apply(const Table& features) const {
  std::vector<std::string> names;
  for (const Encoding& e : encodings) names.push_back(e.name);
  const auto at = find_all(features, names, {ColumnKind::category, ColumnKind::boolean}, OneHot::kName);
  const bool f32 = transform_detail::feature_dtype(features) == DType::f32;
  std::vector<std::vector<Column>> in_place(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Encoding& encoding = encodings[i];
    const std::size_t width = encoding.features.size();
    if (width == 0) continue;
    const Column& c = features.columns()[at[i]];
    const std::vector<std::int32_t> feature = feature_of_level(c, encoding);
    std::vector<std::int32_t> active = level_codes(c);
    for (std::int32_t& code : active) code = code < 0 ? -1 : feature[static_cast<std::size_t>(code)];
    Matrix encoded = sparse ? (f32 ? csr<float>(active, width) : csr<double>(active, width))
                            : (f32 ? dense<float>(active, width) : dense<double>(active, width));
    std::vector<std::string> feature_names;
    for (const std::string& level : encoding.features)
      feature_names.push_back(fmt::format("{}={}", encoding.name, level));
    in_place[i].push_back(Column::features(encoding.name, std::move(encoded), std::move(feature_names)));
  }
  return transform_detail::replace(features, at, std::move(in_place), {}, OneHot::kName);
}

std::string FittedOneHot::describe() const {
  if (encodings.empty()) return "one_hot: no category column";
  std::size_t total = 0;
  for (const Encoding& e : encodings) total += e.features.size();
  return fmt::format(
      "one_hot of {} column{} into {} {}features ({})", encodings.size(), encodings.size() == 1 ? "" : "s",
      total, sparse ? "sparse " : "", transform_detail::shortened(encodings.size(), [&](std::size_t i) {
        const Encoding& e = encodings[i];
        return fmt::format(
            "{} {}{}", e.name, e.features.size(),
            e.grouped.empty() ? "" : fmt::format(", {} rare levels as 'other'", e.grouped.size()));
      }));
}

}  // namespace

const ParamList& OneHotParams::list() {
  static const ParamList l{
      param<&OneHotParams::drop_first>("drop_first", "leave out each column's first level", {}, {"drop"}),
      param<&OneHotParams::min_frequency>(
          "min_frequency", "levels with fewer training rows are put together as 'other'", at_least(1)),
      param<&OneHotParams::max_levels>("max_levels",
                                       "features a column; the rarest levels are put together as 'other'",
                                       between(2, 1'000'000), {"max_categories"}),
      param<&OneHotParams::sparse>("sparse", "store no zeros; auto: when there are more than 50 features",
                                   one_of("auto", "yes", "no"), {"sparse_output"}),
      param<&OneHotParams::columns>(
          "columns", "one column to act on; may be repeated; default: every category and boolean"),
  };
  return l;
}

std::unique_ptr<FittedTransform> OneHot::fit(const Dataset& data, const TransformContext& context) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  const auto names =
      transform_detail::choose(features, params_.columns, {ColumnKind::category, ColumnKind::boolean}, kName);
  const auto at = find_all(features, names, {ColumnKind::category, ColumnKind::boolean}, kName);
  auto fitted = std::make_unique<FittedOneHot>();
  fitted->encodings.resize(at.size());
  parallel_for(
      static_cast<std::int64_t>(at.size()), 1,
      [&](std::int64_t b, std::int64_t e) {
        for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i)
          fitted->encodings[i] = encoding_of(features.columns()[at[i]], weights, params_);
      },
      context.stop);
  std::size_t total = 0;
  for (const Encoding& e : fitted->encodings) total += e.features.size();
  fitted->sparse = params_.sparse == "yes" || (params_.sparse == "auto" && total > kDenseFeatures);
  return fitted;
}

TransformEntry one_hot_entry() {
  return transform_entry<OneHot>(
      "categories and booleans to one feature a level",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedOneHot>(); });
}

}  // namespace cairn
