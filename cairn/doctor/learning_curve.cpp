#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/random.h"
#include "cairn/data/times.h"
#include "cairn/doctor/diagnosis.h"

namespace cairn {
namespace {

constexpr int kResamples = 200;
constexpr double kFractions[] = {1.0 / 8, 1.0 / 4, 1.0 / 2};

struct Draws {
  double rows = 0;
  std::vector<double> errors, training;  // one a fold
};

double mean(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

// The mean of the draws named by `pick`, per size.
std::vector<double> resampled_means(const std::vector<Draws>& sizes, const std::vector<std::size_t>& pick) {
  std::vector<double> means;
  for (const Draws& d : sizes) {
    double sum = 0;
    for (const std::size_t i : pick) sum += d.errors[i];
    means.push_back(sum / static_cast<double>(pick.size()));
  }
  return means;
}

double quantile(std::vector<double> v, double q) {
  std::sort(v.begin(), v.end());
  const double at = q * static_cast<double>(v.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const std::size_t high = std::min(low + 1, v.size() - 1);
  return v[low] + (at - static_cast<double>(low)) * (v[high] - v[low]);
}

double error_of(const Model& model, const Dataset& data, const Metric& metric) {
  const auto value = metric.compute(judge(model, data).view());
  return value ? as_error(metric, *value) : std::nan("");
}

LearningPoint summarise(const Draws& d) {
  const double m = mean(d.errors);
  double squares = 0;
  for (const double e : d.errors) squares += (e - m) * (e - m);
  const auto k = static_cast<double>(d.errors.size());
  const double half = d.errors.size() > 1 ? 1.96 * std::sqrt(squares / (k - 1) / k) : 0;
  return {static_cast<std::int64_t>(d.rows),
          {m, m - half, m + half, static_cast<std::int64_t>(k)},
          mean(d.training)};
}

// Rows that are each other's past are taken whole, from the end.
void latest_first(const Dataset& data, std::vector<std::int64_t>& rows) {
  const Column time = times_of(data.table().column(data.roles().time));
  std::ranges::sort(rows, [&](std::int64_t a, std::int64_t b) {
    const double ta = time.number_at(a), tb = time.number_at(b);
    return ta != tb ? ta > tb : a < b;
  });
}

// Errors of models trained on parts of every fold's training rows, judged on the fold's held-out rows. Folds
// on which some size could not be fitted (a class is absent from so few rows) are left out of every size, so
// that sizes stay paired.
std::vector<Draws> measure_sizes(const DiagnosisInput& in, const Dataset& data, const FitContext& context) {
  const Learner& learner = *in.selection->single().pipeline;
  std::vector<Draws> sizes(std::size(kFractions) + 1);
  std::uint64_t number = 0;
  for (const Split& fold : k_fold(data, in.selection->folds, in.options.seed)) {
    const Dataset held_out = data.select(fold.test);
    std::vector<std::int64_t> order = fold.train;
    Random(in.options.seed, "learning curve", number++).shuffle(std::span(order));
    if (!learner.looks_back_on(data).empty()) latest_first(data, order);
    std::vector<std::pair<double, double>> found;
    for (std::size_t s = 0; s < sizes.size(); ++s) {
      context.stop.throw_if_requested("the learning curve");
      const double share = s < std::size(kFractions) ? kFractions[s] : 1.0;
      auto rows = std::vector<std::int64_t>(
          order.begin(),
          order.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(order.size())));
      std::sort(rows.begin(), rows.end());
      try {
        const Dataset part = data.select(rows);
        const auto model = learner.fit(part, {.seed = in.options.seed, .stop = context.stop});
        found.emplace_back(error_of(*model, held_out, *in.metric), error_of(*model, part, *in.metric));
      } catch (const DataError&) {
        break;
      } catch (const FitError&) {
        break;
      }
    }
    const bool whole = found.size() == sizes.size() && std::ranges::all_of(found, [](const auto& f) {
                         return !std::isnan(f.first) && !std::isnan(f.second);
                       });
    if (!whole) continue;
    for (std::size_t s = 0; s < sizes.size(); ++s) {
      const double share = s < std::size(kFractions) ? kFractions[s] : 1.0;
      sizes[s].rows = share * static_cast<double>(order.size());
      sizes[s].errors.push_back(found[s].first);
      sizes[s].training.push_back(found[s].second);
    }
  }
  return sizes;
}

}  // namespace

double PowerLaw::at(double n) const { return a + b * std::pow(n, -c); }

PowerLaw fit_power_law(const std::vector<double>& rows, const std::vector<double>& errors) {
  PowerLaw best;
  double best_squares = INFINITY;
  const auto k = static_cast<double>(rows.size());
  for (double c = 0.05; c <= 2.0; c += 0.05) {
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double x = std::pow(rows[i], -c);
      sx += x, sy += errors[i], sxx += x * x, sxy += x * errors[i];
    }
    const double spread = k * sxx - sx * sx;
    double b = spread > 0 ? (k * sxy - sx * sy) / spread : 0, a = (sy - b * sx) / k;
    if (a < 0) a = 0, b = sxy / sxx;  // an error cannot fall below 0
    if (b < 0) b = 0, a = sy / k;     // more rows do not hurt
    double squares = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double miss = errors[i] - a - b * std::pow(rows[i], -c);
      squares += miss * miss;
    }
    if (squares < best_squares) best_squares = squares, best = {a, b, c};
  }
  return best;
}

LearningCurve learning_curve(const DiagnosisInput& in, const Dataset& data, const FitContext& context) {
  LearningCurve curve;
  const std::vector<Draws> sizes = measure_sizes(in, data, context);
  if (sizes[0].errors.empty()) return curve;
  std::vector<double> rows, means;
  for (const Draws& d : sizes) {
    curve.points.push_back(summarise(d));
    rows.push_back(d.rows);
    means.push_back(mean(d.errors));
  }
  const PowerLaw law = fit_power_law(rows, means);
  curve.a = law.a, curve.b = law.b, curve.c = law.c;

  const std::size_t folds = sizes[0].errors.size();
  std::vector<std::vector<double>> drops(3);  // of the error at 2n, 4n, 8n against n, per resample
  for (int r = 0; r < kResamples; ++r) {
    Random random(in.options.seed, "learning curve bootstrap", static_cast<std::uint64_t>(r));
    std::vector<std::size_t> pick(folds);
    for (auto& i : pick) i = random.below(folds);
    const PowerLaw other = fit_power_law(rows, resampled_means(sizes, pick));
    for (std::size_t f = 0; f < drops.size(); ++f)
      drops[f].push_back(other.at(rows.back() * std::pow(2.0, f + 1)) - other.at(rows.back()));
  }
  for (std::size_t f = 0; f < drops.size(); ++f) {
    const double n = rows.back() * std::pow(2.0, f + 1), now = means.back(),
                 drop = law.at(n) - law.at(rows.back());
    curve.forecast.push_back(
        {static_cast<std::int64_t>(n),
         {now + drop, std::min(now + quantile(drops[f], 0.1), now + drop),
          std::max(now + quantile(drops[f], 0.9), now + drop), static_cast<std::int64_t>(folds)},
         0});
  }
  return curve;
}

}  // namespace cairn
