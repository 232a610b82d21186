#include <cmath>

#include "cairn/neighbors/search_internal.h"

namespace cairn {
namespace {

constexpr std::int64_t kPointTile = 256;

// Sums of absolute differences have no product form. Points lie in tiles of 256, column after column, so that
// the innermost loop runs over points: every sum keeps its order and still fills the vector units.
class ManhattanSearch : public NeighborSearch {
 public:
  explicit ManhattanSearch(const Matrix& points) : n_(points.rows()), d_(points.columns()) {
    const std::int64_t tiles = (n_ + kPointTile - 1) / kPointTile;
    tiles_.assign(static_cast<std::size_t>(tiles * kPointTile * d_), 0.0);
    std::vector<double> rows(static_cast<std::size_t>(kPointTile * d_));
    for (std::int64_t first = 0; first < n_; first += kPointTile) {
      const std::int64_t count = std::min(kPointTile, n_ - first);
      points.tile(first, first + count, rows.data());
      for (std::int64_t i = 0; i < count; ++i)
        for (std::int64_t j = 0; j < d_; ++j)
          tiles_[static_cast<std::size_t>(first * d_ + j * kPointTile + i)] =
              rows[static_cast<std::size_t>(i * d_ + j)];
    }
  }

  void search(const Matrix& queries, std::int64_t begin, std::int64_t end,
              std::span<NearestHeap> found) const override {
    std::vector<double> rows(static_cast<std::size_t>((end - begin) * d_));
    queries.tile(begin, end, rows.data());
    double sums[kPointTile];
    for (std::int64_t first = 0; first < n_; first += kPointTile) {
      const std::int64_t count = std::min(kPointTile, n_ - first);
      for (std::int64_t q = 0; q < end - begin; ++q) {
        sum_tile(rows.data() + q * d_, tiles_.data() + first * d_, sums);
        NearestHeap& heap = found[static_cast<std::size_t>(q)];
        double limit = heap.limit();
        for (std::int64_t i = 0; i < count; ++i) {
          if (sums[i] > limit) continue;
          heap.offer(sums[i], first + i);
          limit = heap.limit();
        }
      }
    }
  }

 private:
  void sum_tile(const double* query, const double* tile, double* sums) const {
    std::fill_n(sums, kPointTile, 0.0);
    for (std::int64_t j = 0; j < d_; ++j)
      for (std::int64_t i = 0; i < kPointTile; ++i) sums[i] += std::abs(query[j] - tile[j * kPointTile + i]);
  }

  std::int64_t n_, d_;
  std::vector<double> tiles_;
};

}  // namespace

std::shared_ptr<const NeighborSearch> manhattan_search(const Matrix& points) {
  return std::make_shared<ManhattanSearch>(points);
}

}  // namespace cairn
