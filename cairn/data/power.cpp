#include "cairn/data/power.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/data/summary.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::choose;
using transform_detail::find_all;
using transform_detail::map_numbers;

constexpr std::int64_t kRows = 1 << 13;  // rows a chunk of the parallel loops
constexpr double kWidestLambda = 10;     // from 0 (box_cox) or 1 (yeo_johnson)
constexpr double kLargestExponent = 300;
constexpr double kFarthestPower = 16;  // e^-16 beside 1 leaves half of the digits to tell numbers apart
constexpr double kFlat = 1e-8;         // a lambda nearer to 0 than this is 0

// (e^(lambda t) - 1) / lambda: a power of e^t, and its limit.
double power(double t, double lambda) {
  return std::abs(lambda) < kFlat ? t : std::expm1(lambda * t) / lambda;
}
// Beyond what powers reach, the nearest that they do.
double root(double y, double lambda) {
  if (std::abs(lambda) < kFlat) return y;
  const double reached = lambda * y;  // NaN stays NaN
  return std::log1p(reached < -1 ? -1 : reached) / lambda;
}

struct Bend {
  const char* name;
  const char* formula;
  double above;  // numbers must be greater than this
  bool has_lambda;
  double (*forward)(double x, double lambda);
  double (*back)(double y, double lambda);
};

constexpr double kNone = -HUGE_VAL;

const Bend kBends[] = {
    {Log::kName, "ln x", 0, false, [](double x, double) { return std::log(x); },
     [](double y, double) { return std::exp(y); }},
    {Log1p::kName, "ln(1 + x)", -1, false, [](double x, double) { return std::log1p(x); },
     [](double y, double) { return std::expm1(y); }},
    {BoxCox::kName, "", 0, true, [](double x, double lambda) { return power(std::log(x), lambda); },
     [](double y, double lambda) { return std::exp(root(y, lambda)); }},
    {YeoJohnson::kName, "", kNone, true,
     [](double x, double lambda) {
       return x >= 0 ? power(std::log1p(x), lambda) : -power(std::log1p(-x), 2 - lambda);
     },
     [](double y, double lambda) {
       return y >= 0 ? std::expm1(root(y, lambda)) : -std::expm1(root(-y, 2 - lambda));
     }},
};

const Bend& bend_of(std::string_view name) {
  return *std::ranges::find(kBends, name, [](const Bend& b) { return std::string_view(b.name); });
}

// The first number that the transform cannot take.
void check_domain(const Column& c, const Bend& bend) {
  if (bend.above == kNone) return;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    const double x = c.number_at(r);
    if (std::isnan(x) || x > bend.above) continue;
    throw DataError(fmt::format("column '{}', row {}", c.name(), r + 1),
                    fmt::format("is {}; {} takes numbers above {}", c.cell(r), bend.name, bend.above),
                    bend.above == 0 ? "log1p takes zeros, yeo_johnson takes every number."
                                    : "yeo_johnson takes every number.");
  }
}

class FittedPower : public FittedTransform {
 public:
  explicit FittedPower(const char* name) : bend_(&bend_of(name)) {}
  FittedPower(const char* name, std::vector<std::string> names)
      : bend_(&bend_of(name)), names_(std::move(names)), lambdas_(names_.size(), 1) {}
  std::string_view kind() const override { return bend_->name; }
  Table apply(const Table& features) const override;
  bool inverts() const override { return true; }
  Table invert(const Table& made) const override;
  void visit(Visitor& v) override {
    v.value("columns", names_);
    v.value("lambdas", lambdas_);
    if (v.loading() && (lambdas_.size() != names_.size() || !std::ranges::all_of(lambdas_, [](double l) {
                          return std::abs(l) <= 2 * kWidestLambda;
                        })))
      throw ModelFileError(bend_->name, fmt::format("{} columns have the wrong lambdas", names_.size()));
  }
  std::string describe() const override {
    if (names_.empty()) return fmt::format("{}: no number column", kind());
    return fmt::format("{} of {} ({})", kind(), transform_detail::columns_in_words(names_.size()),
                       transform_detail::shortened(names_.size(), [&](std::size_t i) {
                         return bend_->has_lambda ? fmt::format("{} lambda {:.6g}", names_[i], lambdas_[i])
                                                  : names_[i] + " as " + bend_->formula;
                       }));
  }
  void set(std::size_t column, double lambda) { lambdas_[column] = lambda; }

 private:
  const Bend* bend_;
  std::vector<std::string> names_;
  std::vector<double> lambdas_;
};

Table FittedPower::apply(const Table& features) const {
  return map_numbers(features, names_, kind(), [&](std::size_t i, const Column& c) {
    check_domain(c, *bend_);
    return [f = bend_->forward, lambda = lambdas_[i]](double x) { return f(x, lambda); };
  });
}

Table FittedPower::invert(const Table& made) const {
  return map_numbers(made, names_, kind(), [&](std::size_t i, const Column&) {
    return [f = bend_->back, lambda = lambdas_[i]](double y) { return f(y, lambda); };
  });
}

// The values that count, as logarithms: what both likelihoods are made of.
struct Sample {
  std::vector<double> t;  // ln x, or ln(1 + |x|)
  std::vector<double> sign, weight;
  double total = 0, largest = 0;
  // Of one sign, powers are taken about the mean logarithm: large numbers keep their differences.
  double centre = 0;
  bool negative = false;  // all of them
};

Sample sample_of(const Column& c, const std::vector<double>& weights, bool any_sign) {
  Sample s;
  for (std::int64_t r = 0; r < c.size(); ++r) {
    const double x = c.number_at(r), w = weights.empty() ? 1 : weights[static_cast<std::size_t>(r)];
    if (std::isnan(x) || w == 0) continue;
    s.t.push_back(any_sign ? std::log1p(std::abs(x)) : std::log(x));
    s.sign.push_back(x < 0 ? -1 : 1);
    s.weight.push_back(w);
    s.total += w;
    s.centre += w * s.t.back();
  }
  const auto below = std::ranges::count(s.sign, -1.0);
  s.negative = below > 0 && below == std::ssize(s.sign);
  s.centre = below > 0 && !s.negative ? 0 : s.centre / s.total;
  for (const double t : s.t) s.largest = std::max(s.largest, std::abs(t - s.centre));
  return s;
}

// The profile log-likelihood per unit of weight: -ln(variance) / 2 + (lambda - 1) mean(sign t). Powers about
// a centre only shift the first term by the exponent times it.
double likelihood(const Sample& s, double lambda) {
  struct Sums {
    double weight = 0, mean = 0, squares = 0, slope = 0;
  };
  const Sums all = parallel_reduce<Sums>(
      std::ssize(s.t), kRows,
      [&](std::int64_t b, std::int64_t e) {
        Sums part;
        for (auto i = static_cast<std::size_t>(b); i < static_cast<std::size_t>(e); ++i) {
          const double t = s.t[i] - s.centre, w = s.weight[i];
          const double y = s.sign[i] > 0 ? power(t, lambda) : -power(t, 2 - lambda);
          part.weight += w;
          const double step = y - part.mean;
          part.mean += step * w / part.weight;
          part.squares += w * step * (y - part.mean);
          part.slope += w * s.sign[i] * s.t[i];
        }
        return part;
      },
      [](Sums& into, const Sums& part) {
        const double weight = into.weight + part.weight, step = part.mean - into.mean;
        into.mean += step * part.weight / weight;
        into.squares += part.squares + step * step * into.weight * part.weight / weight;
        into.slope += part.slope;
        into.weight = weight;
      });
  const double variance = all.squares / all.weight;
  if (!(variance > 0) || std::isinf(variance)) return -HUGE_VAL;
  const double shift = (s.negative ? 2 - lambda : lambda) * s.centre;
  return -std::log(variance) / 2 - shift + (lambda - 1) * all.slope / all.weight;
}

// By golden section: the likelihood rises to one maximum, and rounding leaves some nine digits of it.
double best_lambda(const Sample& s, bool any_sign) {
  const double middle = any_sign ? 1 : 0;
  double up = 1e-300, down = 1e-300;  // the farthest logarithm on either side
  for (std::size_t i = 0; i < s.t.size(); ++i) {
    const double t = any_sign ? s.sign[i] * s.t[i] : s.t[i];
    up = std::max(up, t);
    down = std::max(down, -t);
  }
  const double reach = std::min(kWidestLambda, kLargestExponent / std::max(s.largest, 1e-300));
  constexpr double kGolden = 0.6180339887498949;
  constexpr double kEnough = 1e-10;
  double low = std::max(middle - reach, -kFarthestPower / up);
  double high = std::min(middle + reach, (any_sign ? 2 : 0) + kFarthestPower / down);
  double a = high - kGolden * (high - low), b = low + kGolden * (high - low);
  double fa = likelihood(s, a), fb = likelihood(s, b);
  while (high - low > kEnough * reach) {
    if (fa >= fb) {
      high = b;
      b = a;
      fb = fa;
      a = high - kGolden * (high - low);
      fa = likelihood(s, a);
    } else {
      low = a;
      a = b;
      fa = fb;
      b = low + kGolden * (high - low);
      fb = likelihood(s, b);
    }
  }
  return (low + high) / 2;
}

std::unique_ptr<FittedTransform> fit_power(const char* name, const std::vector<std::string>& wanted,
                                           const Dataset& data, const TransformContext& context) {
  const Bend& bend = bend_of(name);
  const Table features = data.features();
  const std::vector<std::string> names =
      choose(features, wanted, {ColumnKind::number, ColumnKind::integer}, name);
  const auto at = find_all(features, names, {ColumnKind::number, ColumnKind::integer}, name);
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedPower>(name, names);
  for (std::size_t i = 0; i < at.size(); ++i) {
    context.stop.throw_if_requested(name);
    const Column& c = features.columns()[at[i]];
    check_domain(c, bend);
    if (!bend.has_lambda) continue;
    const Tensor numbers = c.numbers();
    const Moments m = moments(numbers.data<double>(), weights);
    transform_detail::check_range(c, m, name);
    if (m.is_constant()) continue;
    const bool any_sign = bend.above == kNone;
    fitted->set(i, best_lambda(sample_of(c, weights, any_sign), any_sign));
  }
  return fitted;
}

}  // namespace

const ParamList& PowerParams::list() {
  static const ParamList l{param<&PowerParams::columns>(
      "columns", "one column to act on; may be repeated; default: every number column")};
  return l;
}

std::unique_ptr<FittedTransform> Log::fit(const Dataset& data, const TransformContext& context) const {
  return fit_power(kName, params_.columns, data, context);
}
std::unique_ptr<FittedTransform> Log1p::fit(const Dataset& data, const TransformContext& context) const {
  return fit_power(kName, params_.columns, data, context);
}
std::unique_ptr<FittedTransform> BoxCox::fit(const Dataset& data, const TransformContext& context) const {
  return fit_power(kName, params_.columns, data, context);
}
std::unique_ptr<FittedTransform> YeoJohnson::fit(const Dataset& data, const TransformContext& context) const {
  return fit_power(kName, params_.columns, data, context);
}

TransformEntry log_entry() {
  return transform_entry<Log>("the logarithm of numbers above 0", []() -> std::unique_ptr<FittedTransform> {
    return std::make_unique<FittedPower>(Log::kName);
  });
}
TransformEntry log1p_entry() {
  return transform_entry<Log1p>("the logarithm of 1 + x", []() -> std::unique_ptr<FittedTransform> {
    return std::make_unique<FittedPower>(Log1p::kName);
  });
}
TransformEntry box_cox_entry() {
  return transform_entry<BoxCox>(
      "the power of numbers above 0 that makes them most like normal ones",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedPower>(BoxCox::kName); });
}
TransformEntry yeo_johnson_entry() {
  return transform_entry<YeoJohnson>(
      "the power of any numbers that makes them most like normal ones",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedPower>(YeoJohnson::kName); });
}

}  // namespace cairn
