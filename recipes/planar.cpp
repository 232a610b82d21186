#include "recipes/planar.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/backward.h"
#include "recipes/columns.h"

namespace cairn::recipes {

Tensor randn(numpy::RandomState& random, const Shape& shape, double scale) {
  std::vector<double> v = random.randn(shape.size());
  for (double& value : v) value *= scale;
  return Tensor::from(v).reshape(shape);
}

Planar flower() {
  constexpr std::int64_t kHalf = 200;
  constexpr double kLength = 4, kNoise = 0.2, kTurn = 3.12;
  numpy::RandomState random(1);
  std::vector<double> x, y;
  for (int color = 0; color < 2; ++color) {
    const std::vector<double> angles = random.randn(kHalf), radii = random.randn(kHalf);
    for (std::int64_t i = 0; i < kHalf; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double t = color * kTurn + kTurn / (kHalf - 1) * static_cast<double>(i) + angles[at] * kNoise;
      const double r = kLength * std::sin(4 * t) + radii[at] * kNoise;
      x.push_back(r * std::sin(t));
      x.push_back(r * std::cos(t));
      y.push_back(color);
    }
  }
  return {Tensor::from(x).reshape({2 * kHalf, 2}), Tensor::from(y).reshape({2 * kHalf, 1})};
}

namespace {

// Shuffled, then moved by noise: scikit-learn's order.
Planar shuffled(const std::vector<double>& x, const std::vector<double>& y, double noise,
                std::uint32_t seed) {
  numpy::RandomState random(seed);
  const auto n = static_cast<std::int64_t>(y.size());
  std::vector<double> xs, ys;
  for (const std::int64_t r : random.permutation(n)) {
    const auto i = static_cast<std::size_t>(r);
    xs.push_back(x[2 * i]);
    xs.push_back(x[2 * i + 1]);
    ys.push_back(y[i]);
  }
  for (double& v : xs) v += noise * random.randn();
  return {Tensor::from(xs).reshape({n, 2}), Tensor::from(ys).reshape({n, 1})};
}

}  // namespace

Planar moons(std::int64_t n, double noise, std::uint32_t seed) {
  std::vector<double> x, y;
  const std::int64_t half = n / 2;
  for (int moon = 0; moon < 2; ++moon)
    for (std::int64_t i = 0; i < half; ++i) {
      const double t = std::numbers::pi / static_cast<double>(half - 1) * static_cast<double>(i);
      x.push_back(moon == 0 ? std::cos(t) : 1 - std::cos(t));
      x.push_back(moon == 0 ? std::sin(t) : 1 - std::sin(t) - 0.5);
      y.push_back(moon);
    }
  return shuffled(x, y, noise, seed);
}

Planar circles(std::int64_t n, double noise, std::uint32_t seed) {
  std::vector<double> x, y;
  const std::int64_t half = n / 2;
  for (int inner = 0; inner < 2; ++inner)
    for (std::int64_t i = 0; i < half; ++i) {
      const double t = 2 * std::numbers::pi / static_cast<double>(half) * static_cast<double>(i),
                   r = inner ? 0.8 : 1;
      x.push_back(std::cos(t) * r);
      x.push_back(std::sin(t) * r);
      y.push_back(inner);
    }
  return shuffled(x, y, noise, seed);
}

Planar in_order_of(std::uint32_t seed, const Planar& points) {
  const Tensor order = Tensor::from(numpy::RandomState(seed).permutation(points.x.size(0)));
  return {index_select(points.x, order), index_select(points.y, order)};
}

Chart boundary(const std::string& title, const std::function<Tensor(const Tensor&)>& logits,
               const Planar& data) {
  constexpr std::int64_t kAcross = 45, kUp = 23;  // pictures are wide
  const Tensor low = min(data.x, 0), high = max(data.x, 0);
  Values points;
  for (const double a : linspace(low.item({0}), high.item({0}), kAcross))
    for (const double b : linspace(low.item({1}), high.item({1}), kUp))
      points.push_back(a), points.push_back(b);
  const Tensor grid = Tensor::from(points).reshape({kAcross * kUp, 2});
  const NoGrad no_grad;
  const Tensor z = logits(grid);
  Series regions[2]{{.name = "decided for 0", .kind = "points"}, {.name = "decided for 1", .kind = "points"}};
  Series classes[2]{{.name = "class 0", .kind = "points"}, {.name = "class 1", .kind = "points"}};
  for (std::int64_t i = 0; i < grid.size(0); ++i)
    regions[z.item({i, 0}) > 0].points.emplace_back(grid.item({i, 0}), grid.item({i, 1}));
  for (std::int64_t i = 0; i < data.x.size(0); ++i)
    classes[data.y.item({i, 0}) == 1].points.emplace_back(data.x.item({i, 0}), data.x.item({i, 1}));
  return {.title = title, .x = "x0", .y = "x1", .series = {regions[0], regions[1], classes[0], classes[1]}};
}

}  // namespace cairn::recipes
