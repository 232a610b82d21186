#include "cairn/data/pca.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/data/finite.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::shortened;

constexpr auto kKinds = {ColumnKind::number, ColumnKind::integer, ColumnKind::tensor};
constexpr std::int64_t kWidest = 5000;
constexpr double kMostLoadings = 1 << 28;  // components times features: 2 GB
constexpr double kNothing = 1e-14;         // of the largest eigenvalue: below it is rounding

// The columns side by side, none of their cells missing or infinite.
Matrix matrix_of(const Table& table, const std::vector<std::size_t>& at) {
  std::vector<Matrix> parts;
  std::vector<std::string> names;
  for (const std::size_t i : at) {
    const Column& c = table.columns()[i];
    if (c.kind() == ColumnKind::tensor) {
      parts.push_back(c.matrix());
      names.insert(names.end(), c.feature_names().begin(), c.feature_names().end());
    } else {
      parts.push_back(
          Matrix::from_columns({c.kind() == ColumnKind::number ? c.values() : c.numbers()}, c.size()));
      names.push_back(c.name());
    }
  }
  Matrix x = Matrix::concatenate(parts);
  check_finite(x, names, Pca::kName, "Put an impute step before it.");
  return x;
}

class FittedPca : public FittedTransform {
 public:
  std::string_view kind() const override { return Pca::kName; }
  void visit(Visitor& v) override;
  Table apply(const Table& features) const override;
  bool inverts() const override { return !encoded && num_features() == std::ssize(columns); }
  Table invert(const Table& made) const override;
  std::vector<MadeColumn> made_columns() const override;
  std::string describe() const override;

  std::vector<std::string> columns;
  std::vector<std::int64_t> widths;  // features of each column
  bool encoded = false;              // whether one of them is an encoded column
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
  v.optional("encoded", encoded);
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

// The axes of the rows: eigenvectors of the covariance where there are more rows than features; else of the
// products of rows, whose eigenvectors u give X' u. One is made when it is asked for.
class Axes {
 public:
  Axes(const Matrix& x, const std::vector<double>& weights, const StopToken& stop);
  std::vector<double> mean;       // [d]
  std::vector<double> variances;  // largest first, without those that are rounding
  double total = 0;               // variance
  std::vector<double> vector(std::size_t i, const StopToken& stop) const;  // [d]

 private:
  std::vector<double> products_of_rows(const StopToken& stop) const;
  const Matrix& x_;
  const std::vector<double>& weights_;
  bool by_rows_;
  std::int64_t size_;  // of the products
  linalg::SymmetricEigen eigen_;
};

Axes::Axes(const Matrix& x, const std::vector<double>& weights, const StopToken& stop)
    : x_(x), weights_(weights), by_rows_(x.columns() > x.rows()), size_(std::min(x.rows(), x.columns())) {
  auto weight = static_cast<double>(x.rows());
  std::vector<double> products;
  if (by_rows_) {
    mean = linalg::column_means(x, {.weights = weights, .stop = stop});
    products = products_of_rows(stop);
    if (!weights.empty()) weight = std::accumulate(weights.begin(), weights.end(), 0.0);
  } else {
    linalg::Moments m = linalg::moments(x, {.weights = weights, .stop = stop});
    mean = std::move(m.mean);
    weight = m.weight;
    products = std::move(m.products);
  }
  const double divisor = std::max(weight - 1, 1.0);
  for (std::int64_t i = 0; i < size_; ++i)
    total += products[static_cast<std::size_t>(i * size_ + i)] / divisor;
  eigen_ = linalg::symmetric_eigen(products, size_);
  for (std::int64_t i = size_ - 1; i >= 0; --i) {
    const double value = eigen_.values[static_cast<std::size_t>(i)];
    if (!(value > kNothing * eigen_.values.back())) break;
    variances.push_back(value / divisor);
  }
}

std::vector<double> Axes::products_of_rows(const StopToken& stop) const {
  std::vector<double> products = linalg::row_gram(x_, mean, stop);
  if (weights_.empty()) return products;
  const std::size_t n = weights_.size();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) products[i * n + j] *= std::sqrt(weights_[i] * weights_[j]);
  return products;
}

std::vector<double> Axes::vector(std::size_t i, const StopToken& stop) const {
  const auto size = static_cast<std::size_t>(size_), at = size - 1 - i;  // the largest stands last
  const auto begin = eigen_.vectors.begin() + static_cast<std::ptrdiff_t>(at * size);
  std::vector<double> u(begin, begin + size_);
  if (by_rows_) {
    double sum = 0;
    for (std::size_t r = 0; r < size; ++r) {
      if (!weights_.empty()) u[r] *= std::sqrt(weights_[r]);
      sum += u[r];
    }
    std::vector<double> v(mean.size());
    linalg::multiply_transposed(x_, u, 1, v, stop);
    for (std::size_t f = 0; f < v.size(); ++f) v[f] = (v[f] - sum * mean[f]) / std::sqrt(eigen_.values[at]);
    u = std::move(v);
  }
  const auto largest = std::ranges::max_element(u, {}, [](double e) { return std::abs(e); });
  if (*largest < 0)
    for (double& e : u) e = -e;
  return u;
}

// As many as `components` says, or the fewest that reach `explained`.
std::size_t number_kept(const Axes& axes, const PcaParams& params) {
  const auto most = axes.variances.size();
  if (params.components > 0) return std::min(most, static_cast<std::size_t>(params.components));
  if (params.explained == 1) return most;
  std::size_t kept = 0;
  for (double told = 0; kept < most && told < params.explained * axes.total; ++kept)
    told += axes.variances[kept];
  return kept;
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
  for (const std::size_t i : at) {
    const Column& c = features.columns()[i];
    fitted->encoded = fitted->encoded || c.kind() == ColumnKind::tensor;
    fitted->widths.push_back(c.kind() == ColumnKind::tensor ? c.matrix().columns() : 1);
  }
  const Matrix x = matrix_of(features, at);
  if (std::min(x.rows(), x.columns()) > kWidest)
    throw ResourceError(kName,
                        fmt::format("{} features of {} rows; at most {} of one of them are taken apart",
                                    x.columns(), x.rows(), kWidest),
                        "Name fewer columns, or hash or filter them first.");
  fitted->mean.assign(static_cast<std::size_t>(x.columns()), 0);
  std::vector<double> vectors;
  if (x.rows() > 0) {
    const std::vector<double> weights = data.weights();
    Axes axes(x, weights, context.stop);
    const std::size_t kept = number_kept(axes, params_);
    if (const double loadings = static_cast<double>(kept) * static_cast<double>(x.columns());
        loadings > kMostLoadings)
      throw ResourceError(
          kName,
          fmt::format("{} components of {} features are {:.3g} numbers; at most {:.3g} are kept", kept,
                      x.columns(), loadings, kMostLoadings),
          "Ask for fewer components, or hash or filter the features first.");
    vectors.reserve(kept * fitted->mean.size());
    for (std::size_t c = 0; c < kept; ++c) {
      const std::vector<double> one = axes.vector(c, context.stop);
      vectors.insert(vectors.end(), one.begin(), one.end());
      fitted->scales.push_back(params_.whiten ? std::sqrt(axes.variances[c]) : 1);
      fitted->shares.push_back(axes.variances[c] / axes.total);
    }
    fitted->mean = std::move(axes.mean);
  }
  fitted->vectors = Tensor::take(std::move(vectors)).reshape(Shape{std::ssize(fitted->scales), x.columns()});
  return fitted;
}

TransformEntry pca_entry() {
  return transform_entry<Pca>(
      "number columns to their principal components",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedPca>(); });
}

}  // namespace cairn
