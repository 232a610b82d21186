#include "cairn/data/impute.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/data/summary.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::choose;
using transform_detail::find_all;
using transform_detail::shortened;

constexpr const char* kMissingLevel = "missing";

bool holds_numbers(const Column& c) {
  return c.kind() == ColumnKind::number || c.kind() == ColumnKind::integer;
}

template <class T>
Tensor filled(const Tensor& values, double fill) {
  Tensor result = Tensor::empty(values.shape(), values.dtype());
  const auto from = values.data<T>();
  const auto to = result.mutable_data<T>();
  std::ranges::replace_copy_if(from, to.begin(), [](T x) { return std::isnan(x); }, static_cast<T>(fill));
  return result;
}

Column without_gaps(const Column& c, double fill) {
  Column numbers = c.kind() == ColumnKind::number ? c : Column::number(c.name(), c.numbers());
  if (numbers.num_missing() == 0) return numbers;
  const Tensor& values = numbers.values();
  return Column::number(
      c.name(), values.dtype() == DType::f32 ? filled<float>(values, fill) : filled<double>(values, fill));
}

std::string indicator_name(const std::string& column) { return column + " is missing"; }

// One feature, 1 where the column has a gap.
Column indicator(const Column& c, DType dtype) {
  const std::string name = indicator_name(c.name());
  Tensor flags = Tensor::zeros(Shape{c.size()}, dtype);
  const auto mark = [&](auto to) {
    for (std::int64_t r = 0; r < c.size(); ++r)
      if (c.is_missing(r)) to[static_cast<std::size_t>(r)] = 1;
  };
  if (c.num_missing() > 0)
    dtype == DType::f32 ? mark(flags.mutable_data<float>()) : mark(flags.mutable_data<double>());
  return Column::features(name, Matrix::from_columns({flags}, c.size()), {name});
}

Column category_with_fill(const Column& c, const std::string& fill) {
  std::vector<std::string> levels = c.levels();
  const auto at = std::ranges::find(levels, fill);
  const auto code = static_cast<std::int32_t>(at - levels.begin());
  if (at == levels.end()) levels.push_back(fill);
  if (c.num_missing() == 0) return Column::category(c.name(), c.values(), std::move(levels));
  std::vector<std::int32_t> codes(c.codes().begin(), c.codes().end());
  std::ranges::replace(codes, -1, code);
  return Column::category(c.name(), Tensor::take(std::move(codes)), std::move(levels));
}

// A boolean whose gaps are a level of their own is a category; else it stays a boolean.
Column boolean_with_fill(const Column& c, const std::string& fill) {
  const bool own_level = fill == kMissingLevel;
  if (!own_level && c.num_missing() == 0) return c;
  std::vector<std::uint8_t> flags;
  std::vector<std::int32_t> codes;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    const bool value = c.is_missing(r) ? fill == "true" : c.number_at(r) != 0;
    if (own_level)
      codes.push_back(c.is_missing(r) ? 2 : static_cast<int>(value));
    else
      flags.push_back(value);
  }
  return own_level
             ? Column::category(c.name(), Tensor::take(std::move(codes)), {"false", "true", kMissingLevel})
             : Column::boolean(c.name(), Tensor::take(std::move(flags)));
}

// The level that most training rows have; the first of them on a tie; 'missing' when no row has one.
std::string most_frequent_level(const Column& c, const std::vector<double>& weights) {
  const std::vector<std::string> levels =
      c.kind() == ColumnKind::category ? c.levels() : std::vector<std::string>{"false", "true"};
  std::vector<double> counts(levels.size(), 0);
  for (std::int64_t r = 0; r < c.size(); ++r) {
    if (c.is_missing(r)) continue;
    const auto i = static_cast<std::size_t>(r);
    const auto level = c.kind() == ColumnKind::category ? static_cast<std::size_t>(c.codes()[i])
                                                        : static_cast<std::size_t>(c.number_at(r));
    counts[level] += weights.empty() ? 1 : weights[i];
  }
  const auto most = std::ranges::max_element(counts);
  return most == counts.end() || *most == 0 ? kMissingLevel
                                            : levels[static_cast<std::size_t>(most - counts.begin())];
}

class FittedImpute : public FittedTransform {
 public:
  std::string_view kind() const override { return Impute::kName; }
  Table apply(const Table& features) const override;
  void visit(Visitor& v) override;
  std::string describe() const override;
  std::vector<MadeColumn> made_columns() const override {
    std::vector<MadeColumn> made;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (indicated[i]) made.push_back({indicator_name(numbers[i]), {{numbers[i]}}});
    return made;
  }

  std::string how;                   // of the numbers
  std::vector<std::string> numbers;  // columns, and for each:
  std::vector<double> fills;
  std::vector<std::int64_t> indicated;          // 1: a feature says where it was missing
  std::vector<std::int64_t> had_gaps;           // in training; what describe() tells of
  std::vector<std::string> categories, levels;  // columns, and the level that stands for a gap
};

Table FittedImpute::apply(const Table& features) const {
  auto at = find_all(features, numbers, {ColumnKind::number, ColumnKind::integer}, Impute::kName);
  const auto with_levels =
      find_all(features, categories, {ColumnKind::category, ColumnKind::boolean}, Impute::kName);
  std::vector<std::vector<Column>> in_place;
  std::vector<Column> at_end;
  const DType dtype = transform_detail::feature_dtype(features);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Column& c = features.columns()[at[i]];
    in_place.push_back({without_gaps(c, fills[i])});
    if (indicated[i]) at_end.push_back(indicator(c, dtype));
  }
  for (std::size_t i = 0; i < with_levels.size(); ++i) {
    const Column& c = features.columns()[with_levels[i]];
    in_place.push_back({c.kind() == ColumnKind::category ? category_with_fill(c, levels[i])
                                                         : boolean_with_fill(c, levels[i])});
  }
  at.insert(at.end(), with_levels.begin(), with_levels.end());
  return transform_detail::replace(features, at, std::move(in_place), std::move(at_end), Impute::kName);
}

void FittedImpute::visit(Visitor& v) {
  v.value("how", how);
  v.value("numbers", numbers);
  v.value("fills", fills);
  v.value("indicated", indicated);
  v.value("had_gaps", had_gaps);
  v.value("categories", categories);
  v.value("levels", levels);
  if (v.loading() && (fills.size() != numbers.size() || indicated.size() != numbers.size() ||
                      had_gaps.size() != numbers.size() || levels.size() != categories.size()))
    throw ModelFileError(Impute::kName, "the lists of columns and of values for them differ in length");
}

std::string FittedImpute::describe() const {
  std::vector<std::string> filled, replaced;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (had_gaps[i]) filled.push_back(fmt::format("{} {:.6g}", numbers[i], fills[i]));
  for (std::size_t i = 0; i < categories.size(); ++i)
    if (levels[i] != kMissingLevel) replaced.push_back(fmt::format("{} '{}'", categories[i], levels[i]));
  const std::string value = how == "most_frequent" ? "most frequent value" : how;
  std::string text = "impute: the numbers of the training rows have no gaps; later ones are filled";
  if (!filled.empty())
    text = fmt::format("impute {} column{} with {} {} ({})", filled.size(), filled.size() == 1 ? "" : "s",
                       how == "constant"    ? "a"
                       : filled.size() == 1 ? "its"
                                            : "their",
                       value, shortened(filled.size(), [&](std::size_t i) { return filled[i]; }));
  if (const std::size_t own = categories.size() - replaced.size(); own > 0)
    text +=
        fmt::format("; what is missing in {} categor{} is a level of its own", own, own == 1 ? "y" : "ies");
  if (!replaced.empty())
    text += fmt::format("; a missing level counts as the most frequent ({})",
                        shortened(replaced.size(), [&](std::size_t i) { return replaced[i]; }));
  return text;
}

double fill_of(const Column& c, const std::vector<double>& weights, const ImputeParams& p) {
  if (p.numbers == "constant") return p.fill_value;
  const Tensor numbers = c.numbers();
  const auto values = numbers.data<double>();
  const double fill = p.numbers == "mean"     ? moments(values, weights).mean
                      : p.numbers == "median" ? quantiles(values, std::array{0.5}, weights)[0]
                                              : most_frequent(values, weights);
  return std::isnan(fill) ? 0 : fill;  // no value seen
}

}  // namespace

const ParamList& ImputeParams::list() {
  static const ParamList l{
      param<&ImputeParams::numbers>("numbers", "what stands for a missing number",
                                    one_of("mean", "median", "most_frequent", "constant"), {"strategy"}),
      param<&ImputeParams::fill_value>("fill_value", "the constant of numbers=constant",
                                       between(-1e300, 1e300)),
      param<&ImputeParams::indicators>("indicators",
                                       "add a feature '<column> is missing' where training rows had gaps", {},
                                       {"add_indicator"}),
      param<&ImputeParams::categories>("categories", "what stands for a missing level",
                                       one_of("own_level", "most_frequent")),
      param<&ImputeParams::columns>("columns",
                                    "one column to act on; may be repeated; default: all that can have gaps"),
  };
  return l;
}

std::unique_ptr<FittedTransform> Impute::fit(const Dataset& data, const TransformContext& context) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedImpute>();
  fitted->how = params_.numbers;
  std::vector<const Column*> number_columns;
  const auto where = features.index();
  for (const std::string& name :
       choose(features, params_.columns,
              {ColumnKind::number, ColumnKind::integer, ColumnKind::category, ColumnKind::boolean}, kName)) {
    const Column& c = features.columns()[where.at(name)];
    if (holds_numbers(c)) {
      number_columns.push_back(&c);
      fitted->numbers.push_back(name);
      fitted->had_gaps.push_back(c.num_missing() > 0);
      fitted->indicated.push_back(params_.indicators && c.num_missing() > 0 && c.num_missing() < c.size());
    } else {
      const bool own =
          params_.categories == "own_level" && (c.kind() == ColumnKind::category || c.num_missing() > 0);
      fitted->categories.push_back(name);
      fitted->levels.push_back(own ? kMissingLevel : most_frequent_level(c, weights));
    }
  }
  fitted->fills.resize(number_columns.size());
  parallel_for(
      static_cast<std::int64_t>(number_columns.size()), 1,
      [&](std::int64_t b, std::int64_t e) {
        for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i)
          fitted->fills[i] = fill_of(*number_columns[i], weights, params_);
      },
      context.stop);
  return fitted;
}

TransformEntry impute_entry() {
  return transform_entry<Impute>(
      "a value for every missing number and a level for every missing category",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedImpute>(); });
}

}  // namespace cairn
