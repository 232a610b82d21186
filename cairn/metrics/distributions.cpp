#include "cairn/metrics/distributions.h"

#include <cmath>
#include <limits>

namespace cairn {
namespace {

constexpr double kTiny = 1e-300, kDigits = 1e-16;
constexpr int kMostTerms = 100'000;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// log Gamma without the sign that std::lgamma leaves in a variable of the process.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

// log of x^a (1 - x)^b / (a B(a, b)).
double log_beta_front(double x, double a, double b) {
  return a * std::log(x) + b * std::log1p(-x) + log_gamma(a + b) - log_gamma(a + 1) - log_gamma(b);
}

// Modified Lentz for b0 + a1 / (b1 + a2 / (b2 + ...)), terms(k) = {a_k, b_k}.
template <class Terms>
double continued_fraction(double b0, Terms terms) {
  double f = b0 == 0 ? kTiny : b0, c = f, d = 0;
  for (int k = 1; k < kMostTerms; ++k) {
    const auto [a, b] = terms(k);
    d = b + a * d;
    if (std::abs(d) < kTiny) d = kTiny;
    c = b + a / c;
    if (std::abs(c) < kTiny) c = kTiny;
    d = 1 / d;
    f *= c * d;
    if (std::abs(c * d - 1) < kDigits * 4) break;
  }
  return f;
}

struct Term {
  double a, b;
};

double beta_fraction(double x, double a, double b) {
  return 1 / continued_fraction(1, [&](int k) {
           const double m = k / 2;  // NOLINT(bugprone-integer-division): pairs of terms
           const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
           const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
           return Term{k % 2 == 1 ? odd : even, 1};
         });
}

}  // namespace

double incomplete_beta(double x, double a, double b) {
  if (!(a > 0) || !(b > 0) || std::isnan(x)) return kNaN;
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x < (a + 1) / (a + b + 2)) return std::exp(log_beta_front(x, a, b)) * beta_fraction(x, a, b);
  return 1 - std::exp(log_beta_front(1 - x, b, a)) * beta_fraction(1 - x, b, a);
}

double incomplete_gamma_upper(double a, double x) {
  if (!(a > 0) || std::isnan(x)) return kNaN;
  if (x <= 0) return 1;
  const double front = std::exp(a * std::log(x) - x - log_gamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (int k = 1; k < kMostTerms && std::abs(term) > std::abs(sum) * kDigits; ++k)
      sum += term *= x / (a + k);
    return 1 - front * sum;
  }
  if (std::isinf(x)) return 0;
  return front / continued_fraction(x + 1 - a, [&](int k) { return Term{-k * (k - a), x + 2 * k + 1 - a}; });
}

double normal_tail(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }
double normal_two_sided(double x) { return std::erfc(std::abs(x) / std::sqrt(2.0)); }

double student_two_sided(double t, double df) {
  if (!(df > 0)) return kNaN;
  if (std::isinf(t)) return 0;
  // Each form keeps its digits where the other loses them.
  const double square = t * t;
  return square < df ? 1 - incomplete_beta(square / (df + square), 0.5, df / 2)
                     : incomplete_beta(df / (df + square), df / 2, 0.5);
}

double student_tail(double t, double df) {
  const double half = student_two_sided(t, df) / 2;
  return t > 0 ? half : 1 - half;
}

double chi_squared_tail(double x, double df) { return incomplete_gamma_upper(df / 2, x / 2); }

double f_tail(double x, double df1, double df2) {
  if (!(df1 > 0) || !(df2 > 0)) return kNaN;
  if (x <= 0) return 1;
  if (std::isinf(x)) return 0;
  return incomplete_beta(df2 / (df2 + df1 * x), df2 / 2, df1 / 2);
}

namespace {

// Where a falling tail crosses 1 - p: doubling, then bisection to the last bit.
template <class Tail>
double invert(double p, Tail tail) {
  if (!(p > 0 && p < 1)) return kNaN;
  if (p < 0.5) return -invert(1 - p, tail);
  double low = 0, high = 1;
  while (tail(high) > 1 - p && high < 1e300) high *= 2;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    if (middle <= low || middle >= high) break;
    (tail(middle) > 1 - p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

double normal_quantile(double p) { return invert(p, normal_tail); }
double student_quantile(double p, double df) {
  if (!(df > 0)) return kNaN;
  return invert(p, [&](double t) { return student_tail(t, df); });
}

}  // namespace cairn
