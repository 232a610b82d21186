// The transposed convolution's layer: values by hand, its rule for sizes, what it refuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/nn/conv_transpose.h"
#include "cairn/nn/network.h"
#include "cairn/ops/conv2d.h"
#include "cairn/run/network_summary.h"

using namespace cairn;

namespace {

ConvTranspose2d layer(ConvTranspose2dParams params, const std::vector<double>& weight,
                      const std::vector<double>& bias) {
  ConvTranspose2d made(std::move(params));
  convert(made, DType::f64);
  made.weight().set(Tensor::from(weight).reshape(made.weight().shape()));
  if (!bias.empty()) made.bias().set(Tensor::from(bias));
  return made;
}
std::vector<double> numbers(const Tensor& t) {
  const Tensor whole = t.detach().contiguous();
  return {whole.data<double>().begin(), whole.data<double>().end()};
}
const Tensor& image() {  // 1 2 / 3 4
  static const Tensor x = Tensor::from(std::vector<double>{1, 2, 3, 4}).reshape({1, 2, 2, 1});
  return x;
}

}  // namespace

TEST_CASE("conv_transpose2d: windows that overlap add up, every channel of the result has its bias") {
  // The second filter is the first one's negative.
  const auto net = layer({.in = 1, .out = 2, .kernel = 2}, {1, -1, 2, -2, 3, -3, 4, -4}, {0.5, 1});
  const std::vector<double> sums{1, 4, 4, 6, 20, 16, 9, 24, 16};
  std::vector<double> expected;
  for (const double s : sums) {
    expected.push_back(s + 0.5);
    expected.push_back(1 - s);
  }
  CHECK(numbers(net(image())) == expected);
  CHECK(net.output_shape({2, 2, 1}) == Shape{3, 3, 2});
  CHECK(net.multiply_adds({2, 2, 1}) == 2 * 2 * 2 * 2 * 2);
  // A row and a column off on every side leaves the middle.
  const auto middle = layer({.in = 1, .out = 1, .kernel = 2, .padding = "1"}, {1, 2, 3, 4}, {0});
  CHECK(numbers(middle(image())) == std::vector<double>{20});
}

TEST_CASE("conv_transpose2d: groups do not see each other; dilation and stride set pixels apart") {
  const Tensor x = Tensor::from(std::vector<double>{1, 10, 2, 20}).reshape({1, 1, 2, 2});
  const auto apart =
      layer({.in = 2, .out = 2, .kernel = 1, .stride = 2, .groups = 2, .bias = false}, {3, 5}, {});
  CHECK(numbers(apart(x)) == std::vector<double>{3, 50, 0, 0, 6, 100});
  const auto wide = layer({.in = 1, .out = 1, .kernel = 2, .dilation = 2, .bias = false}, {1, 2, 3, 4}, {});
  CHECK(numbers(wide(image())) == std::vector<double>{1, 2, 2, 4, 3, 4, 6, 8, 3, 6, 4, 8, 9, 12, 12, 16});
}

TEST_CASE("conv_transpose2d: padding same gives pixels times stride, wherever the window's reach lies") {
  const auto spread = layer({.in = 1, .out = 1, .kernel = 1, .stride = 3, .padding = "same"}, {2}, {0});
  std::vector<double> expected(36, 0.0);
  expected[0] = 2;
  expected[3] = 4;
  expected[18] = 6;
  expected[21] = 8;
  CHECK(numbers(spread(image())) == expected);
  for (const std::int64_t kernel : {1, 2, 3, 4, 5})
    for (const std::int64_t stride : {1, 2, 3, 4})
      for (const std::int64_t dilation : {1, 2})
        for (const std::int64_t more : {0, 1}) {
          CAPTURE(kernel);
          CAPTURE(stride);
          CAPTURE(dilation);
          CAPTURE(more);
          if (more >= std::min(stride, dilation * (kernel - 1) + 1)) continue;
          ConvTranspose2d net({.in = 1,
                               .out = 1,
                               .kernel = kernel,
                               .stride = stride,
                               .dilation = dilation,
                               .padding = "same",
                               .output_padding = more});
          initialise(net, 1);
          const std::int64_t side = 4 * stride + more;
          CHECK(net.output_shape({4, 4, 1}) == Shape{side, side, 1});
          CHECK(net(Tensor::full({1, 4, 4, 1}, 1, DType::f32)).shape() == Shape{1, side, side, 1});
        }
}

TEST_CASE("conv_transpose2d: what it refuses, as layer and as operation, in one text") {
  CHECK_THROWS_WITH_AS(ConvTranspose2d({.in = 3, .out = 4, .groups = 2}),
                       "conv_transpose2d.groups = 2 does not divide in = 3 and out = 4", ParamError);
  CHECK_THROWS_WITH_AS(ConvTranspose2d({.in = 1, .out = 1, .stride = 2, .output_padding = 2}),
                       "conv_transpose2d.output_padding = 2 is not smaller than stride = 2", ParamError);
  const ConvTranspose2d small({.in = 1, .out = 1, .kernel = 2, .padding = "2"});
  const char* none =
      "conv_transpose2d: 2 rows or columns become -1; images have at least 1. Take less off, or a larger "
      "window.";
  CHECK_THROWS_WITH_AS(small.output_shape({2, 2, 1}), none, ShapeError);
  CHECK_THROWS_WITH_AS(small(Tensor::full({1, 2, 2, 1}, 1, DType::f32)), none, ShapeError);
  CHECK_THROWS_WITH_AS(small.output_shape({2, 2, 3}),
                       "conv_transpose2d: a sample of [2, 2, 3] comes in; its channels should be 1",
                       ShapeError);
  const ConvTranspose2d large({.in = 1, .out = 1, .kernel = 4, .stride = 10});
  CHECK_THROWS_WITH_AS(
      large.output_shape({1'000'000'000, 1, 1}),
      "conv_transpose2d: 1000000000 rows or columns become 9999999994; images have at most 2147483647",
      ShapeError);
  CHECK_THROWS_WITH_AS(
      large.output_shape({std::numeric_limits<std::int64_t>::max(), 1, 1}),
      "conv_transpose2d: 9223372036854775807 rows or columns become more than can be; images "
      "have at most 2147483647",
      ShapeError);
  const ConvTranspose2d beside(
      {.in = 1, .out = 1, .kernel = 1, .stride = 3, .padding = "same", .output_padding = 1});
  CHECK_THROWS_WITH_AS(beside.output_shape({2, 2, 1}),
                       "conv_transpose2d: output_padding = 1 is outside [0, the window's reach = 1)",
                       ShapeError);
  const Tensor x = Tensor::full({1, 2, 2, 1}, 1, DType::f32);
  CHECK_THROWS_WITH_AS(conv_transpose2d(x, x, {.stride = 2, .output_padding = 2}),
                       "conv_transpose2d: output_padding = 2 is outside [0, stride = 2)", ShapeError);
}

TEST_CASE("network: counts beyond all numbers are the largest one, alone and together") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const Network net = Network::parse(R"({"input": [400000000, 1, 1000], "layers": [
      {"layer": "conv_transpose2d", "out": 1000, "kernel": 1000, "padding": "same", "bias": false},
      {"layer": "conv2d", "out": 1000, "kernel": 1000, "padding": "same", "bias": false},
      {"layer": "linear", "out": 1000000000, "bias": false}]})");
  for (const Network::Row& row : net.rows()) CHECK(row.multiply_adds == kMost);
  CHECK(net.summary().find("9223372036854775807\n") != std::string::npos);
  CHECK(net.summary().find('-', net.summary().find("total")) == std::string::npos);
  CHECK(network_to_json(net)["multiply_adds"] == kMost);
  const Network wide = Network::parse(R"({"input": [1, 1, 1000000], "layers": [
      {"layer": "conv2d", "out": 1000000, "kernel": 2000, "padding": "same", "bias": false},
      {"layer": "conv2d", "out": 1000000, "kernel": 2000, "padding": "same", "bias": false},
      {"layer": "conv2d", "out": 1000000, "kernel": 2000, "padding": "same", "bias": false}]})");
  CHECK(network_to_json(wide)["parameters"] == kMost);
}
