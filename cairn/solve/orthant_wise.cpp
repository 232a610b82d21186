#include <algorithm>
#include <cmath>

#include "cairn/solve/lbfgs.h"
#include "cairn/solve/lbfgs_internal.h"

namespace cairn {
namespace {

using minimise_detail::norm;

constexpr double kDescent = 1e-4;
constexpr int kMaxHalvings = 60;

double penalty(std::span<const double> x, std::span<const double> l1) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += l1[i] * std::abs(x[i]);
  return sum;
}

}  // namespace

void least_subgradient(std::span<const double> x, std::span<const double> gradient,
                       std::span<const double> l1, std::span<double> out) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double g = gradient[i], l = l1[i];
    if (x[i] > 0)
      out[i] = g + l;
    else if (x[i] < 0)
      out[i] = g - l;
    else
      out[i] = g < -l ? g + l : g > l ? g - l : 0.0;
  }
}

Minimum orthant_wise_lbfgs(const Objective& objective, std::span<const double> l1, std::vector<double> start,
                           const LbfgsOptions& options) {
  const std::size_t n = start.size();
  Minimum m;
  m.x = std::move(start);
  std::vector<double> gradient(n), pseudo(n), trial(n), trial_gradient(n), orthant(n);
  m.value = objective(m.x, gradient) + penalty(m.x, l1);
  m.evaluations = 1;
  minimise_detail::check_start("lbfgs", m.value, gradient);
  least_subgradient(m.x, gradient, l1, pseudo);
  m.gradient_norm = norm(pseudo);
  const double enough = minimise_detail::limit(options.rule, m.gradient_norm, &m.reference_norm);
  m.history.push_back(m.value);
  lbfgs_detail::Pairs pairs(options.memory);
  while (m.gradient_norm > enough && m.iterations < options.rule.max_iter) {
    options.rule.stop.throw_if_requested("lbfgs");
    if (options.rule.stop.time_is_up()) {
      m.reason = StopReason::time_limit;
      break;
    }
    std::vector<double> direction = pairs.times_inverse_hessian(pseudo);
    // Only components that agree with steepest descent are kept, so that the direction descends the whole
    // function.
    for (std::size_t i = 0; i < n; ++i) {
      direction[i] = direction[i] * pseudo[i] > 0 ? -direction[i] : 0.0;
      orthant[i] = m.x[i] != 0      ? std::copysign(1.0, m.x[i])
                   : pseudo[i] != 0 ? std::copysign(1.0, -pseudo[i])
                                    : 0.0;
    }
    double t = pairs.empty() ? std::min(1.0, 1 / m.gradient_norm) : 1.0, value = 0;
    bool found = false;
    for (int k = 0; k < kMaxHalvings && !found; ++k, t *= 0.5) {
      double moved = 0;
      for (std::size_t i = 0; i < n; ++i) {
        trial[i] = m.x[i] + t * direction[i];
        if (trial[i] * orthant[i] <= 0) trial[i] = 0;  // no step leaves its orthant
        moved += pseudo[i] * (trial[i] - m.x[i]);
      }
      value = objective(trial, trial_gradient) + penalty(trial, l1);
      ++m.evaluations;
      found = value <= m.value + kDescent * moved && moved < 0;
    }
    if (!found) {
      if (pairs.empty()) {
        m.reason = StopReason::no_progress;
        return m;
      }
      pairs.clear();
      continue;
    }
    std::vector<double> s(n), y(n);
    for (std::size_t i = 0; i < n; ++i) {
      s[i] = trial[i] - m.x[i];
      y[i] = trial_gradient[i] - gradient[i];
    }
    pairs.add(std::move(s), std::move(y));
    m.x.swap(trial);
    gradient.swap(trial_gradient);
    m.value = value;
    least_subgradient(m.x, gradient, l1, pseudo);
    m.gradient_norm = norm(pseudo);
    m.history.push_back(m.value);
    ++m.iterations;
  }
  if (m.reason != StopReason::time_limit)
    m.reason = m.gradient_norm <= enough ? StopReason::gradient : StopReason::max_iter;
  return m;
}

}  // namespace cairn
