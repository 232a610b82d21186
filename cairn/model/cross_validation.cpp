#include "cairn/model/cross_validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "cairn/base/random.h"

namespace cairn {
namespace {

// Two-sided quantile of Student's t with `df` degrees of freedom, by bisection of the regularised incomplete
// beta function evaluated with Lentz's continued fraction (Numerical Recipes 6.4). Needed for 1 to some
// dozens of folds only.
double incomplete_beta(double a, double b, double x) {
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < 1e-300 ? 1e-300 : d);
  double h = d;
  for (int m = 1; m <= 200; ++m) {
    const double m2 = 2.0 * m;
    for (const double numerator : {m * (b - m) * x / ((a + m2 - 1) * (a + m2)),
                                   -(a + m) * (a + b + m) * x / ((a + m2) * (a + m2 + 1))}) {
      d = 1 + numerator * d;
      c = 1 + numerator / c;
      d = 1 / (std::abs(d) < 1e-300 ? 1e-300 : d);
      c = std::abs(c) < 1e-300 ? 1e-300 : c;
      h *= d * c;
    }
    if (std::abs(d * c - 1) < 1e-14) break;
  }
  return front * h / a;
}

double t_quantile(double confidence, double df) {
  double low = 0, high = 1e3;
  for (int i = 0; i < 100; ++i) {
    const double t = (low + high) / 2;
    const double outside = incomplete_beta(df / 2, 0.5, df / (df + t * t));
    (outside > 1 - confidence ? low : high) = t;
  }
  return (low + high) / 2;
}

// Variance of a mean over k overlapping folds: (1/k + test/train) s^2 (Nadeau and Bengio 2003, eq. 9).
double corrected_error(const std::vector<double>& values) {
  const auto k = static_cast<double>(values.size());
  if (values.size() < 2) return std::nan("");
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / k;
  double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  return std::sqrt((1 / k + 1 / (k - 1)) * squares / (k - 1));
}

std::vector<double> defined_values(const CrossValidation& cv) {
  std::vector<double> values;
  for (const FoldResult& f : cv.folds)
    if (!std::isnan(f.value)) values.push_back(f.value);
  return values;
}

}  // namespace

StopToken TimeShare::of_next(const StopToken& stop, int fits) const {
  if (seconds_ <= 0) return stop;
  // A little less than an even share: what is around a fit takes time too.
  constexpr double kShare = 0.9;
  const double left = std::max(0.0, seconds_left());
  return stop.within(kShare * left / std::max(fits, 1), left);
}

double TimeShare::seconds_left() const {
  return seconds_ - std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

double CrossValidation::mean() const {
  const auto v = defined_values(*this);
  return v.empty() ? std::nan("") : std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

double CrossValidation::standard_error() const { return corrected_error(defined_values(*this)); }

Judged CrossValidation::pooled() const {
  Judged all;
  std::vector<std::int64_t> rows;
  for (const FoldResult& f : folds) {
    all.append(f.judged);
    rows.insert(rows.end(), f.rows.begin(), f.rows.end());
  }
  std::vector<std::int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](auto a, auto b) {
    return rows[static_cast<std::size_t>(a)] < rows[static_cast<std::size_t>(b)];
  });
  return all.select(order);
}

CrossValidation cross_validate(const Learner& learner, const Dataset& data, const Metric& metric,
                               const CrossValidationOptions& options, const FitContext& context) {
  CrossValidation cv;
  int number = 0;
  std::vector<Split> folds = k_fold(data, options.folds, options.seed);
  if (options.most_fits > 0 && std::ssize(folds) > options.most_fits)
    folds.resize(static_cast<std::size_t>(options.most_fits));
  const TimeShare time(options.seconds);
  for (const Split& fold : folds) {
    context.stop.throw_if_requested("cross-validation");
    if (FoldResult kept; options.memory && options.memory->recall(options.memory_key, number, kept)) {
      kept.rows = fold.test;
      cv.folds.push_back(std::move(kept));
      ++number;
      if (context.progress) context.progress->advance(1);
      continue;
    }
    FitContext inner = context;
    inner.stop = time.of_next(context.stop, static_cast<int>(folds.size()) - number + options.fits_to_come);
    inner.seed = derive_seed(options.seed, "fold", static_cast<std::uint64_t>(number));
    inner.validation = nullptr;
    inner.log = nullptr;
    const Dataset train = data.select(fold.train);
    const auto model = learner.fit(train, inner);
    FoldResult result;
    result.rows = fold.test;
    result.judged = judge(*model, data.select(fold.test));
    result.value = metric.compute(result.judged.view()).value_or(std::nan(""));
    result.train_value = std::nan("");
    if (options.train_values)
      result.train_value = metric.compute(judge(*model, train).view()).value_or(std::nan(""));
    const bool cut = inner.stop.limit_changed_something();
    cv.cut_short = cv.cut_short || cut;
    if (options.memory && !cut) options.memory->keep(options.memory_key, number, result);
    cv.folds.push_back(std::move(result));
    ++number;
    if (context.progress) context.progress->advance(1);
  }
  return cv;
}

PairedDifference paired_difference(const CrossValidation& a, const CrossValidation& b, double confidence) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < std::min(a.folds.size(), b.folds.size()); ++i)
    if (!std::isnan(a.folds[i].value) && !std::isnan(b.folds[i].value))
      differences.push_back(b.folds[i].value - a.folds[i].value);
  if (differences.empty()) return {std::nan(""), std::nan(""), std::nan("")};
  const auto k = static_cast<double>(differences.size());
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / k;
  if (differences.size() < 2) return {mean, std::nan(""), std::nan("")};
  const double half = t_quantile(confidence, k - 1) * corrected_error(differences);
  return {mean, mean - half, mean + half};
}

}  // namespace cairn
