#include "cairn/baseline/k_nearest_neighbors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/parallel.h"

namespace cairn {
namespace {

constexpr std::int64_t kRowsAtOnce = 4096;  // predicted together: bounds the memory for neighbours
constexpr std::int64_t kVoteGrain = 512;

// What each neighbour of one row counts, in place of its distance.
void vote_weights(std::span<double> distances) {
  const bool on_top = std::ranges::any_of(distances, [](double d) { return std::isinf(1 / d); });
  for (double& d : distances) d = on_top ? (std::isinf(1 / d) ? 1 : 0) : 1 / d;
  // Neighbours too far for their distance to be a number cannot be told apart.
  if (std::ranges::all_of(distances, [](double w) { return w == 0; })) std::ranges::fill(distances, 1.0);
}

}  // namespace

const ParamList& KNearestNeighborsParams::list() {
  static const ParamList l{
      param<&KNearestNeighborsParams::k>("k", "number of neighbours asked", at_least(1),
                                         {"n_neighbors", "neighbors"})
          .searched(1, 100, SearchScale::log),
      param<&KNearestNeighborsParams::weights>(
          "weights", "what a neighbour counts: all the same, or 1 / distance", one_of("uniform", "distance"))
          .searched({"uniform", "distance"}),
      param<&KNearestNeighborsParams::metric>("metric", "how far apart two rows are",
                                              one_of("euclidean", "manhattan", "cosine"))};
  return l;
}

std::unique_ptr<Model> KNearestNeighbors::fit(const Dataset& data, const FitContext& context) const {
  context.stop.throw_if_requested("training");
  NumericData numeric = numeric_data(data, kName);
  if (std::ranges::any_of(numeric.weights, [&](double w) { return w != numeric.weights[0]; }))
    throw NotSupported(kName, "the rows have different weights; a neighbour counts once",
                       "Leave --weight and --class-weight out, or choose another learner.");
  return std::make_unique<KNearestNeighborsModel>(std::move(numeric), params_);
}

KNearestNeighborsModel::KNearestNeighborsModel(NumericData data, const KNearestNeighborsParams& params)
    : NumericModel(data),
      k_(std::min(params.k, data.x.rows())),
      by_distance_(params.weights == "distance"),
      metric_(distance_from_name(params.metric)),
      points_(data.x.is_sparse() ? data.x : data.x.to_rows(data.x.is_f32() ? DType::f32 : DType::f64)),
      targets_(is_classification(data.task) ? Tensor::take(std::move(data.labels))
                                            : Tensor::take(std::move(data.y))),
      index_(points_, metric_) {
  if (k_ < params.k)
    notes_.push_back(
        fmt::format("k is {}, there are only {} training rows: all of them are asked", params.k, k_));
}

void KNearestNeighborsModel::compute(const Matrix& x, std::span<double> outputs) const {
  const std::int64_t outputs_per_row = num_outputs();
  for (std::int64_t first = 0; first < x.rows(); first += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, x.rows() - first);
    std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) rows[static_cast<std::size_t>(i)] = first + i;
    Neighbors found = index_.nearest(count == x.rows() ? x : x.select_rows(rows), k_);
    parallel_for(count, kVoteGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const auto at = static_cast<std::size_t>(r * k_), k = static_cast<std::size_t>(k_);
        const auto weights = std::span(found.distances).subspan(at, k);
        if (by_distance_)
          vote_weights(weights);
        else
          std::ranges::fill(weights, 1.0);
        const auto out = outputs.subspan(static_cast<std::size_t>((first + r) * outputs_per_row),
                                         static_cast<std::size_t>(outputs_per_row));
        std::ranges::fill(out, 0.0);
        double sum = 0;
        for (std::size_t i = 0; i < k; ++i) {
          const auto row = static_cast<std::size_t>(found.indices[at + i]);
          if (task() == Task::regression)
            out[0] += weights[i] * targets_.data<double>()[row];
          else
            out[static_cast<std::size_t>(targets_.data<std::int32_t>()[row])] += weights[i];
          sum += weights[i];
        }
        for (double& o : out) o /= sum;
      }
    });
  }
}

void KNearestNeighborsModel::visit_members(Visitor& v) {
  v.value("k", k_);
  v.value("by_distance", by_distance_);
  v.choice<Distance>("metric", metric_, &name_of, &distance_from_name);
  v.tensor("targets", targets_);
  visit_points(v);
  if (!v.loading()) return;
  check_loaded();
  index_ = NeighborIndex(points_, metric_);
}

void KNearestNeighborsModel::visit_points(Visitor& v) {
  bool sparse = points_.is_sparse();
  v.value("sparse", sparse);
  Tensor dense, indptr, indices, values;
  if (!v.loading() && sparse) {
    const auto starts = points_.indptr();
    const auto columns = points_.indices();
    indptr = Tensor::from(starts, Shape{std::ssize(starts)});
    indices = Tensor::from(columns, Shape{std::ssize(columns)});
    values = points_.values();
  } else if (!v.loading()) {
    dense = points_.dense();
  }
  if (sparse) {
    v.tensor("points.indptr", indptr);
    v.tensor("points.indices", indices);
    v.tensor("points.values", values);
    if (!v.loading()) return;
    if (!indptr.defined() || !indices.defined() || !values.defined())
      throw ModelFileError("model", "k_nearest_neighbors: its sparse rows are not complete");
    points_ = Matrix::from_csr(num_features(), indptr, indices, values);
  } else {
    v.tensor("points", dense);
    if (!v.loading()) return;
    if (!dense.defined()) throw ModelFileError("model", "k_nearest_neighbors: its rows are missing");
    points_ = Matrix::from_rows(dense);
  }
}

void KNearestNeighborsModel::check_loaded() const {
  const std::int64_t n = points_.rows();
  const bool regression = task() == Task::regression;
  check_stored("targets", targets_, regression ? DType::f64 : DType::i32, Shape{n});
  if (points_.columns() != num_features() || k_ < 1 || k_ > n)
    throw ModelFileError(
        "model", fmt::format("k_nearest_neighbors: {} rows of {} features do not fit k = {} and {} features",
                             n, points_.columns(), k_, num_features()));
  const auto finite = [](const auto values) {
    return std::ranges::all_of(values, [](auto x) { return std::isfinite(x); });
  };
  const Tensor& stored = points_.is_sparse() ? points_.values() : points_.dense();
  const bool known = regression ? finite(targets_.data<double>())
                                : std::ranges::all_of(targets_.data<std::int32_t>(), [&](std::int32_t c) {
                                    return c >= 0 && c < num_outputs();
                                  });
  if (!known ||
      !(stored.dtype() == DType::f32 ? finite(stored.data<float>()) : finite(stored.data<double>())))
    throw ModelFileError("model", "k_nearest_neighbors: its rows hold values that no training gives");
}

}  // namespace cairn
