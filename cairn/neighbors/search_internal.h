// What the ways of searching share: the k nearest found so far, and the seam between an index and its search.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "cairn/neighbors/neighbors.h"

namespace cairn {

// The k smallest (distance, index) pairs among those offered. Distances may be any increasing function of the
// true ones.
class NearestHeap {
 public:
  explicit NearestHeap(std::int64_t k) : k_(static_cast<std::size_t>(k)) { heap_.reserve(k_); }

  // What a further point must not exceed to matter.
  double limit() const {
    return heap_.size() < k_ ? std::numeric_limits<double>::infinity() : heap_.front().first;
  }

  void offer(double distance, std::int64_t index) {
    const std::pair candidate{distance, index};
    if (heap_.size() == k_) {
      if (!(candidate < heap_.front())) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = candidate;
    } else {
      heap_.push_back(candidate);
    }
    std::push_heap(heap_.begin(), heap_.end());
  }

  // Nearest first; the heap is empty afterwards.
  std::vector<std::pair<double, std::int64_t>> take() {
    std::sort_heap(heap_.begin(), heap_.end());
    auto sorted = std::move(heap_);
    heap_.clear();
    return sorted;
  }

 private:
  std::size_t k_;
  std::vector<std::pair<double, std::int64_t>> heap_;
};

class NeighborSearch {
 public:
  virtual ~NeighborSearch() = default;
  // The k nearest points of the query rows [begin, end), at most kQueryTile of them: one heap a query is
  // filled.
  virtual void search(const Matrix& queries, std::int64_t begin, std::int64_t end,
                      std::span<NearestHeap> found) const = 0;
  // From the number that heaps are ordered by to the distance.
  virtual double distance_of(double ordered) const { return ordered; }

  static constexpr std::int64_t kQueryTile = 64;
};

std::shared_ptr<const NeighborSearch> product_search(const Matrix& points,
                                                     Distance distance);  // euclidean, cosine
std::shared_ptr<const NeighborSearch> manhattan_search(const Matrix& points);
std::shared_ptr<const NeighborSearch> sparse_search(const Matrix& points, Distance distance);

// The Euclidean length, safe from overflow; 0 for a row of zeros.
double length_of(std::span<const double> row);
// Divides by the length; a row of zeros stays.
void make_unit(std::span<double> row);

}  // namespace cairn
