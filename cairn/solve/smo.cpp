#include "cairn/solve/smo.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <list>
#include <numeric>
#include <unordered_map>

namespace cairn {
namespace {

constexpr double kFar = std::numeric_limits<double>::infinity();
constexpr double kFlat = 1e-12;  // a pair without curvature steps as if it had this much

// The kernel rows asked for last.
class RowCache {
 public:
  RowCache(const SmoProblem& problem, std::size_t bytes)
      : problem_(problem),
        most_(std::max<std::size_t>(2, bytes / (8 * std::max<std::size_t>(1, problem.sides.size())))) {}
  // Valid until two other rows have been asked for.
  std::span<const double> row(std::size_t i) {
    if (const auto at = where_.find(i); at != where_.end()) {
      rows_.splice(rows_.begin(), rows_, at->second);
      return rows_.front().values;
    }
    if (rows_.size() >= most_) {
      where_.erase(rows_.back().index);
      rows_.splice(rows_.begin(), rows_, std::prev(rows_.end()));
    } else {
      rows_.emplace_front();
      rows_.front().values.resize(problem_.sides.size());
    }
    rows_.front().index = i;
    where_[i] = rows_.begin();
    problem_.kernel_row(i, rows_.front().values);
    return rows_.front().values;
  }

 private:
  struct Row {
    std::size_t index = 0;
    std::vector<double> values;
  };
  const SmoProblem& problem_;
  std::size_t most_;
  std::list<Row> rows_;
  std::unordered_map<std::size_t, std::list<Row>::iterator> where_;
};

class Smo {
 public:
  Smo(const SmoProblem& problem, const SmoOptions& options)
      : y_(problem.sides),
        c_(problem.costs),
        problem_(problem),
        options_(options),
        cache_(problem, options.cache_bytes),
        alpha_(y_.size(), 0.0),
        gradient_(y_.size(), -1.0) {
    for (std::size_t i = 0; i < y_.size(); ++i)
      if (c_[i] > 0) all_.push_back(i);
    active_ = all_;
  }

  SmoSolution run() {
    SmoSolution s;
    const auto every = static_cast<std::int64_t>(std::min<std::size_t>(1000, all_.size() + 1));
    std::int64_t until_shrink = every;
    while (s.iterations < options_.max_iter) {
      if (s.iterations % 256 == 0) {
        options_.stop.throw_if_requested("sequential minimal optimisation");
        if (s.iterations > 0 && options_.stop.time_is_up()) break;
      }
      if (!step()) {
        s.converged = true;
        if (active_.size() == all_.size()) break;
        s.converged = false;
        take_all_back();
        until_shrink = every;
        continue;
      }
      ++s.iterations;
      if (--until_shrink == 0) {
        shrink();
        until_shrink = every;
      }
    }
    take_all_back();
    s.offset = offset();
    s.alpha = std::move(alpha_);
    return s;
  }

 private:
  bool in_up(std::size_t i) const { return y_[i] > 0 ? alpha_[i] < c_[i] : alpha_[i] > 0; }
  bool in_low(std::size_t i) const { return y_[i] > 0 ? alpha_[i] > 0 : alpha_[i] < c_[i]; }
  double score(std::size_t i) const { return -y_[i] * gradient_[i]; }

  // False when the active variables are optimal to tol.
  bool step() {
    std::size_t i = y_.size(), j = y_.size();
    double most = -kFar, least = kFar;
    for (const std::size_t k : active_)
      if (in_up(k) && score(k) > most) {
        most = score(k);
        i = k;
      }
    if (i == y_.size()) return false;
    const std::span<const double> row_i = cache_.row(i);
    double best = 0;
    for (const std::size_t k : active_) {
      if (!in_low(k)) continue;
      least = std::min(least, score(k));
      const double gap = most - score(k);
      if (!(gap > 0)) continue;
      const double gain = gap * gap / curvature(i, k, row_i[k]);
      if (gain > best) {
        best = gain;
        j = k;
      }
    }
    if (most - least < options_.tol || j == y_.size()) return false;
    const double up = y_[i] > 0 ? c_[i] - alpha_[i] : alpha_[i];
    const double down = y_[j] > 0 ? alpha_[j] : c_[j] - alpha_[j];
    const double wanted = (most - score(j)) / curvature(i, j, row_i[j]);
    const double t = std::min({wanted, up, down});
    move(i, y_[i] * t, t >= up);
    move(j, -y_[j] * t, t >= down);
    const std::span<const double> row_j = cache_.row(j), again = cache_.row(i);
    for (const std::size_t k : active_) gradient_[k] += y_[k] * t * (again[k] - row_j[k]);
    return true;
  }

  double curvature(std::size_t i, std::size_t j, double k_ij) const {
    return std::max(kFlat, problem_.diagonal[i] + problem_.diagonal[j] - 2 * k_ij);
  }

  // A variable that reaches its bound stands on it exactly.
  void move(std::size_t i, double by, bool to_bound) {
    alpha_[i] = to_bound ? (by > 0 ? c_[i] : 0) : std::clamp(alpha_[i] + by, 0.0, c_[i]);
  }

  // Sets variables aside that stand at a bound and are held to it by more than any pair violates.
  void shrink() {
    double most = -kFar, least = kFar;
    for (const std::size_t k : active_) {
      if (in_up(k)) most = std::max(most, score(k));
      if (in_low(k)) least = std::min(least, score(k));
    }
    std::erase_if(active_, [&](std::size_t k) {
      if (in_up(k) && in_low(k)) return false;
      return in_up(k) ? score(k) < least : score(k) > most;
    });
  }

  void take_all_back() {
    if (active_.size() == all_.size()) return;
    std::vector<char> is_active(y_.size(), 0);
    for (const std::size_t k : active_) is_active[k] = 1;
    for (const std::size_t k : all_)
      if (!is_active[k]) gradient_[k] = -1;
    for (const std::size_t j : all_) {
      if (alpha_[j] == 0) continue;
      const std::span<const double> row = cache_.row(j);
      for (const std::size_t k : all_)
        if (!is_active[k]) gradient_[k] += y_[k] * y_[j] * alpha_[j] * row[k];
    }
    active_ = all_;
  }

  // The mean over variables off their bounds, else the middle of what is allowed.
  double offset() const {
    double sum = 0, most = -kFar, least = kFar;
    std::int64_t free = 0;
    for (const std::size_t k : all_) {
      if (in_up(k) && in_low(k)) {
        sum += score(k);
        ++free;
      }
      if (in_up(k)) most = std::max(most, score(k));
      if (in_low(k)) least = std::min(least, score(k));
    }
    if (free > 0) return sum / static_cast<double>(free);
    if (std::isfinite(most) && std::isfinite(least)) return (most + least) / 2;
    return std::isfinite(most) ? most : std::isfinite(least) ? least : 0;
  }

  std::span<const double> y_, c_;
  const SmoProblem& problem_;
  const SmoOptions& options_;
  RowCache cache_;
  std::vector<double> alpha_, gradient_;
  std::vector<std::size_t> all_, active_;
};

}  // namespace

SmoSolution minimise_pairs(const SmoProblem& problem, const SmoOptions& options) {
  return Smo(problem, options).run();
}

}  // namespace cairn
