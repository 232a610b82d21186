// Rows in the order of their score, rows of equal score together.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cairn/metrics/metric.h"
#include "cairn/metrics/ranking.h"

namespace cairn::metric_detail {

// ranking_area on scores that lie `stride` doubles apart.
std::optional<RankingArea> ranking_area(const double* scores, std::int64_t stride, const std::int32_t* labels,
                                        std::int64_t n, std::int32_t positive);

struct TieGroup {
  double score = 0;
  double positive = 0, negative = 0;  // sums of weights
  std::int64_t end = 0;               // one past its last row in Ranking::order
};

struct Ranking {
  std::vector<std::int64_t> order;  // rows of positive weight, highest score first, ties by index
  std::vector<TieGroup> groups;     // highest score first
  double positive = 0, negative = 0;
  bool defined() const { return positive > 0 && negative > 0; }
};
// Ranks rows by the probability of class c, against all others; nullopt when a score is NaN.
std::optional<Ranking> rank(const Scored& rows, std::int32_t c);

}  // namespace cairn::metric_detail
