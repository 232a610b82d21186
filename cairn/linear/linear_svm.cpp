#include "cairn/linear/linear_svm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/random.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/margin_calibration_internal.h"
#include "cairn/linear/row_losses_internal.h"
#include "cairn/linear/row_reader_internal.h"
#include "cairn/linear/svm_sides_internal.h"
#include "cairn/ops/linalg.h"
#include "cairn/solve/lbfgs.h"

namespace cairn {
namespace {

struct Machine {
  std::vector<double> w;
  double b = 0;
  std::int64_t epochs = 0;
  bool settled = false;
  std::string note;
};

// Coordinate descent on the dual: min 1/2 a' (Q + D) a - sum a with 0 <= a <= U, row by row in a drawn order;
// rows at a bound that their gradient holds them to are set aside until the others are settled.
class DualDescent {
 public:
  DualDescent(const RowReader& rows, std::size_t d, const SvmSides& of, const LinearSvmParams& params,
              std::uint64_t seed)
      : rows_(rows), of_(of), params_(params), seed_(seed), squared_(params.loss == "squared_hinge") {
    machine_.w.assign(d, 0.0);
    alpha_.assign(of.sides.size(), 0.0);
    for (std::size_t i = 0; i < alpha_.size(); ++i) {
      double square = 1;  // of the column of ones
      rows.each(static_cast<std::int64_t>(i), [&](std::size_t, double x) { square += x * x; });
      curvature_.push_back(square + diagonal(i));
      if (of.costs[i] > 0) active_.push_back(i);
    }
    if (std::ranges::any_of(curvature_, [](double q) { return !std::isfinite(q); }))
      throw FitError(LinearSvm::kName, "the squares of a row are beyond the range of numbers",
                     "Scale the columns (prepare does).");
  }

  Machine run(const StopToken& stop) {
    const std::vector<std::size_t> all = active_;
    constexpr double kFar = std::numeric_limits<double>::infinity();
    double high_before = kFar, low_before = -kFar;
    while (machine_.epochs < params_.max_iter) {
      stop.throw_if_requested(LinearSvm::kName);
      if (machine_.epochs > 0 && stop.time_is_up()) break;
      Random(seed_, "linear_svm", static_cast<std::uint64_t>(machine_.epochs)).shuffle(std::span(active_));
      const auto [high, low] = epoch(high_before, low_before);
      ++machine_.epochs;
      if (high - low <= params_.tol) {
        if (active_.size() == all.size()) {
          machine_.settled = true;
          break;
        }
        active_ = all;
        high_before = kFar;
        low_before = -kFar;
        continue;
      }
      high_before = high > 0 ? high : kFar;
      low_before = low < 0 ? low : -kFar;
    }
    return std::move(machine_);
  }

 private:
  double diagonal(std::size_t i) const { return squared_ && of_.costs[i] > 0 ? 0.5 / of_.costs[i] : 0; }
  double upper(std::size_t i) const {
    return squared_ ? std::numeric_limits<double>::infinity() : of_.costs[i];
  }

  // The largest and smallest projected gradient met.
  std::pair<double, double> epoch(double high_before, double low_before) {
    double high = -std::numeric_limits<double>::infinity(), low = -high;
    std::size_t kept = 0;
    for (const std::size_t i : active_) {  // those kept move to its front, never past the one being read
      const double side = of_.sides[i];
      double sum = machine_.b;
      rows_.each(static_cast<std::int64_t>(i), [&](std::size_t c, double x) { sum += machine_.w[c] * x; });
      const double slope = side * sum - 1 + alpha_[i] * diagonal(i);
      double projected = slope;
      if (alpha_[i] == 0) {
        if (slope > high_before) continue;  // set aside
        projected = std::min(slope, 0.0);
      } else if (alpha_[i] == upper(i)) {
        if (slope < low_before) continue;
        projected = std::max(slope, 0.0);
      }
      active_[kept++] = i;
      high = std::max(high, projected);
      low = std::min(low, projected);
      if (std::abs(projected) < 1e-13) continue;
      const double before = alpha_[i];
      alpha_[i] = std::clamp(before - slope / curvature_[i], 0.0, upper(i));
      const double step = side * (alpha_[i] - before);
      rows_.each(static_cast<std::int64_t>(i), [&](std::size_t c, double x) { machine_.w[c] += step * x; });
      machine_.b += step;
    }
    active_.resize(kept);
    return kept == 0 ? std::pair{0.0, 0.0} : std::pair{high, low};
  }

  const RowReader& rows_;
  const SvmSides& of_;
  const LinearSvmParams& params_;
  std::uint64_t seed_;
  bool squared_;
  std::vector<double> alpha_, curvature_;
  std::vector<std::size_t> active_;
  Machine machine_;
};

// |w|_1 + sum C s max(0, 1 - y w.x)^2 by a smooth part and the kink.
Machine by_lbfgs(const Matrix& x, const SvmSides& of, const LinearSvmParams& params, const StopToken& stop) {
  const auto n = static_cast<std::size_t>(x.rows()), d = static_cast<std::size_t>(x.columns());
  std::vector<double> sums(n), slope(n);
  const auto objective = [&](std::span<const double> theta, std::span<double> gradient) {
    linalg::multiply(x, theta.first(d), theta[d], sums, stop);
    double value = 0, total = 0;
    for (std::size_t r = 0; r < n; ++r) {
      const double left = of.costs[r] > 0 ? std::max(0.0, 1 - of.sides[r] * sums[r]) : 0;
      value += of.costs[r] * left * left;
      slope[r] = -2 * of.costs[r] * of.sides[r] * left;
      total += slope[r];
    }
    if (d > 0) linalg::multiply_transposed(x, slope, 1, gradient.first(d), stop);
    gradient[d] = total;
    return value;
  };
  const StopRule rule{.tol = params.tol * 1e-2, .max_iter = static_cast<int>(params.max_iter), .stop = stop};
  Minimum m = orthant_wise_lbfgs(objective, std::vector<double>(d + 1, 1.0), std::vector<double>(d + 1),
                                 {.rule = rule});
  Machine machine{.b = m.x[d], .epochs = m.iterations, .settled = m.converged()};
  m.x.pop_back();
  machine.w = std::move(m.x);
  machine.note = describe_minimum("orthant-wise lbfgs", m, rule);
  return machine;
}

Machine fit_machine(const Matrix& x, const SvmSides& of, const LinearSvmParams& params, std::uint64_t seed,
                    const StopToken& stop) {
  if (params.penalty == "l1") return by_lbfgs(x, of, params, stop);
  const RowReader rows(x);
  return DualDescent(rows, static_cast<std::size_t>(x.columns()), of, params, seed).run(stop);
}

MarginCalibration calibrate(const NumericData& data, const SvmSides& of, const Machine& whole,
                            const LinearSvmParams& params, std::uint64_t seed, const StopToken& stop) {
  const auto own = [&] {
    std::vector<double> margins(of.sides.size());
    linalg::multiply(data.x, whole.w, whole.b, margins, stop);
    return margins;
  };
  const auto margins_of = [&](std::span<const std::int64_t> kept, std::span<const std::int64_t> held) {
    SvmSides part;
    for (const std::int64_t r : kept) {
      part.sides.push_back(of.sides[static_cast<std::size_t>(r)]);
      part.costs.push_back(of.costs[static_cast<std::size_t>(r)]);
    }
    const Machine m = fit_machine(data.x.select_rows(kept), part, params, seed, stop);
    std::vector<double> margins(held.size());
    linalg::multiply(data.x.select_rows(held), m.w, m.b, margins, stop);
    return margins;
  };
  return calibrate_out_of_fold(own, of.sides, data.weights, seed, margins_of);
}

}  // namespace

const ParamList& LinearSvmParams::list() {
  using P = LinearSvmParams;
  static const ParamList l{
      param<&P::C>("C", "inverse strength of the penalty: larger fits the training rows closer", above(0),
                   {"alpha", "lambda", "cost"}),
      param<&P::loss>("loss", "what a margin below 1 costs", one_of("squared_hinge", "hinge")),
      param<&P::penalty>("penalty", "on the weights; l1 sets many to exactly 0", one_of("l2", "l1")),
      param<&P::class_weight>("class_weight", "balanced: each class counts as much as any other",
                              one_of("none", "balanced")),
      param<&P::tol>("tol", "stop when no row's gradient is further from its bound than this", above(0),
                     {"epsilon", "eps"}),
      param<&P::max_iter>("max_iter", "passes over the rows at most", between(1, 1'000'000),
                          {"max_epochs", "n_iter"}),
  };
  return l;
}

std::unique_ptr<Model> LinearSvm::fit(const Dataset& dataset, const FitContext& context) const {
  context.stop.throw_if_requested(kName);
  if (params_.penalty == "l1" && params_.loss == "hinge")
    throw UsageError(kName, "the hinge loss with an l1 penalty has two kinks, which no solver here treats",
                     "Use loss=squared_hinge, or penalty=l2.");
  const NumericData data = numeric_data(dataset, kName);
  const std::vector<SvmSides> sides = svm_sides(data, params_.C, params_.class_weight == "balanced", kName);
  std::vector<double> weights, intercepts, slopes, offsets;
  std::vector<std::string> notes;
  bool settled = true;
  std::int64_t epochs = 0;
  for (std::size_t k = 0; k < sides.size(); ++k) {
    const std::uint64_t seed = derive_seed(context.seed, "linear_svm", k);
    Machine m = fit_machine(data.x, sides[k], params_, seed, context.stop);
    const MarginCalibration c = calibrate(data, sides[k], m, params_, seed, context.stop);
    slopes.push_back(c.slope);
    offsets.push_back(c.offset);
    weights.insert(weights.end(), m.w.begin(), m.w.end());
    intercepts.push_back(m.b);
    settled = settled && m.settled;
    epochs = std::max(epochs, m.epochs);
    if (!m.note.empty()) notes.push_back(std::move(m.note));
  }
  const auto kept = std::ranges::count_if(weights, [](double w) { return w != 0; });
  const std::size_t all = weights.size();
  auto model = std::make_unique<LinearModel>(data, sides.size() == 1 ? Link::sigmoid : Link::one_vs_rest,
                                             std::move(weights), std::move(intercepts));
  model->set_calibration(std::move(slopes), std::move(offsets));
  if (notes.empty())
    model->add_note(fmt::format("coordinate descent on the dual: {} passes over the rows at most, {}", epochs,
                                settled ? "settled" : "NOT settled: raise max_iter, or lower C"));
  for (std::string& note : notes) model->add_note(std::move(note));
  if (params_.penalty == "l1") model->add_note(fmt::format("{} of {} weights are not 0", kept, all));
  model->add_note(
      "probabilities are sigmoids fitted to the margins of rows that their machine had not seen (Platt "
      "1999)");
  return model;
}

}  // namespace cairn
