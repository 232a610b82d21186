// Unit tests of the deep-learning courses that no recipe holds: a residual block, the triplet loss, the
// quizzes' arithmetic.
#include <doctest/doctest.h>

#include <cmath>

#include "cairn/model/search_space.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/norm.h"
#include "cairn/ops/pool2d.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/backward.h"
#include "recipes/numpy_random.h"

using namespace cairn;

namespace {

Tensor of(const std::vector<double>& values, const Shape& shape) {
  return Tensor::from(std::span<const double>(values), shape);
}

// `digits` printed decimals agree.
bool is_near(const Tensor& t, const std::vector<double>& expected, double tolerance = 6e-9) {
  const Tensor flat = t.contiguous();
  const auto values = flat.data<double>();
  if (values.size() != expected.size()) return false;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::abs(values[i] - expected[i]) > tolerance * std::max(1.0, std::abs(expected[i]))) return false;
  return true;
}

}  // namespace

TEST_CASE("D4W2-A1: the identity block with all weights 1") {
  std::vector<double> values;
  for (const double v : {-1.0, 1.0, 3.0}) values.insert(values.end(), 48, v);
  const Tensor x = of(values, {3, 4, 4, 3});
  const auto ones = [](const Shape& s) { return Tensor::full(s, 1, DType::f64); };
  const auto zeros = [](std::int64_t n) { return Tensor::zeros({n}, DType::f64); };
  const auto block = [&](int f, std::int64_t f1, std::int64_t f3, bool training) {
    const auto norm = [&](const Tensor& t, std::int64_t n) {
      return training ? batch_norm(t, ones({n}), zeros(n), {.epsilon = 1e-3}).y
                      : batch_norm_inference(t, ones({n}), zeros(n), zeros(n), ones({n}), {.epsilon = 1e-3});
    };
    Tensor y = relu(norm(conv2d(x, ones({f1, 1, 1, 3})), f1));
    y = relu(norm(conv2d(y, ones({f1, f, f, f1}), {.padding = Padding::same()}), f1));
    y = norm(conv2d(y, ones({f3, 1, 1, f1})), f3);
    return mean(relu(y + x), 3);
  };
  const Tensor inference = block(2, 4, 3, false);
  CHECK(is_near(inference.slice(0, 0, 1).slice(1, 0, 1), {0, 0, 0, 0}));
  CHECK(is_near(inference.slice(0, 1, 2).slice(1, 0, 1), {192.71236, 192.71236, 192.71236, 96.85619}, 1e-6));
  CHECK(is_near(inference.slice(0, 1, 2).slice(1, 3, 4), {96.85619, 96.85619, 96.85619, 48.9281}, 1e-6));
  CHECK(is_near(inference.slice(0, 2, 3).slice(1, 0, 1), {578.1371, 578.1371, 578.1371, 290.56854}, 1e-6));
  CHECK(is_near(inference.slice(0, 2, 3).slice(1, 3, 4), {290.56854, 290.56854, 290.56854, 146.78427}, 1e-6));
  const Tensor training = block(3, 3, 3, true);
  CHECK(is_near(training.slice(0, 0, 1).slice(1, 0, 1), {0, 0, 0, 0}));
  CHECK(is_near(training.slice(0, 1, 2).slice(1, 0, 1), {0.37394285, 0.37394285, 0.37394285, 0.37394285},
                1e-6));
  CHECK(is_near(training.slice(0, 2, 3).slice(1, 0, 1), {3.2379014, 4.1394243, 4.1394243, 3.2379014}, 1e-6));
}

TEST_CASE("D4W4-A1: triplet loss") {
  const auto loss = [](const Tensor& a, const Tensor& p, const Tensor& n, double margin) {
    return triplet(a, p, n, {.margin = margin, .reduction = Reduction::sum}).item();
  };
  const Tensor one = of({1, 1}, {2}), zero = of({0, 0}, {2});
  CHECK(loss(one, one, one, 5) == 5);
  CHECK(loss(one, one, zero, 3) == 1);
  CHECK(loss(one, zero, one, 0) == 2);
  CHECK(loss(zero, zero, zero, -2) == 0);
  const Tensor a = of({1, 0, 1, 0}, {2, 2}), n = of({0, 1, 0, 1}, {2, 2});
  CHECK(loss(a, a, n, 3) == 2);
}

TEST_CASE("quizzes: sizes of results and numbers of weights") {
  const auto size_after = [](std::int64_t h, std::int64_t c, std::int64_t o, int f,
                             const Conv2dOptions& options) {
    return conv2d(Tensor::zeros({1, h, h, c}, DType::f32), Tensor::zeros({o, f, f, c}, DType::f32), options)
        .shape();
  };
  CHECK(size_after(63, 16, 32, 7, {.stride = 2}) == Shape{1, 29, 29, 32});
  CHECK(size_after(127, 16, 32, 5, {.stride = 2}) == Shape{1, 62, 62, 32});
  CHECK(size_after(63, 16, 32, 7, {.padding = Padding::same()}) == size_after(63, 16, 32, 7, {.padding = 3}));
  CHECK(size_after(15, 8, 8, 1, {.padding = 2}) == Shape{1, 19, 19, 8});
  CHECK(max_pool2d(Tensor::zeros({1, 32, 32, 16}, DType::f32), 2).shape() == Shape{1, 16, 16, 16});
  const Tensor wide = Tensor::zeros({1, 64, 64, 32}, DType::f32);
  CHECK(conv2d(wide, Tensor::zeros({32, 3, 3, 1}, DType::f32), {.padding = Padding::same(), .groups = 32})
            .shape() == Shape{1, 64, 64, 32});
}

TEST_CASE("quizzes: sizes of volumes, by the rule that every window follows") {
  // The library has no convolution in three dimensions; each axis of one is a WindowAxis like those of
  // pictures.
  const auto side = [](std::int64_t input, std::int64_t kernel, std::int64_t stride) {
    return WindowAxis{.input = input, .kernel = kernel, .stride = stride}.output();
  };
  CHECK(side(32, 3, 1) == 30);
  CHECK(side(64, 4, 2) == 31);
  const WindowAxis seven{.input = 63, .kernel = 7};
  std::int32_t before = 0, after = 0;
  same_padding(seven.input, seven.kernel, 1, 1, before, after);
  CHECK(before == 3);
  CHECK(after == 3);
}

TEST_CASE("quizzes: a search on a logarithmic scale") {
  // beta = 1 - 10^(-r - 1) with r in [0, 1]: as many draws between 0.9 and 0.968 as between 0.968 and 0.99.
  const SearchAxis axis{.name = "momentum",
                        .range = {.low = 0.9, .high = 0.99, .scale = SearchScale::near_one, .values = {}}};
  numpy::RandomState random(1);
  int below = 0;
  for (int i = 0; i < 1000; ++i) {
    const double r = random.rand(), beta = std::stod(value_at(axis, r));
    CHECK(beta >= 0.9);
    CHECK(beta <= 0.99);
    // As typed: four digits of 1 - beta.
    CHECK(1 - beta == doctest::Approx(std::pow(10.0, -r - 1)).epsilon(6e-4));
    below += beta < 1 - std::pow(10.0, -1.5);
  }
  CHECK(std::abs(below - 500) < 50);
}

TEST_CASE("quizzes: transposed convolution") {
  const Tensor x = of({1, 2, 3, 4}, {1, 2, 2, 1});
  const Tensor w = of({1, 0, -1, 1, 0, -1, 1, 0, -1}, {1, 3, 3, 1});
  const Tensor y = conv_transpose2d(x, w, {.stride = 2, .padding = 1, .output_padding = 1});
  CHECK(y.shape() == Shape{1, 4, 4, 1});
  CHECK(is_near(y, {0, 1, 0, -2, 0, 2, 0, -6, 0, 1, 0, -4, 0, 1, 0, -4}, 0));
}
