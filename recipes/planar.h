// Points in the plane that the courses draw from NumPy's legacy generator: a flower, two moons, two circles.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cairn/tensor/tensor.h"
#include "recipes/numpy_random.h"
#include "recipes/recipe.h"

namespace cairn::recipes {

struct Planar {
  Tensor x, y;  // f64 [n, 2] and [n, 1], y 0 or 1
};

Planar flower();  // 400 points on the petals of two colours; seed 1
// As scikit-learn's make_moons and make_circles draw them.
Planar moons(std::int64_t n, double noise, std::uint32_t seed);
Planar circles(std::int64_t n, double noise, std::uint32_t seed);
// The points in the order that the courses draw for one epoch, each from a seed of its own.
Planar in_order_of(std::uint32_t seed, const Planar& points);

// Where a network decides for 1, on a grid over the points, with these on top. logits: [n, 2] to [n, 1].
Chart boundary(const std::string& title, const std::function<Tensor(const Tensor&)>& logits,
               const Planar& points);

Tensor randn(numpy::RandomState& random, const Shape& shape, double scale = 1);  // f64

}  // namespace cairn::recipes
