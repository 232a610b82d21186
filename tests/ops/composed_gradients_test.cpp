// Functions that are chains of operations and have no record of their own: their gradients against central
// differences in f64, input by input.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/samples.h"

using namespace cairn;

namespace {

using Function = std::function<Tensor(const std::vector<Tensor>& in)>;

void check_gradients(const char* name, const Function& f, const std::vector<Tensor>& inputs) {
  CAPTURE(std::string(name));
  std::vector<Tensor> leaves;
  for (const Tensor& t : inputs) leaves.push_back(watched(t));
  const Tensor out = f(leaves);
  const Tensor weights = uniform(out.shape(), 0.5, 1.5);
  const Gradients g = backward(sum(out * weights));
  constexpr double kStep = 1e-6;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const Tensor gradient = g.of(leaves[k]).contiguous();
    REQUIRE(gradient.defined());
    for (std::int64_t i = 0; i < inputs[k].size(); ++i) {
      double at[2];
      for (const int side : {0, 1}) {
        std::vector<Tensor> moved = inputs;
        moved[k].mutable_data<double>()[static_cast<std::size_t>(i)] += side == 0 ? kStep : -kStep;
        at[side] = sum(f(moved) * weights).item();
      }
      CAPTURE(k);
      CAPTURE(i);
      CHECK(gradient.data<double>()[static_cast<std::size_t>(i)] ==
            doctest::Approx((at[0] - at[1]) / (2 * kStep)).epsilon(1e-7).scale(1));
    }
  }
}

}  // namespace

TEST_CASE("composed activations: gradients") {
  // No number at a corner: -3, -1, 0, 1, 3, 6.
  const Tensor x = distinct({3, 5}, -6.71, 7.37);
  const std::pair<const char*, Tensor (*)(const Tensor&)> all[] = {
      {"hard_sigmoid", &hard_sigmoid}, {"hard_swish", &hard_swish}, {"hard_tanh", &hard_tanh},
      {"log_sigmoid", &log_sigmoid},   {"relu6", &relu6},           {"selu", &selu}};
  for (const auto& [name, function] : all)
    check_gradients(name, [f = function](const std::vector<Tensor>& in) { return f(in[0]); }, {x});
  // And their values, by hand.
  const Tensor at = Tensor::from(std::vector<double>{-4, -1, 0.5, 4});
  const double by_hand[3][4] = {{0, 1.0 / 3, 3.5 / 6, 1}, {0, -1.0 / 3, 0.5 * 3.5 / 6, 4}, {-1, -1, 0.5, 1}};
  for (std::int64_t i = 0; i < 4; ++i) {
    CHECK(hard_sigmoid(at).item({i}) == doctest::Approx(by_hand[0][i]).epsilon(1e-15));
    CHECK(hard_swish(at).item({i}) == doctest::Approx(by_hand[1][i]).epsilon(1e-15));
    CHECK(hard_tanh(at).item({i}) == by_hand[2][i]);
    CHECK(log_sigmoid(at).item({i}) == doctest::Approx(-std::log1p(std::exp(-at.item({i})))).epsilon(1e-15));
  }
}

TEST_CASE("einsum: gradients of products, sums, transposes and batches") {
  const auto a = uniform({2, 3}, -1, 1), b = uniform({3, 4}, -1.5, 1), c = uniform({2, 3, 4}, -1, 1.2),
             d = uniform({2, 4, 5}, -1, 1.3), v = uniform({3}, -1, 2);
  struct Row {
    const char* text;
    std::vector<Tensor> in;
  };
  const std::vector<Row> rows{{"ij,jk->ik", {a, b}}, {"ij,jk->ki", {a, b}}, {"ij->ji", {a}},
                              {"ij->i", {a}},        {"ij->", {a}},         {"bij,bjk->bik", {c, d}},
                              {"ij,ij->", {a, a}},   {"i,j->ij", {v, v}},   {"ij,j->i", {a, v}},
                              {"bij,ij->b", {c, b}}};
  for (const Row& r : rows)
    check_gradients(
        r.text, [&](const std::vector<Tensor>& in) { return einsum(r.text, std::span<const Tensor>(in)); },
        r.in);
}

TEST_CASE("composed reductions and joins: gradients") {
  const Tensor x = distinct({2, 4}, -1.2, 1.7), y = distinct({2, 4}, -2, 1.1);
  check_gradients("mean", [](const std::vector<Tensor>& in) { return mean(in[0], 1); }, {x});
  check_gradients("var", [](const std::vector<Tensor>& in) { return var(in[0], 1, false, 1); }, {x});
  check_gradients("stddev", [](const std::vector<Tensor>& in) { return stddev(in[0], 1); }, {x});
  check_gradients("logsumexp", [](const std::vector<Tensor>& in) { return logsumexp(in[0], 1); }, {x});
  check_gradients(
      "stack", [](const std::vector<Tensor>& in) { return stack(std::span<const Tensor>(in), 1); }, {x, y});
  check_gradients("jacobian", [](const std::vector<Tensor>& in) { return softmax_jacobian(softmax(in[0])); },
                  {x});
  check_gradients("cosine",
                  [](const std::vector<Tensor>& in) { return cosine_similarity_loss(in[0], in[1]); }, {x, y});
}
