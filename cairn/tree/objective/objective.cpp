#include "cairn/tree/objective/objective_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/suggest.h"
#include "cairn/tree/objective/objectives_internal.h"

namespace cairn::tree {
namespace {

constexpr double kLeastShare = 1e-12;  // of a class without rows

double weighted_mean(const Truth& t) {
  double sum = 0;
  for (std::int64_t r = 0; r < t.rows; ++r) sum += t.weight(r) * t.y[at(r)];
  return sum / t.total_weight();
}

double quantile_of_targets(const Truth& t, double level) {
  return weighted_quantile({t.y.begin(), t.y.end()}, {t.weights.begin(), t.weights.end()}, level);
}

// A gradient pass from first and second derivative of one row's loss.
template <class F>
void each_row(const Truth& t, std::span<const double> raw, std::int64_t begin, std::int64_t end,
              std::span<double> g, std::span<double> h, F&& derivatives) {
  for (std::int64_t r = begin; r < end; ++r) {
    const auto [first, second] = derivatives(raw[at(r)], t.y[at(r)]);
    const double w = t.weight(r);
    g[at(r)] = w * first;
    h[at(r)] = w * second;
  }
}

using Pair = std::pair<double, double>;

double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

void squared_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                       std::span<double> g, std::span<double> h) {
  each_row(t, raw, b, e, g, h, [](double f, double y) { return Pair{f - y, 1}; });
}
void absolute_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                        std::span<double> g, std::span<double> h) {
  each_row(t, raw, b, e, g, h, [](double f, double y) { return Pair{f > y ? 1 : f < y ? -1 : 0, 1}; });
}
void huber_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                     std::span<double> g, std::span<double> h) {
  each_row(t, raw, b, e, g, h,
           [&](double f, double y) { return Pair{std::clamp(f - y, -t.delta, t.delta), 1}; });
}
// One output after the other: each level is a model of its own that shares nothing but the rows.
void quantile_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                        std::span<double> g, std::span<double> h) {
  for (std::int64_t o = 0; o < t.num_outputs; ++o) {
    const double a = t.params.levels[at(o)];
    const auto part = [&](auto all) { return all.subspan(at(o * t.rows), at(t.rows)); };
    each_row(t, part(raw), b, e, part(g), part(h), [&](double f, double y) {
      return Pair{f > y ? 1 - a : f < y ? -a : 0, 1};
    });
  }
}
double quantile_loss(const Truth& t, std::span<const double> raw, std::int64_t r) {
  double sum = 0;
  for (std::int64_t o = 0; o < t.num_outputs; ++o) {
    const double e = t.y[at(r)] - raw[at(o * t.rows + r)], a = t.params.levels[at(o)];
    sum += e > 0 ? a * e : (a - 1) * e;
  }
  return sum / static_cast<double>(t.num_outputs);
}
// Asymmetric squares (Newey, Powell: Asymmetric least squares estimation and testing, 1987).
double expectile_weight(double f, double y, double level) { return f > y ? 1 - level : level; }
void expectile_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                         std::span<double> g, std::span<double> h) {
  each_row(t, raw, b, e, g, h, [&](double f, double y) {
    const double w = expectile_weight(f, y, t.params.quantile);
    return Pair{w * (f - y), w};
  });
}
void logistic_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                        std::span<double> g, std::span<double> h) {
  each_row(t, raw, b, e, g, h, [](double f, double y) {
    const double small = std::exp(-std::abs(f)), p = (f >= 0 ? 1 : small) / (1 + small);
    return Pair{p - y, small / ((1 + small) * (1 + small))};
  });
}
void poisson_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                       std::span<double> g, std::span<double> h) {
  each_row(t, raw, b, e, g, h, [](double f, double y) {
    const double mean = std::exp(f);
    return Pair{mean - y, mean};
  });
}
void gamma_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                     std::span<double> g, std::span<double> h) {
  each_row(t, raw, b, e, g, h, [](double f, double y) {
    const double ratio = y * std::exp(-f);
    return Pair{1 - ratio, ratio};
  });
}
void tweedie_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                       std::span<double> g, std::span<double> h) {
  const double p = t.params.tweedie_power;
  each_row(t, raw, b, e, g, h, [&](double f, double y) {
    const double below = y * std::exp((1 - p) * f), above = std::exp((2 - p) * f);
    return Pair{above - below, (p - 1) * below + (2 - p) * above};
  });
}
// e^z of z <= 0, which is 0 for one class of every row.
double exp_below(double z) { return z == 0 ? 1 : std::exp(z); }

void softmax_gradients(const Truth& t, std::span<const double> raw, std::int64_t b, std::int64_t e,
                       std::span<double> g, std::span<double> h) {
  for (std::int64_t r = b; r < e; ++r) {
    double highest = -INFINITY, sum = 0;
    for (std::int64_t o = 0; o < t.num_outputs; ++o) highest = std::max(highest, raw[at(o * t.rows + r)]);
    for (std::int64_t o = 0; o < t.num_outputs; ++o)
      sum += g[at(o * t.rows + r)] = exp_below(raw[at(o * t.rows + r)] - highest);
    for (std::int64_t o = 0; o < t.num_outputs; ++o) {
      const double share = g[at(o * t.rows + r)] / sum, w = t.weight(r);
      g[at(o * t.rows + r)] = w * (share - (t.labels[at(r)] == o ? 1 : 0));
      // k / (k - 1) makes up for the diagonal's blindness to the other classes (Friedman 2001, equation 34).
      const auto k = static_cast<double>(t.num_outputs);
      h[at(o * t.rows + r)] = w * std::max(share * (1 - share), 1e-16) * k / (k - 1);
    }
  }
}

void start_mean(const Truth& t, std::span<double> base) { base[0] = weighted_mean(t); }
void start_log_mean(const Truth& t, std::span<double> base) {
  base[0] = std::log(std::max(weighted_mean(t), kLeastShare));
}
void start_median(const Truth& t, std::span<double> base) { base[0] = quantile_of_targets(t, 0.5); }
void start_quantile(const Truth& t, std::span<double> base) {
  for (std::size_t o = 0; o < base.size(); ++o) base[o] = quantile_of_targets(t, t.params.levels[o]);
}
// The expectile of the targets is the mean with the weights that it gives itself.
void start_expectile(const Truth& t, std::span<double> base) {
  constexpr int kMostSteps = 100;
  double value = weighted_mean(t);
  for (int step = 0; step < kMostSteps; ++step) {
    double sum = 0, total = 0;
    for (std::int64_t r = 0; r < t.rows; ++r) {
      const double w = t.weight(r) * expectile_weight(value, t.y[at(r)], t.params.quantile);
      sum += w * t.y[at(r)], total += w;
    }
    const double next = sum / total;
    if (next == value) break;
    value = next;
  }
  base[0] = value;
}
void start_logit(const Truth& t, std::span<double> base) {
  const double p = std::clamp(weighted_mean(t), kLeastShare, 1 - kLeastShare);
  base[0] = std::log(p / (1 - p));
}
void start_shares(const Truth& t, std::span<double> base) {
  std::ranges::fill(base, 0.0);
  for (std::int64_t r = 0; r < t.rows; ++r) base[at(t.labels[at(r)])] += t.weight(r);
  const double total = t.total_weight();
  for (double& b : base) b = std::log(std::max(b / total, kLeastShare));
}

// The width within which most residuals lie (Friedman: Greedy function approximation, 2001, algorithm 4).
void prepare_huber(Truth& t, std::span<const double> raw) {
  std::vector<double> sizes(at(t.rows));
  for (std::int64_t r = 0; r < t.rows; ++r) sizes[at(r)] = std::abs(t.y[at(r)] - raw[at(r)]);
  t.delta =
      weighted_quantile(std::move(sizes), {t.weights.begin(), t.weights.end()}, t.params.huber_quantile);
}

double tweedie_loss(const Truth& t, std::span<const double> raw, std::int64_t r) {
  const double p = t.params.tweedie_power, f = raw[at(r)];
  return -t.y[at(r)] * std::exp((1 - p) * f) / (1 - p) + std::exp((2 - p) * f) / (2 - p);
}
double softmax_loss(const Truth& t, std::span<const double> raw, std::int64_t r) {
  double highest = -INFINITY, sum = 0;
  for (std::int64_t o = 0; o < t.num_outputs; ++o) highest = std::max(highest, raw[at(o * t.rows + r)]);
  for (std::int64_t o = 0; o < t.num_outputs; ++o) sum += exp_below(raw[at(o * t.rows + r)] - highest);
  return highest + std::log(sum) - raw[at(t.labels[at(r)] * t.rows + r)];
}
double huber_loss(const Truth& t, std::span<const double> raw, std::int64_t r) {
  const double size = std::abs(raw[at(r)] - t.y[at(r)]);
  return size <= t.delta ? size * size / 2 : t.delta * (size - t.delta / 2);
}

bool not_negative(double y) { return y >= 0; }
bool positive(double y) { return y > 0; }

constexpr TreeOutput kValue = TreeOutput::identity, kExp = TreeOutput::exponential;

const Objective kObjectives[] = {
    {"squared", "mean squared error", true, false, false, kValue, nullptr, nullptr, start_mean,
     squared_gradients,
     [](const Truth& t, std::span<const double> raw, std::int64_t r) {
       const double e = raw[at(r)] - t.y[at(r)];
       return e * e / 2;
     }},
    {"absolute", "mean absolute error: medians, far values count less", true, false, false, kValue, nullptr,
     nullptr, start_median, absolute_gradients,
     [](const Truth& t, std::span<const double> raw, std::int64_t r) {
       return std::abs(raw[at(r)] - t.y[at(r)]);
     },
     nullptr, [](const ObjectiveParams&, std::int64_t) { return 0.5; }},
    {"huber", "squared for small errors, absolute for large ones", true, false, false, kValue, nullptr,
     nullptr, start_median, huber_gradients, huber_loss, prepare_huber},
    {"quantile", "pinball loss: the level `quantile` of the target, or the levels `quantiles`", true, false,
     false, kValue, nullptr, nullptr, start_quantile, quantile_gradients, quantile_loss, nullptr,
     [](const ObjectiveParams& p, std::int64_t output) { return p.levels[at(output)]; }, Predicts::quantiles},
    {"expectile", "asymmetric squares: the expectile at the level `quantile`", true, false, false, kValue,
     nullptr, nullptr, start_expectile, expectile_gradients,
     [](const Truth& t, std::span<const double> raw, std::int64_t r) {
       const double e = raw[at(r)] - t.y[at(r)];
       return expectile_weight(raw[at(r)], t.y[at(r)], t.params.quantile) * e * e / 2;
     }},
    {"poisson", "counts, their logarithm is summed", true, false, false, kExp, "counts, 0 or more",
     not_negative, start_log_mean, poisson_gradients,
     [](const Truth& t, std::span<const double> raw, std::int64_t r) {
       return std::exp(raw[at(r)]) - t.y[at(r)] * raw[at(r)];
     }},
    {"gamma", "positive amounts, their logarithm is summed", true, false, false, kExp, "above 0", positive,
     start_log_mean, gamma_gradients,
     [](const Truth& t, std::span<const double> raw, std::int64_t r) {
       return t.y[at(r)] * std::exp(-raw[at(r)]) + raw[at(r)];
     }},
    {"tweedie", "amounts of which many are 0, as insurance claims", true, false, false, kExp, "0 or more",
     not_negative, start_log_mean, tweedie_gradients, tweedie_loss},
    {"lambdarank", "the order of a query's rows (--group) by relevance: NDCG or average precision", true,
     false, false, kValue, "whole numbers from 0 to 31, a row's relevance", is_relevance,
     [](const Truth&, std::span<double> base) { base[0] = 0; }, nullptr, nullptr, nullptr, nullptr,
     Predicts::rank_score, rank_gradients, rank_loss, check_queries},
    {"cox", "who is first (--event): proportional hazards, exp(score) is the hazard", true, false, false,
     kExp, "times above 0", is_time, [](const Truth&, std::span<double> base) { base[0] = 0; }, nullptr,
     nullptr, nullptr, nullptr, Predicts::risk, cox_gradients, cox_loss, check_events},
    {"aft", "the time until it happens (--event): accelerated failure time, exp(score) is the time", true,
     false, false, kExp, "times above 0", is_time, aft_start, aft_gradients, aft_loss, nullptr, nullptr,
     Predicts::duration, nullptr, nullptr, check_events},
    {"expression", "a loss of one's own, the parameter `expression` of y and score", true, false, false,
     kValue, nullptr, nullptr, expression_start, expression_gradients, expression_loss},
    {"logistic", "log loss of two classes", false, true, false, TreeOutput::logistic, nullptr, nullptr,
     start_logit, logistic_gradients,
     [](const Truth& t, std::span<const double> raw, std::int64_t r) {
       return softplus(raw[at(r)]) - t.y[at(r)] * raw[at(r)];
     }},
    {"softmax", "log loss of several classes, a tree each", false, false, true, TreeOutput::softmax, nullptr,
     nullptr, start_shares, softmax_gradients, softmax_loss},
};

}  // namespace

double Truth::total_weight() const {
  if (weights.empty()) return static_cast<double>(rows);
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

std::span<const Objective> objectives() { return kObjectives; }

std::vector<std::string> objective_names() {
  std::vector<std::string> names{"auto"};
  for (const Objective& o : kObjectives) names.emplace_back(o.name);
  return names;
}

Predicts predicts_of(std::string_view objective) {
  for (const Objective& o : kObjectives)
    if (objective == o.name) return o.predicts;
  return Predicts::value;
}

const Objective& objective_for(std::string_view name, Task task) {
  const auto serves = [&](const Objective& o) {
    return task == Task::regression ? o.regression : task == Task::binary ? o.binary : o.multiclass;
  };
  std::vector<std::string> able;
  for (const Objective& o : kObjectives) {
    if (!serves(o)) continue;
    if (name == "auto" || name == o.name) return o;
    able.emplace_back(o.name);
  }
  const bool quantity = std::ranges::any_of(kObjectives, [&](const Objective& o) {
    return name == o.name && o.regression && is_classification(task);
  });
  throw UsageError("objective", fmt::format("{} does not serve a {} task", name, name_of(task)),
                   quantity ? "--task regression takes the target as a quantity." : suggestion(name, able));
}

double weighted_quantile(std::vector<double> values, std::vector<double> weights, double level) {
  if (weights.empty()) weights.assign(values.size(), 1.0);
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  const double wanted = level * std::accumulate(weights.begin(), weights.end(), 0.0);
  double below = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    below += weights[order[i]];
    if (below > wanted || i + 1 == order.size()) return values[order[i]];
    if (below == wanted) return values[order[i]] / 2 + values[order[i + 1]] / 2;
  }
  return 0;
}

}  // namespace cairn::tree
