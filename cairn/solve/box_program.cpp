#include "cairn/solve/box_program.h"

#include <algorithm>
#include <cmath>

#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

// How far of the way to the nearest bound a step goes.
constexpr double kShare = 0.99995;

using Vector = std::vector<double>;

double inner(std::span<const double> a, std::span<const double> b) { return linalg::dot(a, b); }

// The longest step that keeps x + t dx above 0.
double longest(const Vector& x, const Vector& dx) {
  double t = 1e20;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (dx[i] < 0) t = std::min(t, -x[i] / dx[i]);
  return t;
}

// x in (0, 1), s = 1 - x, and the multipliers z of x >= 0 and w of x <= 1.
struct Point {
  Vector x, s, y, z, w;
};

class Walk {
 public:
  Walk(const BoxProgram& program, const BoxProgramOptions& options)
      : program_(program), options_(options), n_(program.costs.size()) {
    p_ = static_cast<std::size_t>(program.num_equations);
    for (const double c : program.costs) size_ += std::abs(c);
    if (size_ == 0) size_ = 1;
    b_.resize(p_);
    program.product(program.start, b_);
  }

  BoxProgramSolution run() {
    BoxProgramSolution result;
    begin();
    result.gap = gap();
    while (result.gap > options_.tol && result.iterations < options_.max_iter) {
      options_.stop.throw_if_requested("interior point");
      const double before = result.gap;
      step();
      ++result.iterations;
      result.gap = gap();
      // Rounding ends the descent.
      if (!std::isfinite(result.gap) || (result.gap < 1e-6 && result.gap > 0.99 * before)) break;
    }
    result.converged = result.gap <= std::max(options_.tol, 1e-6);
    result.duals = at_.y;
    return result;
  }

 private:
  double gap() const {
    double g = inner(program_.costs, at_.x) - inner(at_.y, b_);
    for (const double w : at_.w) g += w;
    return g / size_;
  }

  void begin() {
    at_.x.assign(program_.start.begin(), program_.start.end());
    at_.s.resize(n_);
    for (std::size_t i = 0; i < n_; ++i) at_.s[i] = 1 - at_.x[i];
    q_.assign(n_, 1.0);
    factor();
    at_.y.resize(p_);
    program_.product(program_.costs, at_.y);
    solve(at_.y);
    r_.resize(n_);
    program_.transposed(at_.y, r_);
    const double least = 1e-3 * size_ / static_cast<double>(n_);
    at_.z.resize(n_);
    at_.w.resize(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      const double r = program_.costs[i] - r_[i];
      at_.z[i] = std::max(r, 0.0) + least;
      at_.w[i] = at_.z[i] - r;
    }
  }

  void factor() {
    squares_.resize(p_ * p_);
    program_.squares(q_, squares_);
    double largest = 0;
    for (std::size_t j = 0; j < p_; ++j) largest = std::max(largest, squares_[j * p_ + j]);
    if (!(largest > 0)) largest = 1;
    for (double damping = 1e-15; damping < 1; damping *= 100) {
      factor_ = squares_;
      for (std::size_t j = 0; j < p_; ++j) factor_[j * p_ + j] += damping * largest;
      if (linalg::cholesky(factor_, static_cast<std::int64_t>(p_))) return;
    }
  }
  void solve(Vector& v) const { linalg::cholesky_solve(factor_, static_cast<std::int64_t>(p_), v); }

  // dx, ds, dz, dw for a residual r - xi, and how far primal and dual may go.
  void direction(const Vector& dy, const Vector& correction, double mu, bool corrected) {
    program_.transposed(dy, back_);
    const Vector old_x = dx_, old_s = ds_, old_z = dz_, old_w = dw_;
    for (std::size_t i = 0; i < n_; ++i) {
      dx_[i] = q_[i] * (back_[i] - r_[i] + (corrected ? correction[i] : 0));
      ds_[i] = -dx_[i];
      const double second_z = corrected ? mu / at_.x[i] - old_x[i] * old_z[i] / at_.x[i] : 0;
      const double second_w = corrected ? mu / at_.s[i] - old_s[i] * old_w[i] / at_.s[i] : 0;
      dz_[i] = second_z - at_.z[i] - at_.z[i] * dx_[i] / at_.x[i];
      dw_[i] = second_w - at_.w[i] - at_.w[i] * ds_[i] / at_.s[i];
    }
    primal_ = std::min(1.0, kShare * std::min(longest(at_.x, dx_), longest(at_.s, ds_)));
    dual_ = std::min(1.0, kShare * std::min(longest(at_.z, dz_), longest(at_.w, dw_)));
  }

  void step() {
    for (Vector* v : {&dx_, &ds_, &dz_, &dw_, &back_}) v->resize(n_);
    r_.resize(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      q_[i] = 1 / (at_.z[i] / at_.x[i] + at_.w[i] / at_.s[i]);
      r_[i] = at_.z[i] - at_.w[i];
    }
    factor();
    Vector weighted(n_), dy(p_), correction(n_);
    const auto dy_for = [&](bool corrected) {
      for (std::size_t i = 0; i < n_; ++i) weighted[i] = q_[i] * (r_[i] - (corrected ? correction[i] : 0));
      program_.product(weighted, dy);
      solve(dy);
    };
    dy_for(false);
    direction(dy, correction, 0, false);
    if (std::min(primal_, dual_) < 1) {
      double mu = 0, ahead = 0;
      for (std::size_t i = 0; i < n_; ++i) {
        mu += at_.z[i] * at_.x[i] + at_.w[i] * at_.s[i];
        ahead += (at_.z[i] + dual_ * dz_[i]) * (at_.x[i] + primal_ * dx_[i]) +
                 (at_.w[i] + dual_ * dw_[i]) * (at_.s[i] + primal_ * ds_[i]);
      }
      mu = mu * std::pow(ahead / mu, 3) / (2 * static_cast<double>(n_));
      // The second-order terms of the complementarity, Mehrotra's corrector.
      for (std::size_t i = 0; i < n_; ++i)
        correction[i] =
            mu * (1 / at_.x[i] - 1 / at_.s[i]) - dx_[i] * dz_[i] / at_.x[i] + ds_[i] * dw_[i] / at_.s[i];
      dy_for(true);
      direction(dy, correction, mu, true);
    }
    for (std::size_t i = 0; i < n_; ++i) {
      at_.x[i] += primal_ * dx_[i];
      at_.s[i] += primal_ * ds_[i];
      at_.z[i] += dual_ * dz_[i];
      at_.w[i] += dual_ * dw_[i];
    }
    for (std::size_t j = 0; j < p_; ++j) at_.y[j] += dual_ * dy[j];
  }

  const BoxProgram& program_;
  const BoxProgramOptions& options_;
  std::size_t n_, p_ = 0;
  double size_ = 0, primal_ = 0, dual_ = 0;
  Vector b_, q_, r_, dx_, ds_, dz_, dw_, back_, squares_, factor_;
  Point at_;
};

}  // namespace

BoxProgramSolution solve_box_program(const BoxProgram& program, const BoxProgramOptions& options) {
  return Walk(program, options).run();
}

}  // namespace cairn
