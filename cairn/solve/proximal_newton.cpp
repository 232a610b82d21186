#include "cairn/solve/proximal_newton.h"

#include <algorithm>
#include <cmath>

#include "cairn/solve/lbfgs.h"

namespace cairn {
namespace {

using minimise_detail::norm;

constexpr double kDescent = 1e-4, kRounding = 1e-13;
constexpr int kMaxHalvings = 40, kMaxSweeps = 1000;

double penalty(std::span<const double> x, std::span<const double> l1) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += l1[i] * std::abs(x[i]);
  return sum;
}

double soft_threshold(double v, double by) { return v > by ? v - by : v < -by ? v + by : 0.0; }

// Where the quadratic model around x, g d + d H d / 2 + sum l1 |x + d|, is smallest: one coordinate after the
// other until none changes the model's gradient by more than `tol`.
std::vector<double> model_minimum(std::span<const double> x, std::span<const double> gradient,
                                  std::span<const double> l1, std::span<const double> hessian, double tol) {
  const std::size_t n = x.size();
  std::vector<double> to(x.begin(), x.end()), slope(gradient.begin(), gradient.end());  // slope = g + H d
  double floor = 0;
  for (std::size_t i = 0; i < n; ++i) floor = std::max(floor, 1e-12 * hessian[i * n + i]);
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    double largest = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double h = std::max(hessian[i * n + i], floor);
      const double next = h > 0 ? soft_threshold(to[i] - slope[i] / h, l1[i] / h) : to[i];
      const double change = next - to[i];
      if (change == 0) continue;
      to[i] = next;
      largest = std::max(largest, h * std::abs(change));
      for (std::size_t j = 0; j < n; ++j) slope[j] += change * hessian[i * n + j];
    }
    if (largest <= tol) break;
  }
  return to;
}

std::vector<double> pick(std::span<const double> from, std::span<const std::int64_t> which) {
  std::vector<double> out;
  for (const std::int64_t i : which) out.push_back(from[static_cast<std::size_t>(i)]);
  return out;
}

}  // namespace

ProximalMinimum proximal_newton(const Objective& objective, const PartialHessian& hessian,
                                std::span<const double> l1, std::vector<double> start,
                                const ProximalNewtonOptions& options) {
  const std::size_t n = start.size();
  ProximalMinimum m;
  m.x = std::move(start);
  std::vector<double> gradient(n), subgradient(n), trial(n), trial_gradient(n);
  m.value = objective(m.x, gradient) + penalty(m.x, l1);
  m.evaluations = 1;
  minimise_detail::check_start("coordinate_descent", m.value, gradient);
  least_subgradient(m.x, gradient, l1, subgradient);
  m.gradient_norm = norm(subgradient);
  const double enough = minimise_detail::limit(options.rule, m.gradient_norm, &m.reference_norm);
  m.history.push_back(m.value);
  while (m.gradient_norm > enough && m.iterations < options.rule.max_iter) {
    options.rule.stop.throw_if_requested("coordinate_descent");
    if (options.rule.stop.time_is_up()) {
      m.reason = StopReason::time_limit;
      break;
    }
    std::vector<std::int64_t> working;
    for (std::size_t i = 0; i < n; ++i)
      if (m.x[i] != 0 || subgradient[i] != 0) working.push_back(static_cast<std::int64_t>(i));
    if (static_cast<std::int64_t>(working.size()) > options.max_working_set) {
      m.too_wide = true;
      return m;
    }
    std::vector<double> h(working.size() * working.size());
    hessian(m.x, working, h);
    // The model need not be solved more exactly than it is true.
    const double relative = m.reference_norm > 0 ? m.gradient_norm / m.reference_norm : 1;
    const double tol =
        m.gradient_norm * std::min(1e-2, relative) / std::sqrt(static_cast<double>(working.size()));
    const auto to = model_minimum(pick(m.x, working), pick(gradient, working), pick(l1, working), h, tol);
    double t = 1, value = 0;
    bool found = false;
    for (int k = 0; k < kMaxHalvings; ++k, t *= 0.5) {
      trial = m.x;
      double promised = 0;
      for (std::size_t i = 0; i < working.size(); ++i) {
        const auto w = static_cast<std::size_t>(working[i]);
        const double step = to[i] - m.x[w];
        trial[w] = t == 1 ? to[i] : m.x[w] + t * step;  // a full step lands on zero exactly
        promised += gradient[w] * step + l1[w] * (std::abs(to[i]) - std::abs(m.x[w]));
      }
      value = objective(trial, trial_gradient) + penalty(trial, l1);
      ++m.evaluations;
      const double room = kRounding * std::abs(m.value);
      found = std::isfinite(value) && promised < 0 && value <= m.value + kDescent * t * promised + room;
      if (found || t * -promised < 1e-3 * room) break;
    }
    if (!found) {
      m.reason = StopReason::no_progress;
      return m;
    }
    m.x.swap(trial);
    gradient.swap(trial_gradient);
    m.value = value;
    least_subgradient(m.x, gradient, l1, subgradient);
    m.gradient_norm = norm(subgradient);
    m.history.push_back(m.value);
    ++m.iterations;
  }
  if (m.reason != StopReason::time_limit)
    m.reason = m.gradient_norm <= enough ? StopReason::gradient : StopReason::max_iter;
  return m;
}

}  // namespace cairn
