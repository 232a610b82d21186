// Operations against numbers worked out by hand or by plain loops; what every operation must keep is in
// tests/contract/ops_test.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "cairn/base/error.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/pool2d.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/module_path.h"
#include "cairn/tensor/samples.h"

using namespace cairn;

namespace {

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return Tensor::from(values).reshape(shape);
}
std::vector<double> values_of(const Tensor& t) {
  const Tensor d = t.to(DType::f64).contiguous();
  return {d.data<double>().begin(), d.data<double>().end()};
}
using Values = std::vector<double>;

}  // namespace

TEST_CASE("arithmetic broadcasts as NumPy does") {
  const Tensor a = numbers({1, 2, 3, 4, 5, 6}, {2, 3}), row = numbers({10, 20, 30}, {3}),
               column = numbers({1, 2}, {2, 1});
  CHECK(values_of(a + row) == Values{11, 22, 33, 14, 25, 36});
  CHECK(values_of(column * row) == Values{10, 20, 30, 20, 40, 60});
  CHECK(values_of(2.0 / numbers({1, 4}, {2}) - 1.0) == Values{1, -0.5});
  CHECK(values_of(maximum(a, numbers({3}, {}))) == Values{3, 3, 3, 4, 5, 6});
  CHECK(std::isnan(maximum(numbers({NAN}, {}), numbers({3}, {})).item()));
}

TEST_CASE("integers add, compare and index") {
  const Tensor a = Tensor::from(std::vector<std::int64_t>{5, 1, 4}),
               b = Tensor::from(std::vector<std::int64_t>{5, 2, 3});
  CHECK(values_of(a + b) == Values{10, 3, 7});
  CHECK(values_of(less(a, b)) == Values{0, 1, 0});
  CHECK(sum(a).item() == 10);
  CHECK(argmax(a, 0).item() == 0);
  CHECK(values_of(one_hot(Tensor::from(std::vector<std::int64_t>{2, 0}), 3)) == Values{0, 0, 1, 1, 0, 0});
}

TEST_CASE("reductions give the known numbers") {
  const Tensor a = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(sum(a).item() == 21);
  CHECK(values_of(mean(a, 0)) == Values{2.5, 3.5, 4.5});
  CHECK(values_of(var(a, 1, false, 1)) == Values{1, 1});
  CHECK(prod(a).item() == 720);
  CHECK(values_of(cumsum(a, 1)) == Values{1, 3, 6, 4, 9, 15});
  CHECK(logsumexp(numbers({1000, 1000}, {2})).item() == doctest::Approx(1000 + std::log(2)));
  CHECK(norm(numbers({3, 4}, {2})).item() == 5);
  CHECK_THROWS_WITH(mean(Tensor::zeros({0}, DType::f64)), "mean: the axes reduced of f64 [0] hold nothing");
  const Tensor zero = watched(Tensor::zeros({2}, DType::f64));
  CHECK(values_of(backward(norm(zero)).of(zero)) == Values{0, 0});
}

TEST_CASE("softmax is right far from 0 and its Jacobian is the textbook's") {
  const Tensor y = softmax(numbers({1000, 1000, -1000}, {3}));
  CHECK(values_of(y) == Values{0.5, 0.5, 0});
  CHECK(values_of(softmax_jacobian(y)) == Values{0.25, -0.25, 0, -0.25, 0.25, 0, 0, 0, 0});
  CHECK(log_softmax(numbers({0, -800}, {2})).item({1}) == doctest::Approx(-800));
  CHECK(values_of(softplus(numbers({800, -800}, {2}))) == Values{800, 0});
  CHECK(values_of(relu6(numbers({-1, 3, 9}, {3}))) == Values{0, 3, 6});
  CHECK(values_of(hard_sigmoid(numbers({-4, 0, 4}, {3}))) == Values{0, 0.5, 1});
  CHECK(gelu(numbers({1}, {})).item() == doctest::Approx(0.8413447460685429));
  CHECK(mish(numbers({1}, {})).item() == doctest::Approx(0.8650983882673103));
  CHECK(selu(numbers({-1}, {})).item() == doctest::Approx(-1.1113307378125625));
}

TEST_CASE("matmul of many tiles, transposed or not, is the sum of products") {
  const Tensor a = uniform({300, 70}, -1, 1), b = uniform({70, 520}, -1, 1);
  const Tensor y = matmul(a, b);
  CHECK(values_of(y - matmul(transpose(transpose(a).contiguous()), transpose(transpose(b).contiguous()))) ==
        Values(300 * 520, 0.0));
  for (const std::int64_t i : {0, 131, 299})
    for (const std::int64_t j : {0, 257, 519}) {
      double expected = 0;
      for (std::int64_t k = 0; k < 70; ++k) expected += a.item({i, k}) * b.item({k, j});
      CHECK(y.item({i, j}) == doctest::Approx(expected));
    }
  CHECK(matmul(numbers({1, 2}, {2}), numbers({3, 4}, {2})).item() == 11);
  CHECK(values_of(matmul(numbers({1, 2, 3, 4}, {2, 2}), numbers({1, 1}, {2}))) == Values{3, 7});
  CHECK(matmul(uniform({4, 5, 6}, 0, 1), uniform({6, 2}, 0, 1)).shape() == Shape{4, 5, 2});
}

TEST_CASE("einsum names axes") {
  const Tensor a = uniform({2, 3, 4}, -1, 1), b = uniform({2, 4, 5}, -1, 1), v = uniform({3}, -1, 1);
  CHECK(values_of(einsum("bij,bjk->bik", {a, b})) == values_of(matmul(a, b)));
  CHECK(values_of(einsum("ij->ji", {numbers({1, 2, 3, 4}, {2, 2})})) == Values{1, 3, 2, 4});
  CHECK(einsum("ij->", {numbers({1, 2, 3, 4}, {2, 2})}).item() == 10);
  CHECK(values_of(einsum("i,j", {numbers({1, 2}, {2}), numbers({3, 4}, {2})})) == Values{3, 4, 6, 8});
  const Tensor three = einsum("bij,bjk,i->kb", {a, b, v});
  CHECK(three.shape() == Shape{5, 2});
  double expected = 0;
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 4; ++j) expected += a.item({1, i, j}) * b.item({1, j, 2}) * v.item({i});
  CHECK(three.item({2, 1}) == doctest::Approx(expected));
  CHECK_THROWS_WITH(einsum("ij,jk->ik", {a, b}), "einsum: 'ij' names 2 axes and tensor 1 is f64 [2, 3, 4]");
  CHECK_THROWS_WITH(einsum("i,i->i", {v, uniform({4}, 0, 1)}), "einsum: 'i' is 3 long and 4 long");
  CHECK_THROWS_WITH(einsum("ii->i", {uniform({2, 2}, 0, 1)}),
                    "einsum: 'i' stands twice in 'ii'; diagonals are not taken");
}

TEST_CASE("shapes: joins, cuts and turns") {
  const Tensor a = numbers({1, 2, 3, 4}, {2, 2});
  CHECK(values_of(concatenate({a, a}, 1)) == Values{1, 2, 1, 2, 3, 4, 3, 4});
  CHECK(stack({a, a}, 1).shape() == Shape{2, 2, 2});
  CHECK(values_of(flip(a, 0)) == Values{3, 4, 1, 2});
  CHECK(values_of(repeat(a, 2, 1)) == Values{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK(values_of(tril(a)) == Values{1, 0, 3, 4});
  CHECK(values_of(triu(a, 1)) == Values{0, 2, 0, 0});
  CHECK(values_of(split(a, 2, 1)[1]) == Values{2, 4});
  CHECK_THROWS_WITH(split(a, 3, 0),
                    doctest::Contains("axis 0 of f64 [2, 2] does not fall into 3 equal parts"));
  CHECK(squeeze(expand_dims(a, 1)).shape() == Shape{2, 2});
}

TEST_CASE("adaptive pooling takes windows that overlap where the image is no multiple of the result") {
  const Tensor x = numbers({9, 1, 2, 3, 8, 4, 5, 6, 7}, {1, 3, 3, 1});
  CHECK(values_of(adaptive_max_pool2d(x, 2)) == Values{9, 8, 8, 8});
  CHECK(values_of(adaptive_average_pool2d(x, 2)) == Values{5.25, 3.75, 5.5, 6.25});
  CHECK(values_of(adaptive_max_pool2d(numbers({1, 5, 2, 4, 3}, {1, 1, 5, 1}), {1, 3})) == Values{5, 5, 4});
  CHECK(values_of(adaptive_average_pool2d(numbers({1, 5, 3, 4, 2}, {1, 1, 5, 1}), {1, 3})) ==
        Values{3, 4, 3});
}

TEST_CASE("scatter puts numbers in their places; one that is named twice is told with both") {
  const Tensor x = numbers({1, 2, 3, 4, 5, 6}, {2, 3});
  const auto places = [](std::vector<std::int64_t> at, const Shape& shape) {
    return Tensor::from(at).reshape(shape);
  };
  CHECK(values_of(scatter(x, places({2, 0}, {2, 1}), numbers({9, 8}, {2, 1}), 1)) ==
        Values{1, 2, 9, 8, 5, 6});
  CHECK(values_of(scatter(x, places({1, 0, 1}, {1, 3}), numbers({7, 8, 9}, {1, 3}), 0)) ==
        Values{1, 8, 3, 7, 5, 9});
  CHECK_THROWS_WITH_AS(
      scatter(x, places({0, 1, 2, 0, 2, 0}, {2, 3}), x, 1),
      "scatter: the index names 0 of axis 1 twice, the second time at [1, 2]; every place takes "
      "one number of the source. scatter_add adds what falls together.",
      ShapeError);
}

TEST_CASE("a network learns, and once warm a step asks the system for no memory") {
  Tensor w1 = watched(uniform({2, 16}, -1, 1, DType::f32), "fc1.weight");
  Tensor b1 = watched(Tensor::zeros({16}, DType::f32), "fc1.bias");
  Tensor w2 = watched(uniform({16, 1}, -1, 1, DType::f32), "fc2.weight");
  const Tensor x = numbers({0, 0, 0, 1, 1, 0, 1, 1}, {4, 2}).to(DType::f32);  // exclusive or
  const Tensor y = numbers({0, 1, 1, 0}, {4, 1}).to(DType::f32);
  double loss_value = 1;
  [[maybe_unused]] std::int64_t warm = 0;
  for (int step = 0; step < 1000; ++step) {
    const Tensor loss = mean(square(matmul(tanh(matmul(x, w1) + b1), w2) - y));
    loss_value = loss.item();
    const Gradients g = backward(loss);
    for (Tensor* p : {&w1, &b1, &w2}) {
      const Tensor gradient = g.of(*p);
      const auto from = gradient.contiguous();
      const auto to = p->mutable_data<float>();
      for (std::size_t i = 0; i < to.size(); ++i) to[i] -= 0.1F * from.data<float>()[i];
    }
    if (step == 10) warm = Storage::system_allocations();
  }
  CHECK(loss_value < 0.01);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
  CHECK(Storage::system_allocations() == warm);
#endif
}

TEST_CASE("what watches apply sees every operation") {
  struct Count : ApplyObserver {
    void begin(const OpDef& op, std::span<const Tensor>, const Attributes&) override { text += op.name; }
    void end(const OpDef&, std::span<const Tensor>, std::span<const Tensor> out, const Attributes&) override {
      text += out[0].shape().text() + " ";
    }
    std::string text;
  } count;
  sum(numbers({1, 2}, {2}) * 2.0);
  CHECK(count.text.find("scale[2] sum[] ") != std::string::npos);
}

TEST_CASE("NaN is named at the operation that made it, in the module where it stands") {
  set_check_finite(true);
  const ModuleScope scope("head", "Linear 2 -> 1");
  CHECK_THROWS_WITH(log(numbers({1, -1}, {2})),
                    "in head (Linear 2 -> 1): log: made NaN at [1] of f64 [2] out of f64 [2] in [-1, 1]");
  set_check_finite(false);
}
