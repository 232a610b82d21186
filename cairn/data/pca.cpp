#include "cairn/data/pca.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::shortened;

constexpr auto kKinds = {ColumnKind::number, ColumnKind::integer, ColumnKind::tensor};
constexpr std::int64_t kWidest = 5000;
constexpr double kNothing = 1e-14;  // of the largest eigenvalue: below it is rounding

// The columns side by side, and how many features each has.
Matrix matrix_of(const Table& table, const std::vector<std::size_t>& at) {
  std::vector<Matrix> parts;
  for (const std::size_t i : at) {
    const Column& c = table.columns()[i];
    parts.push_back(c.kind() == ColumnKind::tensor   ? c.matrix()
                    : c.kind() == ColumnKind::number ? Matrix::from_columns({c.values()}, c.size())
                                                     : Matrix::from_columns({c.numbers()}, c.size()));
  }
  return Matrix::concatenate(parts);
}

void check_cells(const Table& table, const std::vector<std::size_t>& at) {
  for (const std::size_t i : at) {
    const Column& c = table.columns()[i];
    if (c.kind() == ColumnKind::tensor) continue;
    for (std::int64_t r = 0; r < c.size(); ++r)
      if (const double v = c.number_at(r); !std::isfinite(v))
        throw DataError(fmt::format("column '{}', row {}", c.name(), r + 1),
                        c.is_missing(r) ? "is missing; pca takes no missing values"
                                        : fmt::format("is {}; pca takes finite numbers", v),
                        c.is_missing(r) ? "Put an impute step before it." : "Correct or drop the row.");
  }
}

class FittedPca : public FittedTransform {
 public:
  std::string_view kind() const override { return Pca::kName; }
  void visit(Visitor& v) override;
  Table apply(const Table& features) const override;
  bool inverts() const override { return num_features() == std::ssize(columns); }
  Table invert(const Table& made) const override;
  std::vector<MadeColumn> made_columns() const override;
  std::string describe() const override;

  std::vector<std::string> columns;
  std::vector<std::int64_t> widths;  // features of each column
  std::vector<double> mean;          // [d]
  Tensor vectors;                    // f64 [k, d]
  std::vector<double> scales;        // [k]: what scores are divided by
  std::vector<double> shares;        // [k]: of the variance

 private:
  std::int64_t num_features() const { return std::ssize(mean); }
  std::int64_t num_components() const { return std::ssize(scales); }
};

std::string component_name(std::size_t i) { return fmt::format("pc {}", i + 1); }

void FittedPca::visit(Visitor& v) {
  v.value("columns", columns);
  v.value("widths", widths);
  v.value("mean", mean);
  v.value("scales", scales);
  v.value("shares", shares);
  if (v.loading()) {
    std::int64_t d = 0;
    bool fine = widths.size() == columns.size() && shares.size() == scales.size();
    for (const std::int64_t w : widths) {
      fine = fine && w >= 0 && w <= std::ssize(mean);
      d += fine ? w : 0;
    }
    const auto finite = [](double x) { return std::isfinite(x); };
    fine = fine && d == num_features() && std::ranges::all_of(mean, finite) &&
           std::ranges::all_of(scales, [](double s) { return std::isfinite(s) && s > 0; });
    if (!fine) throw ModelFileError(Pca::kName, "its mean and scales do not fit its columns");
  }
  v.tensor("vectors", vectors, DType::f64, Shape{num_components(), num_features()});
  if (v.loading())
    for (const double x : vectors.data<double>())
      if (!std::isfinite(x)) throw ModelFileError(Pca::kName, "a component is not finite");
}

Table FittedPca::apply(const Table& features) const {
  const auto at = find_all(features, columns, kKinds, kind());
  if (columns.empty()) return features;
  check_cells(features, at);
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Column& c = features.columns()[at[i]];
    const std::int64_t width = c.kind() == ColumnKind::tensor ? c.matrix().columns() : 1;
    if (width != widths[i])
      throw DataError(fmt::format("column '{}'", c.name()),
                      fmt::format("has {} features; pca was fitted on {}", width, widths[i]));
  }
  const DType dtype = transform_detail::feature_dtype(features);
  const Matrix x = matrix_of(features, at);
  const auto n = static_cast<std::size_t>(x.rows()), k = static_cast<std::size_t>(num_components());
  const auto d = static_cast<std::size_t>(num_features());
  // Scores are x W - mean W: sparse rows are never filled.
  const auto v = vectors.data<double>();
  std::vector<double> w(d * k), centre(k);
  for (std::size_t c = 0; c < k; ++c)
    for (std::size_t f = 0; f < d; ++f) {
      w[f * k + c] = v[c * d + f] / scales[c];
      centre[c] -= mean[f] * w[f * k + c];
    }
  std::vector<double> scores(n * k);
  if (n > 0 && k > 0) linalg::multiply(x, w, static_cast<std::int64_t>(k), centre, scores);
  std::vector<Column> at_end;
  for (std::size_t c = 0; c < k; ++c) {
    std::vector<double> one(n);
    for (std::size_t r = 0; r < n; ++r) one[r] = scores[r * k + c];
    at_end.push_back(Column::number(component_name(c), Tensor::take(std::move(one)).to(dtype)));
  }
  return transform_detail::replace(features, at, std::vector<std::vector<Column>>(at.size()),
                                   std::move(at_end), kind());
}

Table FittedPca::invert(const Table& made) const {
  if (!inverts()) return FittedTransform::invert(made);
  if (columns.empty()) return made;
  std::vector<std::string> names;
  for (std::size_t c = 0; c < scales.size(); ++c) names.push_back(component_name(c));
  const auto at = find_all(made, names, {ColumnKind::number}, kind());
  const auto n = static_cast<std::size_t>(made.num_rows()), d = mean.size();
  std::vector<std::vector<double>> back(d, std::vector<double>(n));
  for (std::size_t f = 0; f < d; ++f) std::ranges::fill(back[f], mean[f]);
  for (std::size_t c = 0; c < at.size(); ++c) {
    const Tensor scores = made.columns()[at[c]].numbers();
    for (std::size_t f = 0; f < d; ++f)
      linalg::add_scaled(vectors.data<double>()[c * d + f] * scales[c], scores.data<double>(), back[f]);
  }
  std::vector<Column> at_end;
  for (std::size_t f = 0; f < d; ++f)
    at_end.push_back(Column::number(columns[f], Tensor::take(std::move(back[f]))));
  return transform_detail::replace(made, at, std::vector<std::vector<Column>>(at.size()), std::move(at_end),
                                   kind());
}

// By the squares of the loadings, which sum to 1.
std::vector<MadeColumn> FittedPca::made_columns() const {
  std::vector<MadeColumn> made;
  for (std::size_t c = 0; c < scales.size(); ++c) {
    MadeColumn column{component_name(c), {}};
    std::size_t f = c * mean.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      double share = 0;
      for (std::int64_t j = 0; j < widths[i]; ++j, ++f)
        share += vectors.data<double>()[f] * vectors.data<double>()[f];
      column.from.push_back({columns[i], share});
    }
    made.push_back(std::move(column));
  }
  return made;
}

std::string FittedPca::describe() const {
  if (columns.empty()) return "pca: no number column";
  double told = 0;
  for (const double s : shares) told += s;
  return fmt::format("pca of {} into {} components{} with {:.4g} of the variance ({})",
                     transform_detail::columns_in_words(columns.size()), scales.size(),
                     std::ranges::all_of(scales, [](double s) { return s == 1; }) ? "" : ", whitened", told,
                     shortened(shares.size(), [&](std::size_t i) {
                       return fmt::format("{} {:.4g}", component_name(i), shares[i]);
                     }));
}

// Largest first, each vector a row.
struct Axes {
  std::vector<double> values, vectors;
  double total = 0;  // variance
};

// Of the covariance where there are more rows than features; else of the products of rows, whose eigenvectors
// u give X' u.
Axes axes_of(const Matrix& x, const std::vector<double>& weights, std::vector<double>& mean,
             const StopToken& stop) {
  const std::int64_t d = x.columns(), n = x.rows();
  Axes axes;
  double weight = static_cast<double>(n);
  std::vector<double> products;
  const bool by_rows = d > n;
  if (by_rows) {
    mean = linalg::column_means(x, {.weights = weights, .stop = stop});
    products = linalg::row_gram(x, mean, stop);
    if (!weights.empty()) {
      weight = 0;
      for (const double w : weights) weight += w;
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t j = 0; j < n; ++j)
          products[static_cast<std::size_t>(i * n + j)] *=
              std::sqrt(weights[static_cast<std::size_t>(i)] * weights[static_cast<std::size_t>(j)]);
    }
  } else {
    linalg::Moments m = linalg::moments(x, {.weights = weights, .stop = stop});
    mean = std::move(m.mean);
    weight = m.weight;
    products = std::move(m.products);
  }
  const double divisor = std::max(weight - 1, 1.0);
  const std::int64_t size = by_rows ? n : d;
  for (std::int64_t i = 0; i < size; ++i)
    axes.total += products[static_cast<std::size_t>(i * size + i)] / divisor;
  const auto eigen = linalg::symmetric_eigen(products, size);
  for (std::int64_t i = size - 1; i >= 0; --i) {
    const double value = eigen.values[static_cast<std::size_t>(i)];
    if (!(value > kNothing * eigen.values[static_cast<std::size_t>(size - 1)])) break;
    const auto begin = eigen.vectors.begin() + i * size;
    std::vector<double> u(begin, begin + size);
    if (by_rows) {
      double sum = 0;
      for (std::int64_t r = 0; r < n; ++r) {
        auto& entry = u[static_cast<std::size_t>(r)];
        if (!weights.empty()) entry *= std::sqrt(weights[static_cast<std::size_t>(r)]);
        sum += entry;
      }
      std::vector<double> v(static_cast<std::size_t>(d));
      linalg::multiply_transposed(x, u, 1, v, stop);
      for (std::size_t f = 0; f < v.size(); ++f) v[f] = (v[f] - sum * mean[f]) / std::sqrt(value);
      u = std::move(v);
    }
    const auto largest = std::ranges::max_element(u, {}, [](double e) { return std::abs(e); });
    if (*largest < 0)
      for (double& e : u) e = -e;
    axes.values.push_back(value / divisor);
    axes.vectors.insert(axes.vectors.end(), u.begin(), u.end());
  }
  return axes;
}

}  // namespace

const ParamList& PcaParams::list() {
  static const ParamList l{
      param<&PcaParams::components>("components", "how many are kept; 0: as `explained` says",
                                    between(0, kWidest), {"n_components"}),
      param<&PcaParams::explained>("explained", "the share of the variance that the kept ones reach",
                                   above_to(0, 1)),
      param<&PcaParams::whiten>("whiten", "give each component the standard deviation 1"),
      param<&PcaParams::columns>(
          "columns", "one column to act on; may be repeated; default: every number and encoded column"),
  };
  return l;
}

std::unique_ptr<FittedTransform> Pca::fit(const Dataset& data, const TransformContext& context) const {
  const Table features = data.features();
  auto fitted = std::make_unique<FittedPca>();
  fitted->columns = transform_detail::choose(features, params_.columns, kKinds, kName);
  if (fitted->columns.empty()) {
    fitted->vectors = Tensor::zeros(Shape{0, 0}, DType::f64);
    return fitted;
  }
  const auto at = find_all(features, fitted->columns, kKinds, kName);
  check_cells(features, at);
  for (const std::size_t i : at) {
    const Column& c = features.columns()[i];
    fitted->widths.push_back(c.kind() == ColumnKind::tensor ? c.matrix().columns() : 1);
  }
  const Matrix x = matrix_of(features, at);
  if (std::min(x.rows(), x.columns()) > kWidest)
    throw ResourceError(kName,
                        fmt::format("{} features of {} rows; at most {} of one of them are taken apart",
                                    x.columns(), x.rows(), kWidest),
                        "Name fewer columns, or hash or filter them first.");
  Axes axes;
  fitted->mean.assign(static_cast<std::size_t>(x.columns()), 0);
  if (x.rows() > 0) axes = axes_of(x, data.weights(), fitted->mean, context.stop);
  std::size_t kept = 0;
  double told = 0;
  while (kept < axes.values.size()) {
    if (params_.components > 0 ? static_cast<std::int64_t>(kept) == params_.components
                               : params_.explained < 1 && told >= params_.explained * axes.total)
      break;
    told += axes.values[kept];
    fitted->scales.push_back(params_.whiten ? std::sqrt(axes.values[kept]) : 1);
    fitted->shares.push_back(axes.values[kept] / axes.total);
    ++kept;
  }
  axes.vectors.resize(kept * fitted->mean.size());
  fitted->vectors =
      Tensor::take(std::move(axes.vectors)).reshape(Shape{static_cast<std::int64_t>(kept), x.columns()});
  return fitted;
}

TransformEntry pca_entry() {
  return transform_entry<Pca>(
      "number columns to their principal components",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedPca>(); });
}

}  // namespace cairn
