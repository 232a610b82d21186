#include "cairn/model/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "cairn/base/index.h"
#include "cairn/model/numeric.h"

namespace cairn {
namespace {

constexpr double kLeast = 1e-15;  // probabilities are kept off 0 and 1 by this much before logarithms

double log_odds(double p) {
  const double q = std::clamp(p, kLeast, 1 - kLeast);
  return std::log(q) - std::log1p(-q);
}
double sigmoid(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

double weight_of(const Judged& j, std::size_t r) { return j.weights.empty() ? 1 : j.weights[r]; }

// One map for two classes, of the probability of class 1; else one a class.
std::size_t maps_for(std::int64_t classes) { return classes == 2 ? 1 : at(classes); }

// log p / T, normalised, in place.
void sharpen(std::span<double> row, double temperature) {
  double most = -std::numeric_limits<double>::infinity(), total = 0;
  for (double& p : row) most = std::max(most, p = std::log(std::max(p, kLeast)) / temperature);
  for (double& p : row) total += p = std::exp(p - most);
  for (double& p : row) p /= total;
}

double log_loss(const Judged& j, std::span<const double> p) {
  const std::size_t k = at(j.num_classes);
  double sum = 0, total = 0;
  for (std::size_t r = 0; r < j.labels.size(); ++r) {
    sum -= weight_of(j, r) * std::log(std::max(p[r * k + at(j.labels[r])], kLeast));
    total += weight_of(j, r);
  }
  return sum / total;
}

// By golden section on log T: the loss is convex in 1 / T.
double fit_temperature(const Judged& j) {
  const auto loss = [&](double log_t) {
    std::vector<double> p = j.probabilities;
    const std::size_t k = at(j.num_classes);
    for (std::size_t r = 0; r < j.labels.size(); ++r)
      sharpen(std::span(p).subspan(r * k, k), std::exp(log_t));
    return log_loss(j, p);
  };
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(0.05), high = std::log(20.0);
  double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
  double at_a = loss(a), at_b = loss(b);
  while (high - low > 1e-6) {
    if (at_a <= at_b) {
      high = b;
      b = a;
      at_b = at_a;
      a = high - kGolden * (high - low);
      at_a = loss(a);
    } else {
      low = a;
      a = b;
      at_a = at_b;
      b = low + kGolden * (high - low);
      at_b = loss(b);
    }
  }
  return std::exp((low + high) / 2);
}

// Pool adjacent violators (Ayer et al. 1955): blocks of rising means, each told at its mean probability.
void fit_isotonic(std::span<const double> p, std::span<const double> truth, std::span<const double> weights,
                  std::vector<double>& from, std::vector<double>& to) {
  struct Block {
    double weight = 0, sum = 0, low = 0, high = 0;
    double mean() const { return sum / weight; }
  };
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t r) { return p[r]; });
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < order.size();) {
    Block block{.low = p[order[i]], .high = p[order[i]]};
    for (; i < order.size() && p[order[i]] == block.low; ++i) {  // equal probabilities stay together
      block.weight += weights[order[i]];
      block.sum += weights[order[i]] * truth[order[i]];
    }
    if (block.weight == 0) continue;
    while (!blocks.empty() && blocks.back().mean() >= block.mean()) {
      block.weight += blocks.back().weight;
      block.sum += blocks.back().sum;
      block.low = blocks.back().low;
      blocks.pop_back();
    }
    blocks.push_back(block);
  }
  for (const Block& b : blocks) {
    from.push_back(b.low);
    to.push_back(b.mean());
    if (b.high > b.low) {
      from.push_back(b.high);
      to.push_back(b.mean());
    }
  }
}

double between(std::span<const double> from, std::span<const double> to, double p) {
  if (p <= from.front()) return to.front();
  if (p >= from.back()) return to.back();
  const auto i = static_cast<std::size_t>(std::upper_bound(from.begin(), from.end(), p) - from.begin());
  const double share = (p - from[i - 1]) / (from[i] - from[i - 1]);
  return to[i - 1] + share * (to[i] - to[i - 1]);
}

}  // namespace

MarginCalibration calibrate_margins(std::span<const double> margins, std::span<const double> sides,
                                    std::span<const double> weights) {
  const auto weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  double yes = 0, no = 0, size = 0;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    (sides[i] > 0 ? yes : no) += weight(i);
    size = std::max(size, std::abs(margins[i]));
  }
  const double unit = size > 0 ? 1 / size : 1;  // margins of any size are brought to [-1, 1]
  const double high = (yes + 1) / (yes + 2), low = 1 / (no + 2);
  const auto loss = [&](double a, double b) {
    double sum = 0;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      const double z = a * margins[i] * unit + b, t = sides[i] > 0 ? high : low;
      sum += weight(i) * (std::max(z, 0.0) - z * t + std::log1p(std::exp(-std::abs(z))));
    }
    return sum;
  };
  double a = 0, b = std::log((yes + 1) / (no + 1)), value = loss(a, b);
  constexpr int kMostSteps = 100;
  for (int step = 0; step < kMostSteps; ++step) {
    double ga = 0, gb = 0, haa = 1e-12, hbb = 1e-12, hab = 0;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      const double m = margins[i] * unit, z = a * m + b, t = sides[i] > 0 ? high : low;
      const double p = z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z));
      const double slope = weight(i) * (p - t), curvature = weight(i) * p * (1 - p);
      ga += slope * m;
      gb += slope;
      haa += curvature * m * m;
      hbb += curvature;
      hab += curvature * m;
    }
    if (std::abs(ga) < 1e-8 && std::abs(gb) < 1e-8) break;
    const double determinant = haa * hbb - hab * hab;
    if (!(determinant > 0)) break;
    const double da = -(hbb * ga - hab * gb) / determinant, db = -(haa * gb - hab * ga) / determinant;
    double length = 1;
    for (; length > 1e-10; length /= 2)
      if (const double next = loss(a + length * da, b + length * db); next < value) {
        a += length * da;
        b += length * db;
        value = next;
        break;
      }
    if (length <= 1e-10) break;
  }
  return {a * unit, b};
}

Calibration::Calibration(const std::string& method, const Judged& j) : method_(method) {
  CAIRN_ASSERT(is_classification(j.task) && !j.probabilities.empty() && !j.labels.empty());
  if (method == "temperature") {
    parameters_ = {fit_temperature(j)};
    return;
  }
  const std::size_t k = at(j.num_classes), n = j.labels.size(), maps = maps_for(j.num_classes);
  std::vector<double> p(n), sides(n), truth(n), weights(n);
  at_.resize(method == "isotonic" ? maps : 0);
  to_.resize(at_.size());
  for (std::size_t m = 0; m < maps; ++m) {
    const std::size_t yes = maps == 1 ? 1 : m;
    for (std::size_t r = 0; r < n; ++r) {
      p[r] = j.probabilities[r * k + yes];
      truth[r] = at(j.labels[r]) == yes ? 1 : 0;
      sides[r] = 2 * truth[r] - 1;
      weights[r] = weight_of(j, r);
    }
    if (method == "isotonic") {
      fit_isotonic(p, truth, weights, at_[m], to_[m]);
      continue;
    }
    for (double& v : p) v = log_odds(v);
    const MarginCalibration c = calibrate_margins(p, sides, weights);
    parameters_.insert(parameters_.end(), {c.slope, c.offset});
  }
}

void Calibration::apply(std::span<double> probabilities, std::int64_t classes) const {
  if (empty()) return;
  const std::size_t k = at(classes), maps = maps_for(classes);
  for (std::size_t r = 0; r < probabilities.size() / k; ++r) {
    const std::span<double> row = probabilities.subspan(r * k, k);
    if (method_ == "temperature") {
      sharpen(row, parameters_[0]);
      continue;
    }
    for (std::size_t m = 0; m < maps; ++m) {
      double& p = row[maps == 1 ? 1 : m];
      p = method_ == "isotonic" ? between(at_[m], to_[m], p)
                                : sigmoid(parameters_[2 * m] * log_odds(p) + parameters_[2 * m + 1]);
    }
    if (maps == 1) {
      row[0] = 1 - row[1];
      continue;
    }
    const double total = std::accumulate(row.begin(), row.end(), 0.0);
    for (double& p : row) p = total > 0 ? p / total : 1 / static_cast<double>(k);
  }
}

Table Calibration::apply(const Table& predicted, const std::vector<std::string>& classes) const {
  if (empty()) return predicted;
  const std::size_t k = classes.size(), n = at(predicted.num_rows());
  std::vector<double> all(n * k);
  for (std::size_t c = 0; c < k; ++c) {
    const Tensor p = predicted.column("p_" + classes[c]).numbers();
    for (std::size_t r = 0; r < n; ++r) all[r * k + c] = p.data<double>()[r];
  }
  apply(all, static_cast<std::int64_t>(k));
  return prediction_table(k == 2 ? Task::binary : Task::multiclass, classes, std::move(all));
}

Judged Calibration::apply(const Judged& judged, double threshold) const {
  Judged result = judged;
  if (empty()) return result;
  apply(result.probabilities, result.num_classes);
  const std::size_t k = at(result.num_classes);
  for (std::size_t r = 0; r < result.decisions.size(); ++r) {
    const auto row = std::span(result.probabilities).subspan(r * k, k);
    const auto yes = at(result.positive);
    if (threshold >= 0 && k == 2)
      result.decisions[r] = static_cast<std::int32_t>(row[yes] >= threshold ? yes : 1 - yes);
    else
      result.decisions[r] = static_cast<std::int32_t>(std::ranges::max_element(row) - row.begin());
  }
  return result;
}

void Calibration::visit(Visitor& v, std::int64_t classes) {
  v.optional("method", method_);
  v.optional("parameters", parameters_);
  std::vector<std::int64_t> sizes;
  std::vector<double> from, to;
  for (std::size_t m = 0; m < at_.size(); ++m) {
    sizes.push_back(std::ssize(at_[m]));
    from.insert(from.end(), at_[m].begin(), at_[m].end());
    to.insert(to.end(), to_[m].begin(), to_[m].end());
  }
  v.optional("sizes", sizes);
  v.optional("from", from);
  v.optional("to", to);
  if (!v.loading()) return;
  const auto refuse = [&] { throw ModelFileError("model", "its calibration does not fit its classes"); };
  if (method_.empty()) return;
  const std::size_t maps = maps_for(classes);
  const auto finite = [](double x) { return std::isfinite(x); };
  if (classes < 2 || !std::ranges::all_of(parameters_, finite)) refuse();
  if (method_ == "temperature") {
    if (parameters_.size() != 1 || !(parameters_[0] > 0)) refuse();
  } else if (method_ == "platt") {
    if (parameters_.size() != 2 * maps) refuse();
  } else if (method_ == "isotonic") {
    std::int64_t total = 0;
    for (const std::int64_t size : sizes) {
      if (size < 1 || size > std::ssize(from)) refuse();
      total += size;
    }
    if (sizes.size() != maps || total != std::ssize(from) || from.size() != to.size()) refuse();
    at_.assign(maps, {});
    to_.assign(maps, {});
    for (std::size_t m = 0, begin = 0; m < maps; begin += at(sizes[m]), ++m) {
      const auto piece = [&](const std::vector<double>& all) {
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(begin);
        return std::vector<double>(first, first + sizes[m]);
      };
      at_[m] = piece(from);
      to_[m] = piece(to);
      const auto share = [](double x) { return x >= 0 && x <= 1; };
      for (std::size_t i = 1; i < at_[m].size(); ++i)
        if (!(at_[m][i - 1] < at_[m][i])) refuse();
      if (!std::ranges::all_of(at_[m], share) || !std::ranges::all_of(to_[m], share)) refuse();
    }
  } else {
    refuse();
  }
}

CalibrationChoice choose_calibration(const std::string& asked, const Judged& j) {
  if (!is_classification(j.task) || j.probabilities.empty() || j.labels.empty())
    throw NotSupported("--calibrate", "there are no probabilities to calibrate",
                       "It is for classifications whose learner gives probabilities.");
  constexpr std::size_t kParts = 5;
  CalibrationChoice choice;
  const std::size_t n = j.labels.size(), k = at(j.num_classes);
  double best = log_loss(j, j.probabilities);
  choice.trials.push_back({"none", best});
  std::string method = asked == "auto" ? "" : asked;
  for (const char* trial : {"platt", "isotonic", "temperature"}) {
    std::vector<double> p = j.probabilities;
    for (std::size_t part = 0; part < kParts && n >= 2 * kParts; ++part) {
      std::vector<std::int64_t> kept;
      for (std::size_t r = 0; r < n; ++r)
        if (r % kParts != part) kept.push_back(static_cast<std::int64_t>(r));
      const Calibration fitted(trial, j.select(kept));
      for (std::size_t r = part; r < n; r += kParts)
        fitted.apply(std::span(p).subspan(r * k, k), j.num_classes);
    }
    choice.trials.push_back({trial, log_loss(j, p)});
    if (asked != "auto" || !(choice.trials.back().log_loss < best)) continue;
    best = choice.trials.back().log_loss;
    method = trial;
  }
  if (!method.empty()) choice.calibration = Calibration(method, j);
  return choice;
}

}  // namespace cairn
