// Which rows a boosting round learns from. Rows taken with probability p count 1 / p, so sums keep their
// mean.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cairn::tree {

enum class Sampling : std::uint8_t {
  uniform,
  minimum_variance,  // p in proportion to the size of the gradient (Ibragimov and Gusev: Minimal variance
                     // sampling, 2019)
  goss,              // the largest gradients and some of the others (Ke and others: LightGBM, 2017)
};
Sampling sampling_from_name(const std::string& name);

class RowSampler {
 public:
  // share of the rows in the mean, (0, 1]. l2 steadies small gradients.
  RowSampler(Sampling sampling, double share, double l2, std::uint64_t seed)
      : sampling_(sampling), share_(share), l2_(l2), seed_(seed) {}
  bool all_rows() const { return share_ >= 1; }
  // Ascending rows for this round; g and h [outputs * n] of those rows are multiplied by 1 / p. The share is
  // of the `learned` rows among the n that are learned from; g and h of the others are 0, and those of them
  // that are drawn are the caller's to drop.
  std::vector<std::uint32_t> draw(std::uint64_t round, std::int64_t n, std::int64_t learned,
                                  std::span<double> g, std::span<double> h);

 private:
  std::vector<double> sizes(std::int64_t n, std::span<const double> g, std::span<const double> h) const;
  std::vector<double> chances(std::vector<double> sizes, std::int64_t learned);
  Sampling sampling_;
  double share_, l2_;
  std::uint64_t seed_;
};

}  // namespace cairn::tree
