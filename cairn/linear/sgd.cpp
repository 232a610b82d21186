#include "cairn/linear/sgd.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/margin_calibration_internal.h"
#include "cairn/linear/row_reader_internal.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

enum class Loss : std::uint8_t { squared, huber, logistic, hinge };

struct LossValue {
  double value, slope;  // slope by the prediction
};

// y is a number, or -1 and 1 for the classification losses.
LossValue loss_at(Loss loss, double p, double y, double epsilon) {
  const double r = p - y, margin = p * y;
  switch (loss) {
    case Loss::squared:
      return {0.5 * r * r, r};
    case Loss::huber:
      if (std::abs(r) <= epsilon) return {0.5 * r * r, r};
      return {epsilon * (std::abs(r) - 0.5 * epsilon), r > 0 ? epsilon : -epsilon};
    case Loss::logistic:
      return {std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin))),
              margin >= 0 ? -y * std::exp(-margin) / (1 + std::exp(-margin)) : -y / (1 + std::exp(margin))};
    case Loss::hinge:
      return margin < 1 ? LossValue{1 - margin, -y} : LossValue{0, 0};
  }
  return {0, 0};
}

struct Walk {
  std::vector<double> w, history;  // mean loss of each epoch
  double b = 0, at_rest = 0;
  std::int64_t epochs = 0;
  bool settled = false, diverged = false;
};

// The learning rate of step t = 1, 2, ...
class Schedule {
 public:
  Schedule(const SgdParams& p, Loss loss, double alpha)
      : kind_(p.schedule), rate_(p.learning_rate), power_(p.power), alpha_(alpha) {
    if (kind_ == "auto") kind_ = loss == Loss::squared || loss == Loss::huber ? "invscaling" : "optimal";
    // Bottou's start: the first step moves a typical weight by about its typical size.
    const double typical = std::sqrt(1 / std::sqrt(alpha_));
    const double slope = std::abs(loss_at(loss, -typical, 1, p.epsilon).slope);
    start_ = 1 / (typical / std::max(1.0, slope) * alpha_);
  }
  double rate(double t) const {
    if (kind_ == "constant") return rate_;
    if (kind_ == "invscaling") return rate_ / std::pow(t, power_);
    return 1 / (alpha_ * (start_ + t - 1));
  }

 private:
  std::string kind_;
  double rate_, power_, alpha_, start_ = 0;
};

// One output's walk. Weights are held as scale * v, so that shrinking all of them is one multiplication.
Walk walk(const RowReader& rows, std::size_t d, std::span<const double> y, std::span<const double> weights,
          Loss loss, const SgdParams& p, std::uint64_t seed, std::uint64_t output, const StopToken& stop) {
  Walk result;
  const double intercept_share = rows.intercept_share();
  std::vector<double> v(d), paid(p.penalty == "l1" ? d : 0);
  const Schedule schedule(p, loss, p.alpha);
  double scale = 1, b = 0, t = 1, owed = 0, best = std::numeric_limits<double>::infinity();
  std::int64_t without_gain = 0;
  const auto n = static_cast<std::int64_t>(y.size());
  const double total_weight =
      weights.empty() ? static_cast<double>(n) : std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::int64_t epoch = 0; epoch < p.max_epochs; ++epoch) {
    stop.throw_if_requested("sgd");
    if (epoch > 0 && stop.time_is_up()) break;
    const auto order =
        Random(derive_seed(seed, "sgd", output), "epoch", static_cast<std::uint64_t>(epoch)).permutation(n);
    double total = 0;
    for (const std::int64_t row : order) {
      const auto i = static_cast<std::size_t>(row);
      const double rate = schedule.rate(t), s = weights.empty() ? 1.0 : weights[i];
      if (s == 0) continue;
      double sum = 0;
      rows.each(row, [&](std::size_t c, double x) { sum += v[c] * x; });
      const LossValue at = loss_at(loss, sum * scale + b, y[i], p.epsilon);
      total += s * at.value;
      if (p.penalty == "l2") scale *= std::max(0.0, 1 - rate * p.alpha);
      if (scale < 1e-9) {
        for (double& value : v) value *= scale;
        scale = 1;
      }
      if (const double step = -rate * s * std::clamp(at.slope, -1e12, 1e12); step != 0) {
        rows.each(row, [&](std::size_t c, double x) { v[c] += step * x / scale; });
        b += step * intercept_share;
      }
      if (p.penalty == "l1") {
        owed += rate * p.alpha;
        rows.each(row, [&](std::size_t c, double) {
          const double before = v[c];
          if (before > 0)
            v[c] = std::max(0.0, before - (owed + paid[c]));
          else if (before < 0)
            v[c] = std::min(0.0, before + (owed - paid[c]));
          paid[c] += v[c] - before;
        });
      }
      ++t;
    }
    ++result.epochs;
    const double mean = total / total_weight;
    result.history.push_back(mean);
    if (!std::isfinite(mean) || !std::isfinite(b) || !std::isfinite(scale)) {
      result.diverged = true;
      break;
    }
    without_gain = mean > best - p.tol ? without_gain + 1 : 0;
    best = std::min(best, mean);
    if (without_gain >= p.patience) {
      result.settled = true;
      break;
    }
  }
  double at_rest = 0;  // the mean loss of weights that never moved
  for (std::size_t i = 0; i < y.size(); ++i)
    at_rest += (weights.empty() ? 1.0 : weights[i]) * loss_at(loss, 0, y[i], p.epsilon).value / total_weight;
  constexpr double kWorse = 2;
  result.diverged |= result.history.back() > kWorse * at_rest;
  result.at_rest = at_rest;
  for (double& value : v) value *= scale;
  result.diverged |= !std::ranges::all_of(v, [](double value) { return std::isfinite(value); });
  result.w = std::move(v);
  result.b = b;
  return result;
}

Loss loss_for(const SgdParams& p, Task task) {
  const bool classes = is_classification(task);
  if (p.loss == "auto") return classes ? Loss::logistic : Loss::squared;
  const Loss loss = p.loss == "squared"    ? Loss::squared
                    : p.loss == "huber"    ? Loss::huber
                    : p.loss == "logistic" ? Loss::logistic
                                           : Loss::hinge;
  if ((loss == Loss::logistic || loss == Loss::hinge) != classes)
    throw ParamError("sgd", fmt::format("loss = {} does not serve a {}", p.loss, name_of(task)),
                     classes ? "Use logistic or hinge." : "Use squared or huber.");
  return loss;
}

void check_walks(const std::vector<Walk>& walks, const SgdParams& p) {
  for (const Walk& w : walks)
    if (w.diverged)
      throw FitError(
          "sgd",
          fmt::format("the steps diverge: the mean loss is {:.4g} after {} epochs, {:.4g} with all weights 0",
                      w.history.back(), w.epochs, w.at_rest),
          fmt::format("Scale the columns (prepare does), or lower learning_rate = {:g}.", p.learning_rate));
}

}  // namespace

const ParamList& SgdParams::list() {
  using P = SgdParams;
  static const ParamList l{
      param<&P::loss>("loss", "what an error costs; auto: squared for numbers, logistic for classes",
                      one_of("auto", "squared", "huber", "logistic", "hinge")),
      param<&P::penalty>("penalty", "on the weights", one_of("l2", "l1", "none")).searched({"l2", "l1"}),
      param<&P::alpha>("alpha", "strength of the penalty, and of the optimal schedule", above(0),
                       {"lambda", "l2", "C"})
          .searched(1e-6, 1e-1, SearchScale::log),
      param<&P::schedule>("schedule",
                          "how the learning rate falls; auto: invscaling for numbers, optimal for classes",
                          one_of("auto", "optimal", "invscaling", "constant")),
      param<&P::learning_rate>("learning_rate", "first step length of invscaling, every step of constant",
                               above(0), {"eta0", "lr"}),
      param<&P::power>("power", "invscaling: the rate falls with step^power", between(0, 10), {"power_t"}),
      param<&P::epsilon>("epsilon", "huber: errors beyond this count linearly", above(0)),
      param<&P::max_epochs>("max_epochs", "passes over the rows at most", between(1, 1e7),
                            {"max_iter", "epochs", "num_iterations"}),
      param<&P::tol>("tol", "a gain of the mean loss below this counts as none", at_least(0)),
      param<&P::patience>("patience", "epochs without gain before the end", between(1, 1e7),
                          {"n_iter_no_change"}),
  };
  return l;
}

std::unique_ptr<Model> Sgd::fit(const Dataset& dataset, const FitContext& context) const {
  const NumericData data = numeric_data(dataset, kName);
  const Loss loss = loss_for(params_, data.task);
  const auto outputs = data.task == Task::multiclass ? data.classes.size() : 1;
  const auto d = static_cast<std::size_t>(data.x.columns());
  const RowReader rows(data.x);
  std::vector<std::vector<double>> targets(outputs);
  for (std::size_t k = 0; k < outputs; ++k) {
    if (data.task == Task::regression) targets[k] = data.y;
    const auto positive = data.task == Task::binary ? data.positive : static_cast<std::int32_t>(k);
    for (const std::int32_t label : data.labels) targets[k].push_back(label == positive ? 1 : -1);
  }
  std::vector<Walk> walks(outputs);
  parallel_for(static_cast<std::int64_t>(outputs), 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k)
      walks[k] = walk(rows, d, targets[k], data.weights, loss, params_, context.seed, k, context.stop);
  });
  check_walks(walks, params_);

  std::vector<double> weights, intercepts;
  for (const Walk& w : walks) {
    weights.insert(weights.end(), w.w.begin(), w.w.end());
    intercepts.push_back(w.b);
  }
  const Link link = data.task == Task::regression ? Link::identity
                    : outputs == 1                ? Link::sigmoid
                                                  : Link::one_vs_rest;
  auto model = std::make_unique<LinearModel>(data, link, std::move(weights), std::move(intercepts));
  if (loss == Loss::hinge) {
    std::vector<double> slopes, offsets, margins(targets[0].size());
    for (std::size_t k = 0; k < outputs; ++k) {
      linalg::multiply(data.x, walks[k].w, walks[k].b, margins);
      const MarginCalibration c = calibrate_margins(margins, targets[k], data.weights);
      slopes.push_back(c.slope);
      offsets.push_back(c.offset);
    }
    model->set_calibration(std::move(slopes), std::move(offsets));
    model->add_note(
        "hinge gives margins: probabilities are a sigmoid fitted to the margins of the training rows (Platt "
        "1999)");
  }
  std::int64_t epochs = 0;
  bool settled = true;
  for (const Walk& w : walks) {
    epochs = std::max(epochs, w.epochs);
    settled = settled && w.settled;
  }
  model->add_note(fmt::format("{} epochs of stochastic gradient descent, mean loss {:.6g} in the last",
                              epochs, walks[0].history.back()));
  if (context.stop.limit_changed_something())
    model->add_note("stopped by the time limit while the loss was still falling");
  else if (!settled)
    model->add_note("stopped by max_epochs while the loss was still falling: raise it");
  if (outputs == 1) model->set_loss_history(std::move(walks[0].history));
  return model;
}

std::span<const LossEntry> sgd_losses() {
  static const LossEntry entries[] = {
      {"squared", "half the squared error", true, false, false, Sgd::kName},
      {"huber", "squared up to epsilon, then linear: wild targets pull less", true, false, false, Sgd::kName},
      {"logistic", "minus the logarithm of the probability of the true class", false, true, true, Sgd::kName},
      {"hinge", "1 less the margin, where that is above 0: a linear support vector machine", false, true,
       true, Sgd::kName},
  };
  return entries;
}

}  // namespace cairn
