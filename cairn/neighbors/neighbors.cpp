#include "cairn/neighbors/neighbors.h"

#include <fmt/format.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/neighbors/search_internal.h"

namespace cairn {
namespace {

constexpr const char* kDistanceNames[] = {"euclidean", "manhattan", "cosine"};

// A sparse matrix with this share of non-zeros or more is searched faster as a dense one.
constexpr double kDenseShare = 0.1;

bool search_as_sparse(const Matrix& points) {
  return points.is_sparse() &&
         static_cast<double>(points.num_stored()) <
             kDenseShare * static_cast<double>(points.rows()) * static_cast<double>(points.columns());
}

}  // namespace

const char* name_of(Distance distance) { return kDistanceNames[static_cast<std::size_t>(distance)]; }

Distance distance_from_name(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kDistanceNames); ++i)
    if (name == kDistanceNames[i]) return static_cast<Distance>(i);
  const std::vector<std::string> known(std::begin(kDistanceNames), std::end(kDistanceNames));
  throw UsageError("distance", fmt::format("there is no distance '{}'", name), suggestion(name, known));
}

double length_of(std::span<const double> row) {
  double largest = 0;
  for (const double v : row) largest = std::max(largest, std::abs(v));
  if (largest == 0) return 0;
  double squares = 0;
  for (const double v : row) squares += (v / largest) * (v / largest);
  return largest * std::sqrt(squares);
}

void make_unit(std::span<double> row) {
  const double length = length_of(row);
  if (length == 0) return;
  for (double& v : row) v /= length;
}

NeighborIndex::NeighborIndex(const Matrix& points, Distance distance)
    : size_(points.rows()), columns_(points.columns()) {
  if (search_as_sparse(points))
    search_ = sparse_search(points, distance);
  else if (distance == Distance::manhattan)
    search_ = manhattan_search(points);
  else
    search_ = product_search(points, distance);
}

Neighbors NeighborIndex::nearest(const Matrix& queries, std::int64_t k, const StopToken& stop) const {
  if (k < 1 || k > size_)
    throw UsageError("nearest neighbours",
                     fmt::format("k is {}, there are {} points; 1 to {} can be found", k, size_, size_));
  if (queries.columns() != columns_)
    throw ShapeError("nearest neighbours",
                     fmt::format("the queries have {} columns, the points {}; they must agree",
                                 queries.columns(), columns_));
  Neighbors result;
  result.k = k;
  result.indices.resize(static_cast<std::size_t>(queries.rows() * k));
  result.distances.resize(result.indices.size());
  const auto search_tile = [&](std::int64_t begin, std::int64_t end) {
    std::vector<NearestHeap> found(static_cast<std::size_t>(end - begin), NearestHeap(k));
    search_->search(queries, begin, end, found);
    auto at = static_cast<std::size_t>(begin * k);
    for (NearestHeap& heap : found)
      for (const auto& [ordered, index] : heap.take()) {
        result.indices[at] = index;
        result.distances[at++] = search_->distance_of(ordered);
      }
  };
  parallel_for(queries.rows(), NeighborSearch::kQueryTile, search_tile, stop);
  return result;
}

}  // namespace cairn
