#include "cairn/model/cross_validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "cairn/base/random.h"
#include "cairn/metrics/distributions.h"
#include "cairn/model/selection.h"

namespace cairn {
namespace {

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

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

TimeShare::TimeShare(double seconds) : seconds_(seconds), start_(now()) {}

StopToken TimeShare::of_next(const StopToken& stop, int fits) const {
  if (seconds_ <= 0) return stop;
  // A little less than an even share: what is around a fit takes time too.
  constexpr double kShare = 0.9;
  const double left = std::max(0.0, seconds_left());
  return stop.within(kShare * left / std::max(fits, 1), left);
}

double TimeShare::seconds_left() const { return seconds_ - (now() - start_); }

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

FitContext context_of_fold(const FitContext& context, const Learner& learner, std::string_view what,
                           std::uint64_t seed, std::int64_t number) {
  FitContext inner = context.named(fmt::format("{} {} {}", learner.name(), what, number + 1));
  inner.seed = derive_seed(seed, "fold", static_cast<std::uint64_t>(number));
  inner.validation = nullptr;
  return inner;
}

CrossValidation cross_validate(const Learner& learner, const Dataset& data, const Metric& metric,
                               const CrossValidationOptions& options, const FitContext& context) {
  CrossValidation cv;
  int number = 0;
  std::vector<Split> folds = k_fold(data, options.folds, options.seed, 0, options.copies);
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
    FitContext inner = context_of_fold(context, learner, "fold", options.seed, number);
    inner.stop = time.of_next(context.stop, static_cast<int>(folds.size()) - number + options.fits_to_come);
    FoldResult result;
    result.rows = fold.test;
    result.train_value = std::nan("");
    std::unique_ptr<Model> model;
    {  // the rows learned from are let go before those held out are copied
      Dataset train = data.select(fold.train);
      if (options.train_rows > 0) train = sample_rows(train, options.train_rows, inner.seed);
      model = learner.fit(train, inner);
      if (options.train_values)
        result.train_value = metric.compute(judge(*model, train).view()).value_or(std::nan(""));
    }
    Storage::release_unused();
    result.judged = judge(*model, data.select(fold.test));
    result.value = metric.compute(result.judged.view()).value_or(std::nan(""));
    const bool cut = inner.stop.limit_changed_something();
    cv.cut_short = cv.cut_short || cut;
    if (options.memory && !cut) options.memory->keep(options.memory_key, number, result);
    cv.folds.push_back(std::move(result));
    Storage::release_unused();
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
  const double half = student_quantile((1 + confidence) / 2, k - 1) * corrected_error(differences);
  return {mean, mean - half, mean + half};
}

}  // namespace cairn
