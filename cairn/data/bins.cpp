#include "cairn/data/bins.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cairn/base/parallel.h"
#include "cairn/data/summary.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;

// Of a quantile bin: scikit-learn's, but of the range where that is below 1, so that no unit is too small.
constexpr double kNarrowest = 1e-8;

// Between how many bins, and where one ends.
struct Cuts {
  std::string name;
  std::vector<double> at;  // ascending; one fewer than bins
  void visit(Visitor& v) {
    v.value("name", name);
    v.value("at", at);
    if (v.loading() && (!std::ranges::all_of(at, [](double x) { return std::isfinite(x); }) ||
                        std::ranges::adjacent_find(at, std::greater_equal<>()) != at.end()))
      throw ModelFileError(Bins::kName, fmt::format("the edges of '{}' do not ascend", name));
  }
  std::int32_t bin_of(double x) const {
    return static_cast<std::int32_t>(std::ranges::upper_bound(at, x) - at.begin());
  }
  std::vector<std::string> labels() const;
};

std::vector<std::string> Cuts::labels() const {
  if (at.empty()) return {"all"};
  std::vector<std::string> edges;
  for (const double x : at) edges.push_back(fmt::format("{:.6g}", x));
  if (std::set(edges.begin(), edges.end()).size() != edges.size())
    for (std::size_t i = 0; i < at.size(); ++i) edges[i] = fmt::format("{}", at[i]);
  std::vector<std::string> labels{"below " + edges.front()};
  for (std::size_t i = 1; i < edges.size(); ++i) labels.push_back(edges[i - 1] + " to " + edges[i]);
  labels.push_back(edges.back() + " and above");
  return labels;
}

class FittedBins : public FittedTransform {
 public:
  std::string_view kind() const override { return Bins::kName; }
  void visit(Visitor& v) override {
    v.children("columns", cuts);
    v.value("as_category", as_category);
  }
  Table apply(const Table& features) const override;
  std::string describe() const override {
    if (cuts.empty()) return "bins: no number column";
    return fmt::format("bins of {} as {} ({})", transform_detail::columns_in_words(cuts.size()),
                       as_category ? "categories" : "numbers",
                       transform_detail::shortened(cuts.size(), [&](std::size_t i) {
                         std::string text = fmt::format("{} in {}", cuts[i].name, cuts[i].at.size() + 1);
                         for (std::size_t e = 0; e < std::min<std::size_t>(cuts[i].at.size(), 9); ++e)
                           text += fmt::format("{}{:.6g}", e == 0 ? " cut at " : " ", cuts[i].at[e]);
                         return text;
                       }));
  }

  std::vector<Cuts> cuts;
  bool as_category = true;
};

Table FittedBins::apply(const Table& features) const {
  std::vector<std::string> names;
  for (const Cuts& c : cuts) names.push_back(c.name);
  const auto at = find_all(features, names, {ColumnKind::number, ColumnKind::integer}, kind());
  const DType dtype = transform_detail::feature_dtype(features);
  std::vector<std::vector<Column>> in_place(at.size());
  parallel_for(static_cast<std::int64_t>(at.size()), 1, [&](std::int64_t b, std::int64_t e) {
    for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) {
      const Tensor numbers = features.columns()[at[i]].numbers();
      std::vector<std::int32_t> codes;
      for (const double x : numbers.data<double>()) codes.push_back(std::isnan(x) ? -1 : cuts[i].bin_of(x));
      if (as_category) {
        in_place[i] = {Column::category(names[i], Tensor::take(std::move(codes)), cuts[i].labels())};
        continue;
      }
      std::vector<double> values;
      for (const std::int32_t code : codes) values.push_back(code < 0 ? std::nan("") : code);
      in_place[i] = {Column::number(names[i], Tensor::take(std::move(values)).to(dtype))};
    }
  });
  return transform_detail::replace(features, at, std::move(in_place), {}, kind());
}

Cuts cuts_of(const Column& c, const std::vector<double>& weights, const BinsParams& p) {
  Cuts cuts{.name = c.name(), .at = {}};
  const Tensor numbers = c.numbers();
  const auto values = numbers.data<double>();
  const Moments m = moments(values, weights);
  transform_detail::check_range(c, m, Bins::kName);
  if (m.count == 0 || m.low == m.high) return cuts;
  std::vector<double> edges;
  const auto n = static_cast<double>(p.bins);
  if (p.strategy == "width") {
    const double step = (m.high - m.low) / n;
    for (double k = 1; k < n; ++k) edges.push_back(m.low + k * step);
  } else {
    std::vector<double> shares;
    for (double k = 0; k <= n; ++k) shares.push_back(k / n);
    const std::vector<double> all = quantiles(values, shares, weights);
    // The first edge stays, and each that is not next to the one before it; the last is no cut.
    const double narrowest = kNarrowest * std::min(1.0, m.high - m.low);
    double before = all.front();
    for (std::size_t k = 1; k < all.size(); ++k) {
      if (!(all[k] - before > narrowest)) continue;
      edges.push_back(all[k]);
      before = all[k];
    }
    if (!edges.empty()) edges.pop_back();
  }
  for (const double e : edges)
    if (cuts.at.empty() || e > cuts.at.back()) cuts.at.push_back(e);
  return cuts;
}

}  // namespace

const ParamList& BinsParams::list() {
  static const ParamList l{
      param<&BinsParams::bins>("bins", "how many bins a column is cut into at most", between(2, 1000),
                               {"n_bins"}),
      param<&BinsParams::strategy>("strategy", "edges at equal shares of the rows or at equal widths",
                                   one_of("quantile", "width"), {"uniform=width"}),
      param<&BinsParams::output>("output", "what a bin becomes: a category, or its number from 0 on",
                                 one_of("category", "number"), {"encode"}),
      param<&BinsParams::columns>("columns",
                                  "one column to act on; may be repeated; default: every number column"),
  };
  return l;
}

std::unique_ptr<FittedTransform> Bins::fit(const Dataset& data, const TransformContext& context) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  const auto names =
      transform_detail::choose(features, params_.columns, {ColumnKind::number, ColumnKind::integer}, kName);
  const auto at = find_all(features, names, {ColumnKind::number, ColumnKind::integer}, kName);
  auto fitted = std::make_unique<FittedBins>();
  fitted->as_category = params_.output == "category";
  fitted->cuts.resize(at.size());
  parallel_for(
      static_cast<std::int64_t>(at.size()), 1,
      [&](std::int64_t b, std::int64_t e) {
        for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i)
          fitted->cuts[i] = cuts_of(features.columns()[at[i]], weights, params_);
      },
      context.stop);
  return fitted;
}

TransformEntry bins_entry() {
  return transform_entry<Bins>(
      "numbers cut into bins of equal shares or widths",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedBins>(); }, {.units = true});
}

}  // namespace cairn
