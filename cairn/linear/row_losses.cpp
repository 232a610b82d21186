#include <fmt/format.h>

#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/linear/row_losses_internal.h"
#include "cairn/solve/lbfgs.h"
#include "cairn/solve/newton.h"

namespace cairn {
namespace {

constexpr std::int64_t kBlock = 4096;
constexpr std::size_t kMostNewtonParameters = 2000;

}  // namespace

std::string describe_minimum(const char* solver, const Minimum& m, const StopRule& rule) {
  const double share = m.reference_norm > 0 ? m.gradient_norm / m.reference_norm : 0;
  const std::string gradient =
      fmt::format("the gradient is {:.1e} of its size at the start (tol {:g})", share, rule.tol);
  if (m.converged()) return fmt::format("{}: converged in {} iterations: {}", solver, m.iterations, gradient);
  if (m.reason == StopReason::max_iter)
    return fmt::format("{}: not converged: max_iter = {} is reached; {}; a larger max_iter goes on", solver,
                       rule.max_iter, gradient);
  return fmt::format("{}: stopped after {} iterations where {}: {}", solver, m.iterations, describe(m.reason),
                     gradient);
}

bool newton_pays(std::size_t parameters) { return parameters <= kMostNewtonParameters; }

RowLosses::RowLosses(const StandardDesign& design, std::span<const double> weights, double alpha,
                     RowTerm term)
    : design_(design), weights_(weights), alpha_(alpha), term_(std::move(term)) {
  total_ = static_cast<double>(design.rows());
  if (weights_.empty()) return;
  total_ = 0;
  for (const double w : weights_) total_ += w;
}

double RowLosses::evaluate(std::span<const double> theta, std::span<double> gradient,
                           std::span<double> hessian) const {
  const auto n = static_cast<std::size_t>(design_.rows());
  std::vector<double> eta(n), slope(n), curvature(hessian.empty() ? 0 : n);
  design_.sums(theta, eta);
  double value = parallel_reduce<double>(
      design_.rows(), kBlock,
      [&](std::int64_t begin, std::int64_t end) {
        double sum = 0;
        for (auto r = static_cast<std::size_t>(begin); r < static_cast<std::size_t>(end); ++r) {
          const double s = (weights_.empty() ? 1.0 : weights_[r]) / total_;
          if (s == 0) continue;
          const glm::Term t = term_(r, eta[r]);
          sum += s * t.value;
          slope[r] = s * t.slope;
          if (!curvature.empty()) curvature[r] = s * t.curvature;
        }
        return sum;
      },
      [](double& into, double other) { into += other; });
  if (!std::isfinite(value)) return value;
  design_.transposed(slope, gradient);
  if (!hessian.empty()) design_.products(curvature, hessian);
  const auto scale = design_.scale();
  for (std::size_t j = 0; j < scale.size(); ++j) {
    const double strength = alpha_ * scale[j] * scale[j];
    value += 0.5 * strength * theta[j] * theta[j];
    gradient[j] += strength * theta[j];
    if (!hessian.empty()) hessian[j * design_.size() + j] += strength;
  }
  return value;
}

RowLosses::Fit RowLosses::minimise(std::vector<double> start, const StopRule& rule) const {
  Minimum m;
  const bool second_order = newton_pays(design_.size());
  if (second_order)
    m = newton([&](auto theta, auto g, auto h) { return evaluate(theta, g, h); }, std::move(start),
               {.rule = rule});
  else
    m = lbfgs([&](auto theta, auto g) { return evaluate(theta, g, {}); }, std::move(start), {.rule = rule});
  return {std::move(m.x), std::move(m.history), describe_minimum(second_order ? "newton" : "lbfgs", m, rule)};
}

}  // namespace cairn
