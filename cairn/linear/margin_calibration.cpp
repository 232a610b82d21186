#include <algorithm>
#include <cmath>

#include "cairn/linear/margin_calibration_internal.h"

namespace cairn {

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

}  // namespace cairn
