// The best place to split a node among the bins of one feature of numbers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn::tree {

constexpr std::size_t kMostScanned = 256;  // bins

struct ScanRules {
  double g_scale, h_scale;  // of the two halves of a word
  double g, h;              // sums over the node
  double l2;
  double least, most;  // what the left side's second derivatives may sum to
};

struct BestBin {
  int bin = -1;           // -1: none is better
  std::int64_t left = 0;  // words of the rows up to this bin
};

// The first bin of [0, last] with the largest (gl^2 kr + gr^2 kl) / (kl kr) above `best_twice`, where gl, hl
// are the sums up to the bin and `start`, kl = hl + l2 and kr likewise. Bins without rows are passed over.
BestBin scan_bins(const std::int64_t* histogram, std::int64_t start, int last, const ScanRules& rules,
                  double best_twice);

}  // namespace cairn::tree
