// Times of which some are known only to be longer than those seen (censored).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <ranges>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/objective/objectives_internal.h"

namespace cairn::tree {
namespace {

constexpr double kLeastCurve = 1e-16;

bool happened(const Truth& t, std::size_t r) { return t.events.empty() || t.events[r] != 0; }

// Calls visit(rows of one time) along rows that are sorted by time, one way or the other.
template <class Rows, class F>
void each_time(const Truth& t, Rows&& rows, F&& visit) {
  std::vector<std::uint32_t> same;
  for (auto next = rows.begin(); next != rows.end();) {
    const double time = t.y[*next];
    for (same.clear(); next != rows.end() && t.y[*next] == time; ++next) same.push_back(*next);
    visit(std::span<const std::uint32_t>(same));
  }
}

// exp(raw - the largest raw), weighted, and at each time's rows the sum over all that were still at risk
// then.
struct RiskSets {
  double highest = -INFINITY;
  std::vector<double> hazard, at_risk;
};

RiskSets risk_sets(const Truth& t, std::span<const double> raw) {
  RiskSets s;
  for (const double f : raw) s.highest = std::max(s.highest, f);
  s.hazard.resize(raw.size());
  s.at_risk.resize(raw.size());
  for (std::size_t r = 0; r < raw.size(); ++r)
    s.hazard[r] = t.weight(static_cast<std::int64_t>(r)) * std::exp(raw[r] - s.highest);
  double sum = 0;
  each_time(t, std::views::reverse(*t.by_time), [&](std::span<const std::uint32_t> same) {
    for (const std::uint32_t r : same) sum += s.hazard[r];
    for (const std::uint32_t r : same) s.at_risk[r] = sum;
  });
  return s;
}

using Pair = std::pair<double, double>;

double log_of_one_more(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }
double share_of(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }
double log_above(double z) {  // of the normal distribution
  constexpr double kFar = 30;
  if (z < kFar) return std::log(std::erfc(z / std::numbers::sqrt2) / 2);
  return -z * z / 2 - std::log(z * std::sqrt(2 * std::numbers::pi)) + std::log1p(-1 / (z * z));
}
double normal_hazard(double z) {
  return std::exp(-z * z / 2 - log_above(z)) / std::sqrt(2 * std::numbers::pi);
}

// -log of the density at z, or of the share above z, and its derivatives by z.
struct Surprise {
  double value, first, second;
};
Surprise surprise(Noise noise, double z, bool seen) {
  switch (noise) {
    case Noise::normal: {
      if (seen) return {z * z / 2 + std::log(2 * std::numbers::pi) / 2, z, 1};
      const double hazard = normal_hazard(z);
      return {-log_above(z), hazard, hazard * (hazard - z)};
    }
    case Noise::logistic: {
      const double p = share_of(z), curve = p * (1 - p);
      if (seen) return {-z + 2 * log_of_one_more(z), 2 * p - 1, 2 * curve};
      return {log_of_one_more(z), p, curve};
    }
    case Noise::extreme:
      break;
  }
  const double w = std::exp(z);  // of the smallest of many: times are Weibull's
  return seen ? Surprise{w - z, w - 1, w} : Surprise{w, w, w};
}

Surprise surprise_of(const Truth& t, double raw, std::size_t r) {
  return surprise(t.params.noise, (std::log(t.y[r]) - raw) / t.params.noise_scale, happened(t, r));
}

}  // namespace

std::shared_ptr<const std::vector<std::uint32_t>> rows_by_time(std::span<const double> time) {
  std::vector<std::uint32_t> rows(time.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::ranges::stable_sort(rows, {}, [&](std::uint32_t r) { return time[r]; });
  return std::make_shared<const std::vector<std::uint32_t>>(std::move(rows));
}

bool is_time(double y) { return y > 0; }

void check_events(const Truth& t) {
  if (t.events.empty() || std::ranges::find(t.events, 1) != t.events.end()) return;
  throw DataError("gradient_boosting",
                  fmt::format("in none of {} rows it happened: every time is censored, so nothing tells soon "
                              "from late",
                              t.rows),
                  "--event names a column that is 1 where it happened, 0 where it had not happened by then.");
}

// Derivatives by the row's own raw output; as every second derivative here, without those by two rows at
// once.
void cox_gradients(const Truth& t, std::span<const double> raw, std::span<double> g, std::span<double> h) {
  const RiskSets s = risk_sets(t, raw);
  double once = 0, squared = 0;  // sums over what happened until now of weight / at risk, and / its square
  each_time(t, *t.by_time, [&](std::span<const std::uint32_t> same) {
    for (const std::uint32_t r : same) {
      if (!happened(t, r)) continue;
      const double w = t.weight(r);
      once += w / s.at_risk[r];
      squared += w / (s.at_risk[r] * s.at_risk[r]);
    }
    for (const std::uint32_t r : same) {
      g[r] = s.hazard[r] * once - (happened(t, r) ? t.weight(r) : 0);
      h[r] = std::max(s.hazard[r] * once - s.hazard[r] * s.hazard[r] * squared, kLeastCurve);
    }
  });
}

double cox_loss(const Truth& t, std::span<const double> raw) {
  const RiskSets s = risk_sets(t, raw);
  double loss = 0, events = 0;
  for (std::size_t r = 0; r < raw.size(); ++r) {
    if (!happened(t, r)) continue;
    const double w = t.weight(static_cast<std::int64_t>(r));
    loss += w * (std::log(s.at_risk[r]) + s.highest - raw[r]);
    events += w;
  }
  return loss / events;
}

void aft_start(const Truth& t, std::span<double> base) {
  double sum = 0, weight = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) {
    if (!happened(t, at(r))) continue;
    sum += t.weight(r) * std::log(t.y[at(r)]);
    weight += t.weight(r);
  }
  base[0] = best_constant(t, objective_for("aft", Task::regression), weight > 0 ? sum / weight : 0);
}

void aft_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                   std::span<double> g, std::span<double> h) {
  const double scale = t.params.noise_scale;
  for (std::int64_t r = b; r < e; ++r) {
    const Surprise s = surprise_of(t, raw[at(r)], at(r));
    const double w = t.weight(r);
    g[at(r)] = -w * s.first / scale;
    h[at(r)] = w * std::max(s.second / (scale * scale), kLeastCurve);
  }
}

double aft_loss(const Truth& t, std::span<const double> raw, std::int64_t r) {
  const double value = surprise_of(t, raw[at(r)], at(r)).value;
  return happened(t, at(r)) ? value + std::log(t.params.noise_scale * t.y[at(r)]) : value;
}

}  // namespace cairn::tree
