#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/module_path.h"
#include "cairn/tensor/view_ops.h"

using namespace cairn;

namespace {
Tensor plus(const Tensor& a, const Tensor& b) { return apply_one(kAccumulate, {a, b}); }
Tensor range(std::int64_t n) {
  std::vector<double> v;
  for (std::int64_t i = 0; i < n; ++i) v.push_back(static_cast<double>(i));
  return Tensor::from(v);
}
}  // namespace

TEST_CASE("gradients flow through views to the watched leaf and nowhere else") {
  const Tensor x = watched(range(6)), other = range(2);
  const Tensor part = x.reshape({2, 3}).transpose().slice(0, 1, 2).reshape({2});
  const Tensor y = plus(plus(part, other), part);
  const Gradients g = backward(y, {.gradient = Tensor::from(std::vector<double>{1, 10})});
  CHECK(g.size() == 1);
  const std::vector<double> expected{0, 2, 0, 0, 20, 0};
  for (std::int64_t i = 0; i < 6; ++i) CHECK(g.of(x).item({i}) == expected[static_cast<std::size_t>(i)]);
  CHECK_FALSE(g.of(x).on_tape());
  CHECK_THROWS_WITH(g.of(other), doctest::Contains("f64 [2] is not a watched tensor"));
}

TEST_CASE("a tape serves once unless it is kept") {
  const Tensor x = watched(range(1));
  const Tensor y = plus(x, x);
  CHECK(backward(y, {.keep_tape = true}).of(x).item() == 2);
  CHECK(backward(y).of(x).item() == 2);
  CHECK_THROWS_WITH(backward(y), doctest::Contains("used up by an earlier backward()"));
}

TEST_CASE("backward says what it lacks") {
  CHECK_THROWS_WITH(backward(range(1)), doctest::Contains("no watched tensor leads to the loss"));
  const Tensor x = watched(range(2));
  CHECK_THROWS_WITH(backward(plus(x, x)), doctest::Contains("the loss is f64 [2]; it must be one number"));
  CHECK_THROWS_AS(watched(Tensor::zeros({2}, DType::i64)), DTypeError);
  const NoGrad no_grad;
  CHECK_FALSE(plus(x, x).on_tape());
}

TEST_CASE("what is written by hand leaves the tape; a leaf stays a leaf") {
  Tensor x = watched(range(2));
  Tensor y = plus(x, x);
  y.mutable_data<double>()[0] = 5;
  CHECK_FALSE(y.on_tape());
  const Tensor before = plus(x, x);
  Tensor old = x;
  x.mutable_data<double>()[0] = 7;
  CHECK(x.on_tape());
  const Gradients g = backward(before, {.gradient = range(2)});
  CHECK(g.of(old).defined());
  CHECK_FALSE(g.of(x).defined());
}

TEST_CASE("leaves are ready once, by name, and what on_ready writes counts") {
  const Tensor a = watched(range(1), "fc.bias"), b = watched(range(1), "fc.weight");
  std::vector<std::string> names;
  const Gradients g =
      backward(plus(plus(a, b), a), {.on_ready = [&](std::string_view name, Tensor& gradient) {
                 names.emplace_back(name);
                 gradient = Tensor::full({1}, 9, DType::f64);
               }});
  CHECK(names.size() == 2);
  CHECK(g.of(a).item() == 9);
}

TEST_CASE("a long tape is let go without recursion") {
  Tensor y = watched(range(1));
  for (int i = 0; i < 300'000; ++i) y = plus(y, y);
  y = Tensor();
  CHECK_FALSE(y.defined());
}

TEST_CASE("errors name the place in the network") {
  const ModuleScope outer("encoder");
  const ModuleScope inner("fc1", "Linear 64 -> 10");
  CHECK_THROWS_WITH(range(6).reshape({4}),
                    doctest::Contains("in encoder.fc1 (Linear 64 -> 10): reshape: f64 [6] has 6 elements"));
}

TEST_CASE("memory is used again: a warm loop asks the system for nothing") {
  const auto step = [] {
    const Tensor x = watched(Tensor::zeros({100, 100}, DType::f64));
    return backward(plus(x, x), {.gradient = Tensor::zeros({100, 100}, DType::f64)});
  };
  step();
  step();
  const std::int64_t before = Storage::system_allocations();
  for (int i = 0; i < 10; ++i) step();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
  CHECK(Storage::system_allocations() == before);
#else
  CHECK(Storage::system_allocations() >= before);
#endif
}

TEST_CASE("the first operation that makes infinity is named") {
  set_check_finite(true);
  const Tensor x = Tensor::full({2}, 1e300, DType::f64);
  CHECK_THROWS_WITH(x.to(DType::f32),
                    doctest::Contains("made infinity at [0] of f32 [2] out of f64 [2] in [1e+300"));
  CHECK_THROWS_WITH(plus(x, Tensor::full({2}, std::nan(""), DType::f64)),
                    doctest::Contains("holds NaN at [0]"));
  set_check_finite(false);
}
