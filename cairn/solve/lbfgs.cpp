#include "cairn/solve/lbfgs.h"

#include <algorithm>
#include <cmath>

#include "cairn/solve/lbfgs_internal.h"

namespace cairn {
namespace lbfgs_detail {

using minimise_detail::inner;

void Pairs::add(std::vector<double> s, std::vector<double> y) {
  const double curvature = inner(s, y);
  // A pair without curvature would make the approximation indefinite.
  if (!(curvature > 1e-16 * inner(y, y))) return;
  if (static_cast<int>(pairs_.size()) == memory_) pairs_.erase(pairs_.begin());
  pairs_.push_back({std::move(s), std::move(y), 1 / curvature});
}

std::vector<double> Pairs::times_inverse_hessian(std::span<const double> gradient) const {
  std::vector<double> q(gradient.begin(), gradient.end());
  std::vector<double> alpha(pairs_.size());
  for (std::size_t i = pairs_.size(); i-- > 0;) {
    alpha[i] = pairs_[i].rho * inner(pairs_[i].s, q);
    for (std::size_t j = 0; j < q.size(); ++j) q[j] -= alpha[i] * pairs_[i].y[j];
  }
  if (!pairs_.empty()) {
    const Pair& last = pairs_.back();
    const double gamma = 1 / (last.rho * inner(last.y, last.y));
    for (double& v : q) v *= gamma;
  }
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    const double beta = pairs_[i].rho * inner(pairs_[i].y, q);
    for (std::size_t j = 0; j < q.size(); ++j) q[j] += (alpha[i] - beta) * pairs_[i].s[j];
  }
  return q;
}

}  // namespace lbfgs_detail

namespace {

using lbfgs_detail::Pairs;
using minimise_detail::inner;
using minimise_detail::norm;

// One point on the line x + t * direction.
struct LinePoint {
  double t = 0, value = 0, slope = 0;
};

// The line through x along `direction`, and the last point evaluated on it.
class Line {
 public:
  Line(const Objective& objective, std::span<const double> x, std::span<const double> direction)
      : objective_(objective), x_(x), direction_(direction), trial_(x.size()), gradient_(x.size()) {}

  LinePoint at(double t) {
    for (std::size_t i = 0; i < trial_.size(); ++i) trial_[i] = x_[i] + t * direction_[i];
    ++evaluations_;
    const double value = objective_(trial_, gradient_);
    return {t, value, inner(gradient_, direction_)};
  }
  int evaluations() const { return evaluations_; }
  std::vector<double>& trial() { return trial_; }
  std::vector<double>& gradient() { return gradient_; }

 private:
  const Objective& objective_;
  std::span<const double> x_, direction_;
  std::vector<double> trial_, gradient_;
  int evaluations_ = 0;
};

constexpr double kDescent = 1e-4, kCurvature = 0.9;  // c1 and c2 of the Wolfe conditions
constexpr double kRounding = 1e-14;                  // relative change of the value that rounding can cause
constexpr int kMaxLineSteps = 40;

bool wolfe(const LinePoint& start, const LinePoint& p) {
  if (!std::isfinite(p.value)) return false;
  if (p.value <= start.value + kDescent * p.t * start.slope && std::abs(p.slope) <= -kCurvature * start.slope)
    return true;
  // Where rounding decides about the values, their slopes still tell (Hager, Zhang 2005, the approximate
  // Wolfe condition).
  return p.value <= start.value + kRounding * std::abs(start.value) && p.slope >= kCurvature * start.slope &&
         p.slope <= (2 * kDescent - 1) * start.slope;
}

// The minimiser of the cubic through two points and slopes (Nocedal, Wright: equation 3.59), kept inside the
// interval.
double between(const LinePoint& a, const LinePoint& b) {
  const double low = std::min(a.t, b.t), high = std::max(a.t, b.t), margin = 0.1 * (high - low);
  double t = 0.5 * (low + high);
  if (std::isfinite(a.value) && std::isfinite(b.value)) {
    const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t);
    const double square = d1 * d1 - a.slope * b.slope;
    if (square >= 0) {
      const double d2 = std::copysign(std::sqrt(square), b.t - a.t);
      const double cubic = b.t - (b.t - a.t) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
      if (std::isfinite(cubic)) t = cubic;
    }
  }
  return std::clamp(t, low + margin, high - margin);
}

// A step length that fulfils the strong Wolfe conditions; false when rounding or the cap ends the search.
bool line_search(Line& line, const LinePoint& start, double first, LinePoint& found) {
  LinePoint low = start, high{};
  bool bracketed = false;
  double t = first;
  for (int i = 0; i < kMaxLineSteps; ++i) {
    const LinePoint p = line.at(t);
    found = p;
    if (wolfe(start, p)) return true;
    const bool too_far = !std::isfinite(p.value) || p.value > start.value + kDescent * p.t * start.slope ||
                         (low.t > 0 && p.value >= low.value);
    if (too_far) {
      high = p;
      bracketed = true;
    } else {
      if (bracketed ? p.slope * (high.t - low.t) >= 0 : p.slope >= 0) {
        high = low;
        bracketed = true;
      }
      low = p;
    }
    t = bracketed ? between(low, high) : 2 * t;
    if (!(t > 0) || std::abs(low.t - high.t) <= 1e-16 * t) break;
  }
  return false;
}

}  // namespace

Minimum lbfgs(const Objective& objective, std::vector<double> start, const LbfgsOptions& options) {
  Minimum m;
  m.x = std::move(start);
  std::vector<double> gradient(m.x.size());
  m.value = objective(m.x, gradient);
  m.evaluations = 1;
  minimise_detail::check_start("lbfgs", m.value, gradient);
  m.gradient_norm = norm(gradient);
  const double enough = minimise_detail::limit(options.rule, m.gradient_norm, &m.reference_norm);
  m.history.push_back(m.value);
  Pairs pairs(options.memory);
  while (m.gradient_norm > enough && m.iterations < options.rule.max_iter) {
    options.rule.stop.throw_if_requested("lbfgs");
    if (options.rule.stop.time_is_up()) {
      m.reason = StopReason::time_limit;
      break;
    }
    std::vector<double> direction = pairs.times_inverse_hessian(gradient);
    for (double& d : direction) d = -d;
    LinePoint from{0, m.value, inner(gradient, direction)}, to;
    Line line(objective, m.x, direction);
    const bool found = line_search(line, from, pairs.empty() ? std::min(1.0, 1 / m.gradient_norm) : 1.0, to);
    m.evaluations += line.evaluations();
    if (!found && !(to.value < m.value)) {
      if (pairs.empty()) {
        m.reason = StopReason::no_progress;
        return m;
      }
      pairs.clear();  // a stale approximation can spoil the direction: once more along the gradient
      continue;
    }
    std::vector<double> s(m.x.size()), y(m.x.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
      s[i] = line.trial()[i] - m.x[i];
      y[i] = line.gradient()[i] - gradient[i];
    }
    m.x.swap(line.trial());
    gradient.swap(line.gradient());
    pairs.add(std::move(s), std::move(y));
    m.value = to.value;
    m.gradient_norm = norm(gradient);
    m.history.push_back(m.value);
    ++m.iterations;
  }
  if (m.reason != StopReason::time_limit)
    m.reason = m.gradient_norm <= enough ? StopReason::gradient : StopReason::max_iter;
  return m;
}

}  // namespace cairn
