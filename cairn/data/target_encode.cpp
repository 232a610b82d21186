#include "cairn/data/target_encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <set>
#include <unordered_map>

#include "cairn/data/split.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::level_codes;
using transform_detail::level_names;

constexpr std::int64_t kMostFolds = 100;

// What was learned of one column: a number a level and output.
struct Means {
  std::string name;
  std::vector<std::string> levels;
  std::vector<double> of_level;    // [levels, k]
  std::vector<double> of_missing;  // [k]; empty: no training row missed it
  void visit(Visitor& v) {
    v.value("name", name);
    v.value("levels", levels);
    v.value("means", of_level);
    v.value("missing", of_missing);
  }
};

class FittedTargetEncode : public FittedTransform {
 public:
  bool tells_own_target() const override { return true; }
  std::string_view kind() const override { return TargetEncode::kName; }
  void visit(Visitor& v) override;
  Table apply(const Table& features) const override;
  std::string describe() const override;

  std::vector<Means> columns;
  std::vector<std::string> outputs;  // the classes, of more than two; else empty
  std::vector<double> of_all;        // [k]

  std::size_t width() const { return std::max<std::size_t>(1, outputs.size()); }
  std::vector<double> encoded(const Column& c, const Means& means) const;  // [n, k]
  Column column_of(const std::string& name, std::vector<double> values, DType dtype) const;
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const Means& m : columns) all.push_back(m.name);
    return all;
  }
};

void FittedTargetEncode::visit(Visitor& v) {
  v.children("columns", columns);
  v.value("outputs", outputs);
  v.value("all", of_all);
  if (!v.loading()) return;
  const auto finite = [](const std::vector<double>& list) {
    return std::ranges::all_of(list, [](double x) { return std::isfinite(x); });
  };
  bool fine = of_all.size() == width() && finite(of_all) &&
              std::set(outputs.begin(), outputs.end()).size() == outputs.size();
  for (const Means& m : columns)
    fine = fine && m.of_level.size() == m.levels.size() * width() && finite(m.of_level) &&
           finite(m.of_missing) && (m.of_missing.empty() || m.of_missing.size() == width());
  if (!fine) throw ModelFileError(TargetEncode::kName, "its means do not fit its levels and outputs");
}

std::vector<double> FittedTargetEncode::encoded(const Column& c, const Means& means) const {
  const std::size_t k = width();
  std::unordered_map<std::string_view, const double*> known;
  for (std::size_t i = 0; i < means.levels.size(); ++i)
    known.emplace(means.levels[i], &means.of_level[i * k]);
  const std::vector<std::string> levels = level_names(c);
  std::vector<const double*> of_code;
  for (const std::string& level : levels) {
    const auto it = known.find(level);
    of_code.push_back(it == known.end() ? of_all.data() : it->second);
  }
  const double* missing = means.of_missing.empty() ? of_all.data() : means.of_missing.data();
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(c.size()) * k);
  for (const std::int32_t code : level_codes(c)) {
    const double* from = code < 0 ? missing : of_code[static_cast<std::size_t>(code)];
    values.insert(values.end(), from, from + k);
  }
  return values;
}

Column FittedTargetEncode::column_of(const std::string& name, std::vector<double> values, DType dtype) const {
  if (outputs.empty()) return Column::number(name, Tensor::take(std::move(values)).to(dtype));
  const std::size_t k = outputs.size(), n = values.size() / k;
  std::vector<Tensor> parts;
  std::vector<std::string> features;
  for (std::size_t o = 0; o < k; ++o) {
    std::vector<double> one(n);
    for (std::size_t r = 0; r < n; ++r) one[r] = values[r * k + o];
    parts.push_back(Tensor::take(std::move(one)).to(dtype));
    features.push_back(fmt::format("{}: {}", name, outputs[o]));
  }
  return Column::features(name, Matrix::from_columns(std::move(parts), static_cast<std::int64_t>(n)),
                          std::move(features));
}

Table FittedTargetEncode::apply(const Table& features) const {
  const auto at = find_all(features, names(), {ColumnKind::category, ColumnKind::boolean}, kind());
  const DType dtype = transform_detail::feature_dtype(features);
  std::vector<std::vector<Column>> in_place;
  for (std::size_t i = 0; i < at.size(); ++i)
    in_place.push_back({column_of(columns[i].name, encoded(features.columns()[at[i]], columns[i]), dtype)});
  return transform_detail::replace(features, at, std::move(in_place), {}, kind());
}

std::string FittedTargetEncode::describe() const {
  if (columns.empty()) return "target_encode: no category column";
  return fmt::format("target_encode of {}, training rows out of fold ({})",
                     transform_detail::columns_in_words(columns.size()),
                     transform_detail::shortened(columns.size(), [&](std::size_t i) {
                       const auto [low, high] = std::ranges::minmax_element(columns[i].of_level);
                       if (columns[i].levels.empty()) return columns[i].name + " without a level";
                       return fmt::format("{} {} levels {:.4g} to {:.4g}", columns[i].name,
                                          columns[i].levels.size(), *low, *high);
                     }));
}

// The target as numbers [n, k]: itself, 1 for the positive class, or 1 for each class.
std::vector<double> numbers_of_target(const Dataset& data) {
  if (data.task() == Task::regression) return data.target_values();
  const std::vector<std::int32_t> codes = data.class_codes();
  const std::size_t k = data.task() == Task::binary ? 1 : data.classes().size();
  std::vector<double> y(codes.size() * k);
  for (std::size_t r = 0; r < codes.size(); ++r) {
    if (k == 1)
      y[r] = codes[r] == data.positive();
    else
      y[r * k + static_cast<std::size_t>(codes[r])] = 1;
  }
  return y;
}

double smoothing_of(const std::string& text) {
  if (text == "auto") return -1;
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || !(value >= 0) || std::isinf(value))
    throw ParamError("target_encode.smoothing",
                     fmt::format("'{}' is neither auto nor a number of at least 0", text),
                     "It counts rows: 10 draws a level of 10 rows halfway to the mean of all.");
  return value;
}

struct Sums {
  double weight = 0, sum = 0, squares = 0;
  void add(double w, double y) {
    weight += w;
    sum += w * y;
    squares += w * y * y;
  }
  double mean() const { return weight > 0 ? sum / weight : 0; }
  double variance() const { return weight > 0 ? std::max(0.0, squares / weight - mean() * mean()) : 0; }
};

// One level's mean, drawn to that of all.
double drawn(const Sums& level, double centre, double all_mean, double all_variance, double smoothing) {
  const double mean = level.mean() + centre;
  if (smoothing >= 0)
    return level.weight + smoothing > 0
               ? (level.weight * mean + smoothing * all_mean) / (level.weight + smoothing)
               : all_mean;
  const double spread = level.weight * all_variance;
  const double share = spread + level.variance() > 0 ? spread / (spread + level.variance()) : 1;
  return share * mean + (1 - share) * all_mean;
}

}  // namespace

const ParamList& TargetEncodeParams::list() {
  static const ParamList l{
      param<&TargetEncodeParams::smoothing>(
          "smoothing", "rows of the overall mean that each level is mixed with, or auto (empirical Bayes)",
          {}, {"smooth"}),
      param<&TargetEncodeParams::folds>("folds", "parts that the training rows are encoded in",
                                        between(2, kMostFolds), {"cv"}),
      param<&TargetEncodeParams::columns>(
          "columns", "one column to act on; may be repeated; default: every category and boolean"),
  };
  return l;
}

std::unique_ptr<FittedTransform> TargetEncode::fit_on(const Dataset& data,
                                                      std::span<const std::int64_t> rows) const {
  if (data.roles().target.empty())
    throw UsageError(kName, "the data have no target to encode by", "Name it with --target.");
  const double smoothing = smoothing_of(params_.smoothing);
  const Table features = data.features();
  const std::vector<double> weights = data.weights(), y = numbers_of_target(data);
  auto fitted = std::make_unique<FittedTargetEncode>();
  if (data.task() == Task::multiclass) fitted->outputs = data.classes();
  const std::size_t k = fitted->width();
  const auto weight = [&](std::size_t r) { return weights.empty() ? 1 : weights[r]; };
  // Sums are about the mean of all rows: squares of a large target keep their digits.
  std::vector<double> centre(k), variance(k);
  for (std::size_t o = 0; o < k; ++o) {
    Sums first, second;
    for (const std::int64_t r : rows)
      first.add(weight(static_cast<std::size_t>(r)), y[static_cast<std::size_t>(r) * k + o]);
    centre[o] = first.mean();
    for (const std::int64_t r : rows)
      second.add(weight(static_cast<std::size_t>(r)), y[static_cast<std::size_t>(r) * k + o] - centre[o]);
    variance[o] = second.variance();
  }
  fitted->of_all = centre;
  for (const std::string& name : transform_detail::choose(
           features, params_.columns, {ColumnKind::category, ColumnKind::boolean}, kName)) {
    const Column& c = features.column(name);
    const std::vector<std::string> levels = level_names(c);
    const std::vector<std::int32_t> codes = level_codes(c);
    std::vector<Sums> sums((levels.size() + 1) * k);  // the last is of missing cells
    for (const std::int64_t row : rows) {
      const auto r = static_cast<std::size_t>(row);
      const std::size_t level = codes[r] < 0 ? levels.size() : static_cast<std::size_t>(codes[r]);
      for (std::size_t o = 0; o < k; ++o) sums[level * k + o].add(weight(r), y[r * k + o] - centre[o]);
    }
    Means means{.name = name, .levels = {}, .of_level = {}, .of_missing = {}};
    for (std::size_t level = 0; level <= levels.size(); ++level) {
      if (sums[level * k].weight == 0) continue;
      auto& to = level == levels.size() ? means.of_missing : means.of_level;
      if (level < levels.size()) means.levels.push_back(levels[level]);
      for (std::size_t o = 0; o < k; ++o)
        to.push_back(drawn(sums[level * k + o], centre[o], centre[o], variance[o], smoothing));
    }
    fitted->columns.push_back(std::move(means));
  }
  return fitted;
}

std::unique_ptr<FittedTransform> TargetEncode::fit(const Dataset& data, const TransformContext&) const {
  std::vector<std::int64_t> all(static_cast<std::size_t>(data.num_rows()));
  std::iota(all.begin(), all.end(), 0);
  return fit_on(data, all);
}

FittedRows TargetEncode::fit_rows(const Dataset& data, const Table& table,
                                  const TransformContext& context) const {
  auto whole = fit(data, context);
  const auto& fitted = dynamic_cast<const FittedTargetEncode&>(*whole);
  const std::vector<std::string> names = fitted.names();
  const auto at = find_all(table, names, {ColumnKind::category, ColumnKind::boolean}, kName);
  const std::size_t k = fitted.width(), n = static_cast<std::size_t>(data.num_rows());
  // A row that no part holds out (the earliest of a time) is told nothing but the mean of all.
  std::vector<std::vector<double>> values(at.size());
  for (auto& v : values)
    for (std::size_t r = 0; r < n; ++r) v.insert(v.end(), fitted.of_all.begin(), fitted.of_all.end());
  const int folds = folds_possible(data, params_.folds);
  if (folds >= 2 && !at.empty())
    for (const Split& part : k_fold(data, folds, context.seed)) {
      context.stop.throw_if_requested(kName);
      const auto others = fit_on(data, part.train);
      const auto& known = dynamic_cast<const FittedTargetEncode&>(*others);
      for (std::size_t i = 0; i < at.size(); ++i) {
        const auto told = known.encoded(table.columns()[at[i]].select(part.test), known.columns[i]);
        for (std::size_t j = 0; j < part.test.size(); ++j)
          std::copy_n(&told[j * k], k, &values[i][static_cast<std::size_t>(part.test[j]) * k]);
      }
    }
  const DType dtype = transform_detail::feature_dtype(table);
  std::vector<std::vector<Column>> in_place;
  for (std::size_t i = 0; i < at.size(); ++i)
    in_place.push_back({fitted.column_of(names[i], std::move(values[i]), dtype)});
  Table encoded = transform_detail::replace(table, at, std::move(in_place), {}, kName);
  return {.fitted = std::move(whole), .table = std::move(encoded), .kept = {}};
}

TransformEntry target_encode_entry() {
  return transform_entry<TargetEncode>(
      "categories to the mean target of their rows, out of fold where the model learns",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedTargetEncode>(); },
      {.units = true});
}

}  // namespace cairn
