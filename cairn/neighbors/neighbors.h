// Exact nearest neighbours by blocked search: matrix products find the few points that can be near, and the
// distances of those are then computed term by term, so the answer does not depend on how a product rounds.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/ops/matrix.h"

namespace cairn {

// euclidean: root of the sum of squared differences; manhattan: sum of absolute differences; cosine: 1 - cos
// of the angle, where a row of zeros is at distance 1 from every row.
enum class Distance : std::uint8_t { euclidean, manhattan, cosine };
const char* name_of(Distance distance);              // "euclidean"
Distance distance_from_name(std::string_view name);  // UsageError with the known names

// The k nearest points of each query: k entries a row, the nearest first, equal distances by the smaller
// index.
struct Neighbors {
  std::int64_t k = 0;
  std::vector<std::int64_t> indices;  // [queries * k]
  std::vector<double> distances;      // [queries * k]
};

class NeighborSearch;  // one way of searching

// Points made ready to be searched; immutable, safe to use from many threads, cheap to copy.
class NeighborIndex {
 public:
  NeighborIndex() = default;
  // points [n, d], dense or sparse, finite.
  NeighborIndex(const Matrix& points, Distance distance);

  std::int64_t size() const { return size_; }
  // queries [m, d]. UsageError unless 1 <= k <= n; ShapeError for another number of columns; Interrupted.
  Neighbors nearest(const Matrix& queries, std::int64_t k, const StopToken& stop = {}) const;

 private:
  std::int64_t size_ = 0, columns_ = 0;
  std::shared_ptr<const NeighborSearch> search_;
};

}  // namespace cairn
