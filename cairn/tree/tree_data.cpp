#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"
#include "cairn/tree/tree_data_internal.h"

namespace cairn::tree {
namespace {

template <class T>
std::vector<Tensor> columns_of(const Matrix& x, DType dtype) {
  const std::int64_t n = x.rows(), d = x.columns();
  std::vector<Tensor> columns;
  std::vector<T*> to;
  for (std::int64_t c = 0; c < d; ++c) {
    columns.push_back(Tensor::empty(Shape{n}, dtype));
    to.push_back(columns.back().mutable_data<T>().data());
  }
  constexpr std::int64_t kBlock = 512;
  parallel_for(n, kBlock, [&](std::int64_t begin, std::int64_t end) {
    std::vector<T> tile(at((end - begin) * d));
    x.tile(begin, end, tile.data());
    for (std::int64_t c = 0; c < d; ++c)
      for (std::int64_t r = begin; r < end; ++r) to[at(c)][r] = tile[at((r - begin) * d + c)];
  });
  return columns;
}

}  // namespace

TreeData tree_data(const Dataset& given, std::string_view learner, const TreeFeatures* known) {
  if (given.roles().target.empty())
    throw UsageError(std::string(learner), "the data have no target", "Name it with --target.");
  if (given.num_rows() == 0) throw DataError(std::string(learner), "there are no rows to learn from");
  const std::vector<double> weights = given.weights();
  if (!weights.empty() && std::ranges::none_of(weights, [](double w) { return w > 0; }))
    throw DataError(std::string(learner), "every weight is 0; no row counts");
  const std::optional<Dataset> counted = rows_that_count(given);
  const Dataset& data = counted ? *counted : given;
  TreeData d;
  const Table features = data.features();
  d.features = known ? *known : TreeFeatures(features, learner);
  d.x = d.features.matrix(features);
  d.task = data.task();
  d.classes = data.classes();
  if (is_classification(d.task))
    d.labels = data.class_codes();
  else
    d.y = data.target_values();
  d.weights = data.weights();
  d.groups = data.groups();
  for (std::size_t r = 0; r < d.groups.size(); ++r)
    if (d.groups[r] == std::ssize(d.group_names))  // numbers come in the order of the first rows
      d.group_names.push_back(data.table().column(data.roles().group).cell(static_cast<std::int64_t>(r)));
  d.events = data.events();
  double total = 0;
  for (const double w : d.weights) total += w;
  if (!d.weights.empty() && (!(total > 1e-280) || !std::isfinite(total)))
    throw DataError(std::string(learner),
                    fmt::format("the rows' weights sum to {}; a sum in [1e-280, 1e308] is needed", total));
  return d;
}

std::optional<Dataset> rows_that_count(const Dataset& data) {
  const std::vector<double> weights = data.weights();
  std::vector<std::int64_t> rows;
  for (std::size_t r = 0; r < weights.size(); ++r)
    if (weights[r] > 0) rows.push_back(static_cast<std::int64_t>(r));
  if (rows.size() == weights.size() || rows.empty()) return std::nullopt;
  return data.select(rows);
}

std::vector<double> balancing_factors(const TreeData& data) {
  if (!is_classification(data.task)) return {};
  std::vector<double> sums(data.classes.size());
  double total = 0;
  for (std::size_t r = 0; r < data.labels.size(); ++r) {
    const double w = data.weights.empty() ? 1 : data.weights[r];
    sums[at(data.labels[r])] += w;
    total += w;
  }
  const auto present = static_cast<double>(std::ranges::count_if(sums, [](double s) { return s > 0; }));
  for (double& s : sums) s = s > 0 ? total / (present * s) : 1;
  return sums;
}

void weigh_classes(TreeData& data, const std::vector<double>& factors) {
  if (factors.empty()) return;
  data.weights.resize(data.labels.size(), 1.0);
  for (std::size_t r = 0; r < data.labels.size(); ++r) data.weights[r] *= factors[at(data.labels[r])];
}

Matrix in_f32(const Matrix& x) {
  if (x.is_f32()) return x;
  if (x.layout() == Matrix::Layout::rows) return Matrix::from_rows(x.dense().to(DType::f32));
  if (x.is_sparse())
    return Matrix::from_csr(x.columns(), Tensor::from(x.indptr(), Shape{std::ssize(x.indptr())}),
                            Tensor::from(x.indices(), Shape{std::ssize(x.indices())}),
                            x.values().to(DType::f32));
  std::vector<Tensor> columns;
  for (const Tensor& column : x.column_tensors()) columns.push_back(column.to(DType::f32));
  return Matrix::from_columns(std::move(columns), x.rows());
}

Matrix by_columns(const Matrix& x) {
  if (x.layout() == Matrix::Layout::columns) return x;
  return Matrix::from_columns(
      x.is_f32() ? columns_of<float>(x, DType::f32) : columns_of<double>(x, DType::f64), x.rows());
}

ColumnValues::ColumnValues(const Matrix& x, std::int64_t column) {
  CAIRN_ASSERT(x.layout() == Matrix::Layout::columns);
  values_ = x.column_tensors()[at(column)].contiguous();
  is_f32_ = values_.dtype() == DType::f32;
}

}  // namespace cairn::tree
