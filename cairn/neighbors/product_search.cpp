#include <cmath>

#include "cairn/neighbors/search_internal.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

constexpr std::int64_t kPointTile = 1024;  // with kQueryTile queries, one tile of products fills 256 KiB
constexpr std::int64_t kScanTile = 16;

// Euclidean: |q - p|^2 = |q|^2 + |p|^2 - 2 q.p, of rows moved to the points' mean and divided by their
// spread, in f32. Cosine: 1 - q.p of unit rows. A point whose product says that it may be near, within the
// bound on the product's rounding error (Higham: Accuracy and Stability of Numerical Algorithms, 2002,
// section 3.1), gets its distance computed in f64.
class ProductSearch : public NeighborSearch {
 public:
  ProductSearch(const Matrix& points, Distance distance)
      : cosine_(distance == Distance::cosine), n_(points.rows()), d_(points.columns()) {
    points_.resize(static_cast<std::size_t>(n_ * d_));
    points.tile(0, n_, points_.data());
    slack_ = static_cast<double>(d_ + 16) * std::ldexp(1.0, -23);
    if (cosine_) {
      for (std::int64_t i = 0; i < n_; ++i) make_unit(row(i));
    } else {
      center();
    }
    projected_.resize(points_.size());
    offsets_.assign(static_cast<std::size_t>(n_), 0.0F);
    for (std::int64_t i = 0; i < n_; ++i) {
      const double squares = project(row(i).data(), 1.0, projected_.data() + i * d_);
      if (!cosine_) offsets_[static_cast<std::size_t>(i)] = static_cast<float>(squares * (1 - slack_));
    }
  }

  void search(const Matrix& queries, std::int64_t begin, std::int64_t end,
              std::span<NearestHeap> found) const override {
    const std::int64_t m = end - begin;
    std::vector<double> rows(static_cast<std::size_t>(m * d_));
    queries.tile(begin, end, rows.data());
    std::vector<float> projected(rows.size());
    std::vector<double> squares(static_cast<std::size_t>(m));
    for (std::int64_t i = 0; i < m; ++i) {
      double* query = rows.data() + i * d_;
      if (cosine_) make_unit({query, static_cast<std::size_t>(d_)});
      squares[static_cast<std::size_t>(i)] = project(query, cosine_ ? -1.0 : -2.0, projected.data() + i * d_);
    }
    std::vector<float> products(static_cast<std::size_t>(m * kPointTile));
    for (std::int64_t first = 0; first < n_; first += kPointTile) {
      const std::int64_t count = std::min(kPointTile, n_ - first);
      for (std::int64_t i = 0; i < m; ++i)
        std::copy_n(offsets_.data() + first, count, products.data() + i * count);
      linalg::add_tile_products(projected, std::span(projected_).subspan(at(first), at(count)), d_,
                                std::span(products).first(static_cast<std::size_t>(m * count)));
      for (std::int64_t i = 0; i < m; ++i)
        scan(products.data() + i * count, first, count, rows.data() + i * d_,
             squares[static_cast<std::size_t>(i)], found[static_cast<std::size_t>(i)]);
    }
  }

  double distance_of(double ordered) const override { return cosine_ ? ordered : std::sqrt(ordered); }

 private:
  std::span<double> row(std::int64_t i) { return {points_.data() + i * d_, static_cast<std::size_t>(d_)}; }

  std::size_t at(std::int64_t row) const { return static_cast<std::size_t>(row * d_); }

  void center() {
    mean_.assign(static_cast<std::size_t>(d_), 0.0);
    for (std::int64_t i = 0; i < n_; ++i)
      for (std::int64_t j = 0; j < d_; ++j)
        mean_[static_cast<std::size_t>(j)] +=
            points_[static_cast<std::size_t>(i * d_ + j)] / static_cast<double>(n_);
    double largest = 0;
    for (std::int64_t i = 0; i < n_; ++i)
      for (std::int64_t j = 0; j < d_; ++j)
        largest = std::max(largest, std::abs(points_[static_cast<std::size_t>(i * d_ + j)] -
                                             mean_[static_cast<std::size_t>(j)]));
    if (largest > 0 && std::isfinite(1 / largest)) unit_ = 1 / largest;
  }

  // Writes factor * the row as the products see it; returns its sum of squares without the factor.
  double project(const double* from, double factor, float* to) const {
    double squares = 0;
    for (std::int64_t j = 0; j < d_; ++j) {
      const double v = cosine_ ? from[j] : (from[j] - mean_[static_cast<std::size_t>(j)]) * unit_;
      to[j] = static_cast<float>(factor * v);
      squares += v * v;
    }
    return squares;
  }

  // The largest product of a point that can still be among the nearest. NaN (an overflow) compares so that it
  // is kept.
  float threshold(double limit, double query_squares) const {
    if (cosine_) return static_cast<float>(limit - 1 + 2 * slack_);
    constexpr double kUnderflow =
        1e-30;  // products below f32's range are lost, in units of the points' spread
    return static_cast<float>(limit * unit_ * unit_ - query_squares * (1 - slack_) + kUnderflow);
  }

  void scan(const float* products, std::int64_t first, std::int64_t count, const double* query,
            double query_squares, NearestHeap& heap) const {
    float most = threshold(heap.limit(), query_squares);
    for (std::int64_t at = 0; at < count; at += kScanTile) {
      const std::int64_t stop = std::min(count, at + kScanTile);
      if (stop - at == kScanTile) {
        int kept = 0;
        for (std::int64_t j = 0; j < kScanTile; ++j) kept += !(products[at + j] > most);
        if (kept == 0) continue;
      }
      for (std::int64_t j = at; j < stop; ++j) {
        if (products[j] > most) continue;
        heap.offer(exact(query, points_.data() + (first + j) * d_), first + j);
        most = threshold(heap.limit(), query_squares);
      }
    }
  }

  double exact(const double* a, const double* b) const {
    double sum = 0;
    if (cosine_) {
      for (std::int64_t j = 0; j < d_; ++j) sum += a[j] * b[j];
      return std::clamp(1 - sum, 0.0, 2.0);
    }
    for (std::int64_t j = 0; j < d_; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
  }

  bool cosine_;
  std::int64_t n_, d_;
  std::vector<double> points_;    // [n, d] as given; unit rows for cosine
  std::vector<float> projected_;  // [n, d] as the products see them
  std::vector<float> offsets_;    // [n] what a product starts from: |p|^2 less its error bound
  std::vector<double> mean_;      // [d]
  double unit_ = 1;               // 1 / the largest distance of a coordinate from its mean
  double slack_ = 0;
};

}  // namespace

std::shared_ptr<const NeighborSearch> product_search(const Matrix& points, Distance distance) {
  return std::make_shared<ProductSearch>(points, distance);
}

}  // namespace cairn
