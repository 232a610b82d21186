#include "cairn/data/distinct.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/random.h"

namespace cairn {

DistinctCount::DistinctCount(std::size_t most)
    : most_(most), below_(std::numeric_limits<std::uint64_t>::max()) {
  CAIRN_ASSERT(most >= 2);
}

void DistinctCount::add(std::uint64_t hash) {
  const std::uint64_t mixed = derive_seed(0, "", hash);  // as if drawn at random
  if (mixed >= below_) return;
  fresh_.push_back(mixed);
  if (fresh_.size() >= most_) merge();
}

void DistinctCount::merge() {
  std::ranges::sort(fresh_);
  fresh_.erase(std::unique(fresh_.begin(), fresh_.end()), fresh_.end());
  std::vector<std::uint64_t> both;
  both.reserve(smallest_.size() + fresh_.size());
  std::ranges::set_union(smallest_, fresh_, std::back_inserter(both));
  fresh_.clear();
  if (both.size() > most_) {
    exact_ = false;
    both.resize(most_);
    below_ = both.back();
  }
  smallest_ = std::move(both);
}

bool DistinctCount::is_exact() {
  merge();
  return exact_;
}

std::int64_t DistinctCount::count() {
  merge();
  if (exact_) return std::ssize(smallest_);
  // The k-th smallest of n numbers from [0, 1) lies at k / (n + 1) on average.
  const double place = (static_cast<double>(smallest_.back()) + 1) * 0x1p-64;
  return std::llround(static_cast<double>(most_ - 1) / place);
}

}  // namespace cairn
