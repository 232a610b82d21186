#include "cairn/solve/newton.h"

#include <algorithm>
#include <cmath>

#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

using minimise_detail::inner;
using minimise_detail::norm;

constexpr double kDescent = 1e-4;
constexpr double kRounding = 1e-13;
constexpr double kFirstDamping = 1e-10, kMostDamping = 1e8;
constexpr int kMaxHalvings = 40;

// The Cholesky factor of a Hessian, with as much damping as it needs.
class Factor {
 public:
  void set(std::vector<double> hessian) {
    hessian_ = std::move(hessian);
    damping_ = 0;
    refactor();
  }
  bool damp_more() {
    damping_ = damping_ == 0 ? kFirstDamping : damping_ * 100;
    if (damping_ > kMostDamping) return false;
    refactor();
    return true;
  }
  std::vector<double> step(std::span<const double> gradient) const {
    std::vector<double> s(gradient.size());
    for (std::size_t i = 0; i < s.size(); ++i) s[i] = -gradient[i];
    linalg::cholesky_solve(factor_, static_cast<std::int64_t>(s.size()), s);
    return s;
  }
  double damping() const { return damping_; }

 private:
  void refactor() {
    const auto n = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(hessian_.size()))));
    double largest = 0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, hessian_[i * n + i]);
    for (;; damping_ = damping_ == 0 ? kFirstDamping : damping_ * 100) {
      factor_ = hessian_;
      // The second term keeps a direction without any curvature from an unbounded step.
      for (std::size_t i = 0; i < n; ++i)
        factor_[i * n + i] += damping_ * (hessian_[i * n + i] + 1e-6 * largest + 1e-300);
      if (linalg::cholesky(factor_, static_cast<std::int64_t>(n)) || damping_ > kMostDamping) return;
    }
  }
  std::vector<double> hessian_, factor_;
  double damping_ = 0;
};

}  // namespace

NewtonMinimum newton(const CurvedObjective& objective, std::vector<double> start,
                     const NewtonOptions& options) {
  NewtonMinimum m;
  m.x = std::move(start);
  const std::size_t n = m.x.size();
  std::vector<double> gradient(n), trial(n), trial_gradient(n), hessian(n * n);
  Factor factor;
  const auto use_hessian = [&] {
    factor.set(hessian);
    ++m.hessians;
  };
  m.value = objective(m.x, gradient, hessian);
  m.evaluations = 1;
  minimise_detail::check_start("newton", m.value, gradient);
  m.gradient_norm = norm(gradient);
  const double enough = minimise_detail::limit(options.rule, m.gradient_norm, &m.reference_norm);
  m.history.push_back(m.value);
  if (n > 0) use_hessian();
  bool fresh = true, shares = options.near_minimum;
  while (m.gradient_norm > enough && m.iterations < options.rule.max_iter) {
    options.rule.stop.throw_if_requested("newton");
    if (options.rule.stop.time_is_up()) {
      m.reason = StopReason::time_limit;
      break;
    }
    const std::vector<double> step = factor.step(gradient);
    const double slope = inner(gradient, step);
    double t = 1, value = 0;
    bool found = false, has_hessian = false;
    for (int k = 0; k < kMaxHalvings && slope < 0; ++k, t *= 0.5) {
      for (std::size_t i = 0; i < n; ++i) trial[i] = m.x[i] + t * step[i];
      // A full step far from the minimum is usually taken and then wants its own Hessian: form it in the same
      // pass.
      has_hessian = k == 0 && !shares;
      value = objective(trial, trial_gradient, has_hessian ? std::span(hessian) : std::span<double>());
      ++m.evaluations;
      if (!std::isfinite(value)) continue;
      const double room = kRounding * std::abs(m.value);
      found = value <= m.value + kDescent * t * slope ||
              (value <= m.value + room && norm(trial_gradient) < m.gradient_norm);
      if (found) break;
      if (t * -slope < 1e-3 * room) break;
    }
    m.damping = std::max(m.damping, factor.damping());
    if (!found) {
      if (!fresh) {
        objective(m.x, gradient, hessian);
        ++m.evaluations;
        use_hessian();
        fresh = true;
      } else if (!factor.damp_more()) {
        m.reason = StopReason::no_progress;
        break;
      }
      continue;
    }
    const double before = m.gradient_norm;
    m.x.swap(trial);
    gradient.swap(trial_gradient);
    m.value = value;
    m.gradient_norm = norm(gradient);
    m.history.push_back(value);
    ++m.iterations;
    shares = t == 1 && m.gradient_norm <= options.keep_hessian * before;
    fresh = false;
    if (m.gradient_norm <= enough || shares) continue;
    if (!has_hessian) {
      objective(m.x, gradient, hessian);
      ++m.evaluations;
    }
    use_hessian();
    fresh = true;
  }
  if (m.reason != StopReason::no_progress && m.reason != StopReason::time_limit)
    m.reason = m.gradient_norm <= enough ? StopReason::gradient : StopReason::max_iter;
  m.last_step = n > 0 ? factor.step(gradient) : std::vector<double>{};
  return m;
}

}  // namespace cairn
