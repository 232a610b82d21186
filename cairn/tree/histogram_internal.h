// Sums of gradients and second derivatives over the rows of a node, a pair for every bin of every feature.
// Both are whole numbers in one 64-bit word, the gradient above the second derivative, so that one addition
// does both and the sums do not depend on the order of the rows: the same bytes for any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cairn/tree/bins_internal.h"

namespace cairn::tree {

// gradient = g * g_scale, second derivative = h * h_scale. A word is g * 2^32 + h with h >= 0.
struct Gradients {
  std::vector<std::int64_t> words;  // one a row
  double g_scale = 1, h_scale = 1;
  double g(std::int64_t word) const { return static_cast<double>(word >> 32) * g_scale; }
  double h(std::int64_t word) const {
    return static_cast<double>(static_cast<std::uint32_t>(word)) * h_scale;
  }
};

// Bits a row may take, sign included, so that sums over n rows do not leave their half of a word.
int gradient_bits(std::int64_t n);

// Rounds g and h (>= 0) of rows [0, n) to words. With few bits a row is rounded up or down at random, with
// the probability that keeps the mean; which of both depends on seed and row only.
void pack_gradients(std::span<const double> g, std::span<const double> h, std::uint64_t seed, Gradients& out);

// Entries lie as data.offset() says. The unlisted bin of a sparse feature stays as it is: complete_sparse().
// Adds `count` rows: those listed, or [first, first + count) when rows is null.
void add_to_histogram(const BinnedData& data, const std::uint32_t* rows, std::int64_t first,
                      std::int64_t count, const std::int64_t* words, std::int64_t* histogram);

// Writes the sums of sparse features' unlisted bins: what their other bins leave of the node's total.
void complete_sparse(const BinnedData& data, std::int64_t total, std::int64_t* histogram);

// Moves the rows that go left to the front, both sides keeping their order; returns how many. right_memory
// holds at least `count`, goes_left says it of each of 256 bins; after `column` come kColumnSlack bytes more.
std::int64_t partition_rows(std::uint32_t* rows, std::int64_t count, const std::uint8_t* column,
                            const std::uint8_t* goes_left, std::uint32_t* right_memory);

// Histograms that are given back are used again.
class HistogramPool {
 public:
  explicit HistogramPool(std::int64_t size) : size_(size) {}
  using Histogram = std::unique_ptr<std::int64_t[]>;
  Histogram take();  // not cleared
  void give(Histogram h) {
    if (h) free_.push_back(std::move(h));
  }
  std::int64_t size() const { return size_; }

 private:
  std::int64_t size_;
  std::vector<Histogram> free_;
};

}  // namespace cairn::tree
