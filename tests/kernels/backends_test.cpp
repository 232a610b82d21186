// Every faster kernel against the plain reference in f64, on shapes that networks have, and its bytes for
// several numbers of threads.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/catalogue.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/norm.h"
#include "cairn/ops/pool2d.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/precision.h"
#include "cairn/tensor/samples.h"
#include "cairn/tensor/slots.h"
#include "tests/support/same_bytes.h"

using namespace cairn;
using cairn::testing::same_bytes;

namespace {

struct Case {
  const char* op;
  Sample sample;
};

std::span<const Tensor> span_of(const Tensors& t) { return {t.data(), t.size()}; }

Tensors outputs(const OpDef& op, const Tensors& in, const Attributes& attributes) {
  Tensors out;
  for (const TensorSpec& s : op.infer({span_of(in), attributes, op.name}))
    out.push_back(Tensor::empty(s.shape, s.dtype));
  return out;
}
Tensors as_f32(const Tensors& in) {
  Tensors all;
  for (const Tensor& t : in) all.push_back(t.dtype() == DType::f64 ? t.to(DType::f32) : t);
  return all;
}

// The largest difference, as a share of the largest number expected.
double worst(const Tensor& found, const Tensor& expected) {
  const Tensor a = found.to(DType::f64), b = expected.to(DType::f64);
  const auto x = a.data<double>(), y = b.data<double>();
  double off = 0, scale = 1e-30;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) != std::isnan(y[i])) return INFINITY;
    if (std::isnan(y[i]) || x[i] == y[i]) continue;
    off = std::max(off, std::abs(x[i] - y[i]));
    scale = std::max(scale, std::abs(y[i]));
  }
  return off / scale;
}

using C = Conv2dAttributes;
using P = Pool2dAttributes;

// Convolution of n images of h x h with c channels by o filters of k x k, and both gradients.
void add_conv(std::vector<Case>& all, std::int64_t n, std::int64_t h, std::int64_t c, std::int64_t o, int k,
              C at) {
  const Tensor x = uniform({n, h, h, c}, -1, 1), w = uniform({o, k, k, c / at.groups}, -1, 1),
               b = uniform({o}, -1, 1);
  all.push_back({"conv2d", {{x, w, b}, at}});
  C plain = at;
  plain.relu = false;
  const Tensors in{x, w};
  const Shape made = op_named("conv2d").infer({span_of(in), plain, "conv2d"})[0].shape;
  const Tensor g = uniform(made, -1, 1);
  C back = plain;
  back.rows = back.columns = static_cast<std::int32_t>(h);
  all.push_back({"conv2d_data_gradient", {{g, w}, back}});
  back.rows = back.columns = k;
  all.push_back({"conv2d_weight_gradient", {{x, g}, back}});
}

std::vector<Case> cases() {
  std::vector<Case> all;
  add_conv(all, 9, 14, 1, 32, 3, C{1, 1, 1, 1, 1, 1});  // first layers
  add_conv(all, 5, 17, 3, 16, 3, C{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, true});
  add_conv(all, 2, 33, 3, 24, 7, C{2, 2, 3, 3, 3, 3});
  add_conv(all, 11, 12, 32, 64, 3, C{1, 1, 0, 0, 0, 0});
  add_conv(all, 3, 9, 16, 32, 1, C{2, 2});
  add_conv(all, 4, 8, 20, 13, 3, C{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, true});  // no round numbers of channels
  add_conv(all, 4, 9, 32, 32, 3, C{1, 1, 1, 1, 1, 1, 1, 1, 32});             // depthwise
  add_conv(all, 4, 9, 16, 24, 3, C{1, 1, 2, 2, 2, 2, 2, 2, 4});              // groups, dilation
  add_conv(all, 3, 8, 8, 8, 3, C{2, 2, 0, 1, 0, 1});                         // padding of one side
  // Few images in bands of rows: padding on both ends, steps of two, taps apart, nothing but the images.
  add_conv(all, 1, 30, 16, 32, 3, C{1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, true});
  add_conv(all, 1, 61, 3, 48, 7, C{2, 2, 3, 3, 3, 3});
  add_conv(all, 2, 33, 16, 40, 3, C{1, 1, 2, 2, 2, 2, 2, 2});
  add_conv(all, 3, 25, 32, 32, 5, C{1, 1, 0, 0, 0, 0});
  add_conv(all, 1, 40, 32, 32, 3, C{2, 2, 0, 1, 0, 1});
  add_conv(all, 1, 12, 64, 64, 3, C{1, 1, 9, 9, 1, 1});  // more zeros than a band has rows
  // Tiles of 4 x 4 results: none whole, whole ones alone, several strips of filters, channels beyond vectors.
  add_conv(all, 36, 3, 16, 16, 3, C{1, 1, 1, 1, 1, 1});
  add_conv(all, 2, 18, 32, 80, 3, C{1, 1, 0, 0, 0, 0});
  add_conv(all, 2, 12, 24, 24, 3, C{1, 1, 9, 9, 1, 1});  // tiles of nothing but zeros
  add_conv(all, 10, 13, 37, 43, 3, C{1, 1, 2, 0, 0, 2, 1, 1, 1, 0, 0, true});
  const Tensor images = distinct({5, 12, 12, 19}, -2, 3), pooled = uniform({5, 6, 6, 19}, -1, 1);
  const Tensor overlapped = uniform({5, 6, 6, 19}, -1, 1);
  const P two{2, 2, 2, 2}, three{3, 3, 2, 2, 1, 0, 1, 0};
  P two_back = two, three_back = three;
  two_back.rows = two_back.columns = three_back.rows = three_back.columns = 12;
  all.push_back({"max_pool2d", {{images}, two}});
  all.push_back({"max_pool2d", {{images}, three}});
  all.push_back({"max_pool2d_gradient", {{pooled, images}, two}});
  all.push_back({"max_pool2d_gradient", {{overlapped, images}, three}});
  all.push_back({"average_pool2d", {{images}, two}});
  all.push_back({"average_pool2d", {{images}, three}});
  all.push_back({"average_pool2d_gradient", {{pooled}, two_back}});
  all.push_back({"average_pool2d_gradient", {{overlapped}, three_back}});
  const Tensor x = uniform({7, 31, 29, 21}, 40, 43), g = uniform({7, 31, 29, 21}, -1, 1);  // far from 0
  const Tensor gamma = uniform({21}, 0.5, 1.5), beta = uniform({21}, -1, 1), mean = uniform({21}, 41, 42),
               variance = uniform({21}, 0.5, 1), result = uniform(x.shape(), -1, 1);
  all.push_back({"batch_norm", {{x, gamma, beta}, NormAttributes{}}});
  all.push_back({"batch_norm_relu", {{x, gamma, beta, g}, NormAttributes{1e-5, true}}});
  all.push_back({"batch_norm_gradient", {{g, x, gamma, mean, variance}, NormAttributes{}}});
  all.push_back({"batch_norm_relu_gradient", {{g, x, gamma, beta, mean, variance}, NormAttributes{}}});
  all.push_back({"batch_norm_add_relu_gradient", {{g, x, gamma, result, mean, variance}, NormAttributes{}}});
  all.push_back({"gate", {{g, result}, SlopeAttributes{0.3}}});
  all.push_back({"batch_norm_inference", {{x, gamma, beta, mean, variance}, NormAttributes{}}});
  all.push_back({"batch_norm_inference", {{x, gamma, beta, mean, variance, g}, NormAttributes{1e-5, true}}});
  const Tensor rows = uniform({301, 77}, 2, 4), rows_g = uniform({301, 77}, -1, 1);
  const Tensor wide = uniform({77}, 0.5, 1.5);
  all.push_back({"layer_norm", {{rows, wide, wide}, NormAttributes{}}});
  all.push_back(
      {"layer_norm_gradient",
       {{rows_g, rows, wide, uniform({301}, 2.9, 3.1), uniform({301}, 0.3, 0.4)}, NormAttributes{}}});
  for (std::int8_t f = 0; f < 4; ++f)
    all.push_back({"linear",
                   {{uniform({300, 70}, -1, 1), uniform({515, 70}, -1, 1), uniform({515}, -1, 1)},
                    LinearAttributes{f}}});
  all.push_back({"linear", {{uniform({3, 70}, -1, 1), uniform({1, 70}, -1, 1)}, LinearAttributes{}}});
  for (const std::int64_t few : {1, 2, 4})
    all.push_back({"linear",
                   {{uniform({few, 2051}, -1, 1), uniform({523, 2051}, -1, 1), uniform({523}, -1, 1)},
                    LinearAttributes{1}}});
  const Tensor plane = uniform({301, 233}, -1, 1), other = uniform({301, 233}, 0.5, 1);
  for (const char* name : {"add", "subtract", "multiply", "divide"}) {
    all.push_back({name, {{plane, other}}});
    all.push_back({name, {{plane, uniform({}, 1, 2)}}});
    all.push_back({name, {{uniform({1}, 1, 2), other}}});
  }
  all.push_back({"matmul", {{uniform({250, 300}, -1, 1), uniform({300, 130}, -1, 1)}}});
  all.push_back(
      {"matmul", {{uniform({300, 257}, -1, 1).transpose(), uniform({130, 300}, -1, 1).transpose()}}});
  for (const char* name : {"exp", "tanh", "sigmoid", "silu", "gelu", "relu"})
    all.push_back({name, {{uniform({70000}, -9, 9)}}});
  all.push_back({"log", {{uniform({70000}, 1e-6, 50)}}});
  const Tensor logits = uniform({401, 53}, -30, 30), targets = whole_numbers({401}, 53);
  all.push_back({"softmax", {{logits}, SoftmaxAttributes{}}});
  all.push_back({"log_softmax", {{logits}, SoftmaxAttributes{1}}});
  for (std::int8_t r = 0; r < 3; ++r) {
    const ClassLossAttributes at{r == 0 ? 0.0 : 0.1, 7, r};
    all.push_back({"cross_entropy", {{logits, targets}, at}});
    all.push_back(
        {"cross_entropy_gradient", {{uniform(r == 2 ? Shape{401} : Shape{}, 1, 2), logits, targets}, at}});
  }
  return all;
}

}  // namespace

TEST_CASE(
    "every kernel agrees with the reference in f64, and gives the same bytes for any number of threads") {
  int ran = 0;
  std::map<const KernelSlot*, bool> covered;
  for (const Case& c : cases()) {
    const OpDef& op = op_named(c.op);
    const Tensors in = as_f32(c.sample.in);
    std::string shapes;
    for (const Tensor& t : in) shapes += " " + t.text();
    CAPTURE(std::string(c.op) + shapes);
    Tensors exact_in;
    for (const Tensor& t : in) exact_in.push_back(is_floating(t.dtype()) ? t.to(DType::f64) : t);
    Tensors expected = outputs(op, exact_in, c.sample.attributes);
    if (op.cpu)
      op.cpu({span_of(exact_in), {expected.data(), expected.size()}, c.sample.attributes});
    else
      expected = op.composed({span_of(exact_in), c.sample.attributes, op.name});
    bool taken = std::ranges::none_of(
        kCpuSlots[op.slot], [](const KernelSlot& slot) { return slot.precision == Precision::f32; });
    for (const KernelSlot& slot : kCpuSlots[op.slot]) {
      CAPTURE(std::string(slot.name));
      const bool rounds = slot.precision == Precision::bf16;
      if (rounds && !why_no_bf16().empty()) continue;
      Tensors first;
      for (const int threads : {1, 2, 7}) {
        set_num_threads(threads);
        Tensors out = outputs(op, in, c.sample.attributes);
        const KernelArgs k{span_of(in), {out.data(), out.size()}, c.sample.attributes};
        if (!slot.supports(k)) break;
        slot.run(k);
        if (threads == 1) {
          // bf16 keeps 8 bits: each factor is off by up to 2^-9 of itself, sums of many by more of a small
          // result.
          for (std::size_t i = 0; i < out.size(); ++i)
            CHECK(worst(out[i], expected[i]) < (rounds ? 1.0 / 32 : 5e-6));
          taken = taken || !rounds;
          covered[&slot] = true;
          ++ran;
          first = out;
        }
        for (std::size_t i = 0; i < out.size(); ++i)
          CHECK(std::memcmp(first[i].raw(), out[i].raw(), static_cast<std::size_t>(out[i].size()) * 4) == 0);
      }
      set_num_threads(2);
    }
    CHECK(taken);  // these are shapes that the fast kernels are for
    if (op.over == kOverNone) continue;
    const Tensors apart = apply(op, span_of(in), c.sample.attributes),
                  over = apply_giving(op, as_f32(c.sample.in), c.sample.attributes);
    for (std::size_t i = 0; i < apart.size(); ++i) CHECK(same_bytes(over[i], apart[i]));
  }
  CHECK(ran >= 30);
  for (const SlotRow& row : kCpuSlots.rows)  // a kernel without a case cannot hide
    for (const KernelSlot& slot : row) {
      CAPTURE(slot.name);
      CAPTURE(&row - kCpuSlots.rows);
      CHECK((covered[&slot] || (slot.precision == Precision::bf16 && !why_no_bf16().empty())));
    }
  if (!why_no_bf16().empty()) MESSAGE("bf16 is not tried: ", why_no_bf16());
}

TEST_CASE("convolution of few pictures: the same bytes for one alone and among others") {
  const Tensor x = uniform({7, 23, 19, 12}, -1, 1, DType::f32),
               w = uniform({37, 3, 3, 12}, -1, 1, DType::f32);
  const Conv2dOptions at{.stride = 2, .padding = 1};
  const Tensor all = conv2d(x, w, at);
  for (std::int64_t i = 0; i < 7; ++i)
    CHECK(worst(conv2d(x.slice(0, i, i + 1), w, at), all.slice(0, i, i + 1)) == 0);
}

TEST_CASE("element-wise kernels at the ends of the numbers") {
  constexpr float kInf = std::numeric_limits<float>::infinity(),
                  kNan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::from(std::vector<float>{0.f, -0.f, kInf, -kInf, kNan, 88.f, 89.f, 200.f, -87.f,
                                                   -104.f, -1e30f, 1e30f, 1e-40f, 1e-30f, 1.f, -1.f, 3e38f});
  for (const char* name : {"exp", "log", "tanh", "sigmoid", "silu", "gelu", "relu"}) {
    const OpDef& op = op_named(name);
    const Tensors in{x};
    Tensors expected = outputs(op, in, {});
    op.cpu({span_of(in), {expected.data(), 1}, {}});
    for (const KernelSlot& slot : kCpuSlots[op.slot]) {
      Tensors out = outputs(op, in, {});
      slot.run({span_of(in), {out.data(), 1}, {}});
      for (std::int64_t i = 0; i < x.size(); ++i) {
        CAPTURE(name);
        CAPTURE(x.item({i}));
        const double a = out[0].item({i}), b = expected[0].item({i});
        if (std::isnan(b))
          CHECK(std::isnan(a));
        else
          CHECK(
              (a == b || std::abs(a - b) <= 1e-6 * std::max(1e-30, std::abs(b)) || std::abs(a - b) < 1e-37));
      }
    }
  }
}

TEST_CASE("pooling gives a NaN on, and its gradient to it") {
  Tensor x = Tensor::full({1, 2, 2, 9}, 1, DType::f32);
  x.mutable_data<float>()[9] = std::nanf("");
  const Tensor y = max_pool2d(x, 2);
  CHECK(std::isnan(y.item({0, 0, 0, 0})));
  CHECK(y.item({0, 0, 0, 1}) == 1);
}

TEST_CASE("bf16: products are taken where a scope asks for them, and only there") {
  const Tensor x = uniform({256, 300}, -1, 1, DType::f32), w = uniform({128, 300}, -1, 1, DType::f32);
  const OpDef& op = op_named("linear");
  const Tensors in{x, w};
  CHECK(std::string(chosen_kernel(op, span_of(in), LinearAttributes{})) == "simd");
  if (!why_no_bf16().empty()) {
    CHECK_THROWS_WITH_AS(PrecisionScope(Precision::bf16, "--precision"),
                         doctest::Contains("--precision: bf16 is asked for, and this"), UsageError);
    return;
  }
  const Tensor exact = linear(x, w);
  {
    const PrecisionScope scope(Precision::bf16);
    CHECK(matrix_precision() == Precision::bf16);
    CHECK(std::string(chosen_kernel(op, span_of(in), LinearAttributes{})) == "onednn_bf16");
    const Tensor rounded = linear(x, w);
    const double off = worst(rounded, exact);
    CHECK(off > 1e-5);
    CHECK(off < 1.0 / 128);
    const Tensors few{x.slice(0, 0, 1), w};
    CHECK(std::string(chosen_kernel(op, span_of(few), LinearAttributes{})) == "simd");
    const Tensors doubles{x.to(DType::f64), w.to(DType::f64)};
    CHECK(std::string(chosen_kernel(op, span_of(doubles), LinearAttributes{})) == "reference");
  }
  CHECK(matrix_precision() == Precision::f32);
  CHECK(worst(linear(x, w), exact) == 0);
}
