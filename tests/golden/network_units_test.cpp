// The unit tests of the deep-learning courses that concern single operations of networks, through the
// library's own operations. Seeds are NumPy's legacy generator; numbers are those the labs expect.
#include <doctest/doctest.h>

#include <cmath>

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

Tensor normal(numpy::RandomState& random, const Shape& shape) {
  const auto values = random.randn(shape.size());
  return Tensor::from(std::span<const double>(values), shape);
}
Tensor of(const std::vector<double>& values, const Shape& shape) {
  return Tensor::from(std::span<const double>(values), shape);
}
// The labs' filters lie Kh Kw C O; Cairn's O Kh Kw C.
Tensor filters(const Tensor& w) { return permute(w, {3, 0, 1, 2}).contiguous(); }
double mean_of(const Tensor& t) { return mean(t).item(); }

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

TEST_CASE("D4W1-A1: one step of a convolution") {
  numpy::RandomState random(1);
  const Tensor a = normal(random, {1, 4, 4, 3}), w = normal(random, {1, 4, 4, 3}), b = normal(random, {1});
  CHECK(conv2d(a, w, b).item({0, 0, 0, 0}) == doctest::Approx(-6.999089450680221).epsilon(1e-13));
}

TEST_CASE("D4W1-A1: convolution forward, three editions") {
  {
    numpy::RandomState random(1);
    const Tensor a = normal(random, {2, 5, 7, 4}), w = normal(random, {3, 3, 4, 8}), b = normal(random, {8});
    const Tensor z = conv2d(a, filters(w), b, {.stride = 2, .padding = 1});
    CHECK(mean_of(z) == doctest::Approx(0.5511276474566768).epsilon(1e-12));
    CHECK(is_near(
        z.slice(0, 0, 1).slice(1, 2, 3).slice(2, 1, 2),
        {-2.17796037, 8.07171329, -0.5772704, 3.36286738, 4.48113645, -2.89198428, 10.99288867, 3.03171932}));
  }
  {
    numpy::RandomState random(1);
    const Tensor a = normal(random, {10, 5, 7, 4}), w = normal(random, {3, 3, 4, 8}), b = normal(random, {8});
    const Tensor z = conv2d(a, filters(w), b, {.stride = 2, .padding = 1});
    CHECK(mean_of(z) == doctest::Approx(0.6923608807576931).epsilon(1e-12));
    CHECK(is_near(
        z.slice(0, 3, 4).slice(1, 2, 3).slice(2, 1, 2),
        {-1.28912231, 2.27650251, 6.61941931, 0.95527176, 8.25132576, 2.31329639, 13.00689405, 2.34576051}));
  }
  numpy::RandomState random(1);
  const Tensor a = normal(random, {10, 4, 4, 3}), w = normal(random, {2, 2, 3, 8}), b = normal(random, {8});
  CHECK(mean_of(conv2d(a, filters(w), b, {.stride = 2, .padding = 2})) ==
        doctest::Approx(0.04899520352885578).epsilon(1e-12));
}

TEST_CASE("D4W1-A1: convolution backward, the gradient being the result itself") {
  numpy::RandomState random(1);
  const Tensor a = watched(normal(random, {10, 4, 4, 3}));
  const Tensor w = watched(filters(normal(random, {2, 2, 3, 8}))), b = watched(normal(random, {8}));
  const Tensor z = conv2d(a, w, b, {.stride = 2, .padding = 2});
  const Gradients g = backward(z, {.gradient = z.detach()});
  CHECK(mean_of(g.of(a)) == doctest::Approx(1.4524377775388075).epsilon(1e-12));
  CHECK(mean_of(g.of(w)) == doctest::Approx(1.7269914583139097).epsilon(1e-12));
  CHECK(mean_of(g.of(b)) == doctest::Approx(7.839232564616838).epsilon(1e-12));
}

TEST_CASE("D4W1-A1: pooling forward") {
  numpy::RandomState random(1);
  const Tensor a = normal(random, {2, 5, 5, 3});
  CHECK(is_near(max_pool2d(a, 3, {.stride = 1}).slice(0, 1, 2).slice(1, 1, 2),
                {1.96710175, 0.84616065, 1.27375593, 1.96710175, 0.84616065, 1.23616403, 1.62765075,
                 1.12141771, 1.2245077}));
  CHECK(is_near(average_pool2d(a, 3, {.stride = 1}).slice(0, 1, 2).slice(1, 1, 2),
                {0.44497696, -0.00261695, -0.31040307, 0.50811474, -0.23493734, -0.23961183, 0.11872677,
                 0.17255229, -0.22112197}));
  CHECK(is_near(max_pool2d(a, 3, {.stride = 2}).slice(0, 0, 1),
                {1.74481176, 0.90159072, 1.65980218, 1.74481176, 1.6924546, 1.65980218, 1.13162939,
                 1.51981682, 2.18557541, 1.13162939, 1.6924546, 2.18557541}));
  CHECK(is_near(average_pool2d(a, 3, {.stride = 2}).slice(0, 1, 2),
                {-0.17313416, 0.32377198, -0.34317572, 0.02030094, 0.14141479, -0.01231585, 0.42944926,
                 0.08446996, -0.27290905, 0.15077452, 0.28911175, 0.00123239}));
}

TEST_CASE("D4W1-A1: pooling backward, the mask and the share") {
  numpy::RandomState random(1);
  const Tensor a = watched(normal(random, {5, 5, 3, 2})), da = normal(random, {5, 4, 2, 2});
  CHECK(mean_of(da) == doctest::Approx(0.14571390272918056).epsilon(1e-12));
  const Tensor of_max = backward(max_pool2d(a, 2, {.stride = 1}), {.gradient = da}).of(a);
  CHECK(is_near(of_max.slice(0, 1, 2).slice(1, 1, 2), {0, 0, 5.05844394, -1.68282702, 0, 0}));
  const Tensor of_mean = backward(average_pool2d(a, 2, {.stride = 1}), {.gradient = da}).of(a);
  CHECK(is_near(of_mean.slice(0, 1, 2).slice(1, 1, 2),
                {0.08485462, 0.2787552, 1.26461098, -0.25749373, 1.17975636, -0.53624893}));
  const Tensor x = watched(of({-1, 2, 3, 2, -3, 2, 1, 5, -2}, {1, 3, 3, 1}));
  CHECK(is_near(backward(max_pool2d(x, 3)).of(x), {0, 0, 0, 0, 0, 0, 0, 1, 0}, 0));
  const Tensor two = watched(Tensor::zeros({1, 2, 2, 1}, DType::f64));
  CHECK(is_near(backward(average_pool2d(two, 2), {.gradient = of({2}, {1, 1, 1, 1})}).of(two),
                {0.5, 0.5, 0.5, 0.5}, 0));
}

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

TEST_CASE("D1W4-A1, D1W3-A1: cost of probabilities and of logits") {
  const Tensor p = of({.8, .9, .4}, {3}), t = of({1, 1, 0}, {3});
  CHECK(bce(p, t).item() == doctest::Approx(0.2797765635793422).epsilon(1e-14));
  CHECK(bce_with_logits(log(p / (1.0 - p)), t).item() == doctest::Approx(0.2797765635793422).epsilon(1e-14));
  numpy::RandomState random(1);
  std::vector<double> targets;
  for (const double v : random.randn(3)) targets.push_back(v > 0);
  CHECK(bce(of({0.5002307, 0.49985831, 0.50023963}, {3}), of(targets, {3})).item() ==
        doctest::Approx(0.6930587610394646).epsilon(1e-13));
}

TEST_CASE("D1W2-A2: logistic regression's cost and gradients") {
  const auto run = [](const std::vector<double>& w0, double b0, const std::vector<double>& columns,
                      const std::vector<double>& y) {
    const Tensor w = watched(of(w0, {1, 2})), b = watched(of({b0}, {1}));
    const Tensor loss = bce_with_logits(linear(transpose(of(columns, {2, 3})), w, b), of(y, {3, 1}));
    const Gradients g = backward(loss);
    return std::vector<double>{loss.item(), g.of(w).item({0, 0}), g.of(w).item({0, 1}), g.of(b).item({0})};
  };
  const auto old = run({1, 2}, 2, {1, 2, -1, 3, 4, -3.2}, {1, 0, 1});
  CHECK(old[0] == doctest::Approx(5.801545319394553).epsilon(1e-12));
  CHECK(old[1] == doctest::Approx(0.99845601).epsilon(1e-8));
  CHECK(old[2] == doctest::Approx(2.39507239).epsilon(1e-8));
  CHECK(old[3] == doctest::Approx(0.001455578136784208).epsilon(1e-12));
  const auto now = run({1, 2}, 1.5, {1, -2, -1, 3, .5, -3.2}, {1, 1, 0});
  CHECK(now[0] == doctest::Approx(0.15900537707692405).epsilon(1e-12));
  CHECK(now[1] == doctest::Approx(0.25071532).epsilon(1e-7));
  CHECK(now[2] == doctest::Approx(-0.06604096).epsilon(1e-7));
  CHECK(now[3] == doctest::Approx(-0.1250040450043965).epsilon(1e-12));
}

TEST_CASE("D1W4-A1: linear and activation forward and backward") {
  {
    numpy::RandomState random(1);
    const Tensor a = normal(random, {3, 2}), w = normal(random, {1, 3}), b = normal(random, {1});
    CHECK(is_near(linear(transpose(a), w, b), {3.26295337, -1.23429987}));
  }
  {
    numpy::RandomState random(2);
    const Tensor a = normal(random, {3, 2}), w = normal(random, {1, 3}), b = normal(random, {1});
    CHECK(is_near(linear(transpose(a), w, b, LinearActivation::sigmoid), {0.96890023, 0.11013289}));
    CHECK(is_near(linear(transpose(a), w, b, LinearActivation::relu), {3.43896131, 0}));
  }
  numpy::RandomState random(1);  // the labs divide by the number of examples
  const Tensor dz = normal(random, {3, 4}), a = watched(normal(random, {5, 4})),
               w = watched(normal(random, {3, 5})), b = watched(normal(random, {3}));
  const Tensor z = linear(transpose(a), w, b);
  const Gradients g = backward(z, {.gradient = transpose(dz).contiguous()});
  CHECK(is_near(g.of(a).slice(0, 0, 1), {-1.15171336, 0.06718465, -0.3204696, 2.09812712}));
  CHECK(is_near(g.of(w).slice(0, 0, 1) / 4, {0.07313866, -0.0976715, -0.87585828, 0.73763362, 0.00785716}));
  CHECK(is_near(g.of(b) / 4, {-0.14713786, -0.11313155, -0.13209101}));
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

TEST_CASE("quizzes: transposed convolution") {
  const Tensor x = of({1, 2, 3, 4}, {1, 2, 2, 1});
  const Tensor w = of({1, 0, -1, 1, 0, -1, 1, 0, -1}, {1, 3, 3, 1});
  const Tensor y = conv_transpose2d(x, w, {.stride = 2, .padding = 1, .output_padding = 1});
  CHECK(y.shape() == Shape{1, 4, 4, 1});
  CHECK(is_near(y, {0, 1, 0, -2, 0, 2, 0, -6, 0, 1, 0, -4, 0, 1, 0, -4}, 0));
}
