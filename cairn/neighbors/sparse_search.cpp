#include <cmath>

#include "cairn/neighbors/search_internal.h"

namespace cairn {
namespace {

struct Entry {
  std::int64_t index;  // the column in a row, the row in a column
  double value;
};
using SparseRow = std::span<const Entry>;

// Rows of few non-zeros. The columns of the points are kept as lists: a query walks the lists of its own
// non-zeros and so gathers its products with every point at once. Near points' distances are then summed term
// by term.
class SparseSearch : public NeighborSearch {
 public:
  SparseSearch(const Matrix& points, Distance distance) : distance_(distance), n_(points.rows()) {
    const auto starts = points.indptr();
    const auto columns = points.indices();
    const Tensor values = points.values().to(DType::f64);
    const auto value = values.data<double>();
    row_starts_.assign(starts.begin(), starts.end());
    column_starts_.assign(static_cast<std::size_t>(points.columns()) + 1, 0);
    for (const std::int32_t c : columns) ++column_starts_[static_cast<std::size_t>(c) + 1];
    for (std::size_t c = 1; c < column_starts_.size(); ++c) column_starts_[c] += column_starts_[c - 1];
    by_row_.resize(value.size());
    by_column_.resize(value.size());
    sizes_.resize(static_cast<std::size_t>(n_));
    std::vector<std::int64_t> next(column_starts_.begin(), column_starts_.end() - 1);
    for (std::int64_t r = 0; r < n_; ++r) {
      const auto first = static_cast<std::size_t>(starts[static_cast<std::size_t>(r)]);
      const auto last = static_cast<std::size_t>(starts[static_cast<std::size_t>(r) + 1]);
      std::vector<double> kept(value.begin() + static_cast<std::ptrdiff_t>(first),
                               value.begin() + static_cast<std::ptrdiff_t>(last));
      if (distance_ == Distance::cosine) make_unit(kept);
      for (std::size_t i = first; i < last; ++i) {
        by_row_[i] = {columns[i], kept[i - first]};
        by_column_[static_cast<std::size_t>(next[static_cast<std::size_t>(columns[i])]++)] = {
            r, kept[i - first]};
      }
      sizes_[static_cast<std::size_t>(r)] = size_of(row(r));
      longest_ = std::max(longest_, static_cast<std::int64_t>(last - first));
    }
  }

  void search(const Matrix& queries, std::int64_t begin, std::int64_t end,
              std::span<NearestHeap> found) const override {
    std::vector<double> common(static_cast<std::size_t>(n_));
    std::vector<Entry> query;
    for (std::int64_t q = begin; q < end; ++q) {
      read_row(queries, q, query);
      std::ranges::fill(common, 0.0);
      for (const Entry& e : query) {
        const auto column = static_cast<std::size_t>(e.index);
        for (std::int64_t i = column_starts_[column]; i < column_starts_[column + 1]; ++i) {
          const Entry& p = by_column_[static_cast<std::size_t>(i)];
          common[static_cast<std::size_t>(p.index)] += shared_part(e.value, p.value);
        }
      }
      scan(query, common, found[static_cast<std::size_t>(q - begin)]);
    }
  }

  double distance_of(double ordered) const override {
    return distance_ == Distance::euclidean ? std::sqrt(ordered) : ordered;
  }

 private:
  SparseRow row(std::int64_t r) const {
    const auto first = static_cast<std::size_t>(row_starts_[static_cast<std::size_t>(r)]);
    const auto last = static_cast<std::size_t>(row_starts_[static_cast<std::size_t>(r) + 1]);
    return {by_row_.data() + first, last - first};
  }

  // How far a row lies from the origin, in the units that heaps are ordered by.
  double size_of(SparseRow r) const {
    double sum = 0;
    for (const Entry& e : r) sum += distance_ == Distance::manhattan ? std::abs(e.value) : e.value * e.value;
    return sum;
  }

  // What two non-zeros in one column take away from size + size.
  double shared_part(double a, double b) const {
    if (distance_ == Distance::manhattan) return std::abs(a - b) - std::abs(a) - std::abs(b);
    return distance_ == Distance::euclidean ? -2 * a * b : -a * b;
  }

  void read_row(const Matrix& queries, std::int64_t q, std::vector<Entry>& query) const {
    std::vector<double> dense(static_cast<std::size_t>(queries.columns()));
    queries.tile(q, q + 1, dense.data());
    if (distance_ == Distance::cosine) make_unit(dense);
    query.clear();
    for (std::size_t c = 0; c < dense.size(); ++c)
      if (dense[c] != 0) query.push_back({static_cast<std::int64_t>(c), dense[c]});
  }

  void scan(SparseRow query, std::span<const double> common, NearestHeap& heap) const {
    const double size = size_of(query);
    const double slack = static_cast<double>(longest_ + std::ssize(query) + 16) * 2 * std::ldexp(1.0, -52);
    double limit = heap.limit();
    for (std::int64_t i = 0; i < n_; ++i) {
      const double sizes = distance_ == Distance::cosine ? 1 : size + sizes_[static_cast<std::size_t>(i)];
      if (sizes + common[static_cast<std::size_t>(i)] > limit + slack * sizes) continue;
      heap.offer(exact(query, row(i)), i);
      limit = heap.limit();
    }
  }

  double exact(SparseRow a, SparseRow b) const {
    double sum = 0;
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
      const bool take_a = j == b.size() || (i < a.size() && a[i].index <= b[j].index);
      const bool take_b = i == a.size() || (j < b.size() && b[j].index <= a[i].index);
      const double x = take_a ? a[i++].value : 0, y = take_b ? b[j++].value : 0;
      if (distance_ == Distance::euclidean)
        sum += (x - y) * (x - y);
      else
        sum += distance_ == Distance::manhattan ? std::abs(x - y) : x * y;
    }
    return distance_ == Distance::cosine ? std::clamp(1 - sum, 0.0, 2.0) : sum;
  }

  Distance distance_;
  std::int64_t n_, longest_ = 0;
  std::vector<std::int64_t> row_starts_, column_starts_;
  std::vector<Entry> by_row_, by_column_;
  std::vector<double> sizes_;  // [n]
};

}  // namespace

std::shared_ptr<const NeighborSearch> sparse_search(const Matrix& points, Distance distance) {
  return std::make_shared<SparseSearch>(points, distance);
}

}  // namespace cairn
