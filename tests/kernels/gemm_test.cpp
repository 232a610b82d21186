// Products of f32 matrices: every rest of rows and columns, every way in which the sides lie, on each
// instruction set; and the same bytes however the work is cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cairn/base/isa.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"
#include "tests/support/same_bytes.h"

using namespace cairn;
using cairn::testing::same_bytes;

namespace {

struct AllInstructionSets {  // the widest comes back
  std::string widest = instruction_set();
  ~AllInstructionSets() { restrict_instruction_set(widest); }
};

Tensor f32(const Shape& shape) { return uniform(shape, -1, 1, DType::f32); }

// The largest difference from the product in f64, whose k terms are at most 1.
double off(const Tensor& a, const Tensor& b) {
  const Tensor found = matmul(a, b).to(DType::f64), expected = matmul(a.to(DType::f64), b.to(DType::f64));
  const auto x = found.data<double>(), y = expected.data<double>();
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::abs(x[i] - y[i]));
  return most;
}

}  // namespace

TEST_CASE("gemm: rests of rows, columns and depth, sides turned or cut out of others") {
  const AllInstructionSets restore;
  for (const std::string& name : instruction_sets()) {
    restrict_instruction_set(name);
    CAPTURE(name);
    for (const std::int64_t m : {1, 5, 6, 13, 14, 15, 29, 130})
      for (const std::int64_t n : {1, 3, 16, 17, 31, 32, 33, 95})
        for (const std::int64_t k : {1, 2, 7, 65, 700}) {
          CAPTURE(m);
          CAPTURE(n);
          CAPTURE(k);
          const double bound = 1e-6 * static_cast<double>(k) + 1e-7;
          const Tensor a = f32({m, k}), b = f32({k, n}), at = f32({k, m}), bt = f32({n, k});
          REQUIRE(off(a, b) < bound);
          REQUIRE(off(at.transpose(), b) < bound);
          REQUIRE(off(a, bt.transpose()) < bound);
          REQUIRE(off(at.transpose(), bt.transpose()) < bound);
          const Tensor wide = f32({m + 3, k + 5}), tall = f32({k + 2, n + 4});
          REQUIRE(off(wide.slice(0, 2, m + 2).slice(1, 1, k + 1),
                      tall.slice(0, 1, k + 1).slice(1, 3, n + 3)) < bound);
        }
  }
}

TEST_CASE("gemm: a number of the result is one sum in one order, whatever it is computed beside") {
  const Tensor a = f32({301, 1100}), b = f32({1100, 2203});
  const Tensor whole = matmul(a, b);
  const int before = num_threads();
  for (const int threads : {1, 2, 3, 7}) {
    set_num_threads(threads);
    CHECK(same_bytes(matmul(a, b), whole));
  }
  set_num_threads(before);
  CHECK(same_bytes(matmul(a.slice(0, 100, 117), b), whole.slice(0, 100, 117)));
  CHECK(same_bytes(matmul(a, b.slice(1, 7, 1300)), whole.slice(1, 7, 1300)));
  CHECK(same_bytes(matmul(a, b.transpose().contiguous().transpose()), whole));  // packed in another way
  CHECK(same_bytes(matmul(a.transpose().contiguous().transpose(), b), whole));
  // Small enough that a is read where it lies.
  const Tensor few = a.slice(0, 0, 7), own = few.contiguous();
  CHECK(same_bytes(matmul(own, b), whole.slice(0, 0, 7)));
}

TEST_CASE("gemm: stacks of matrices, one of them for all") {
  const Tensor a = f32({2, 3, 20, 40}), b = f32({3, 40, 33}), all = matmul(a, b);
  for (std::int64_t i = 0; i < 2; ++i)
    for (std::int64_t j = 0; j < 3; ++j) {
      const Tensor x = a.slice(0, i, i + 1).slice(1, j, j + 1).reshape({20, 40}),
                   y = b.slice(0, j, j + 1).reshape({40, 33});
      CHECK(same_bytes(all.slice(0, i, i + 1).slice(1, j, j + 1).reshape({20, 33}), matmul(x, y)));
    }
}

TEST_CASE("gemm: NaN and infinity stay in the rows and columns that they belong to") {
  Tensor a = f32({20, 50}), b = f32({50, 37});
  a.mutable_data<float>()[3 * 50 + 49] = std::numeric_limits<float>::quiet_NaN();
  b.mutable_data<float>()[10 * 37 + 36] = std::numeric_limits<float>::infinity();
  const Tensor c = matmul(a, b);
  for (std::int64_t i = 0; i < 20; ++i)
    for (std::int64_t j = 0; j < 37; ++j) {
      CAPTURE(i);
      CAPTURE(j);
      CHECK(std::isfinite(c.item({i, j})) == (i != 3 && j != 36));
    }
}

TEST_CASE("gemm: bias and activation of a linear layer, over several panels and blocks") {
  const Tensor x = f32({250, 600}), w = f32({2100, 600}), bias = f32({2100});
  const Tensor plain = matmul(x, w.transpose());
  const Tensor y = linear(x, w, bias), gated = linear(x, w, bias, LinearActivation::relu);
  double most = 0;
  for (std::int64_t i = 0; i < 250; i += 7)
    for (std::int64_t j = 0; j < 2100; ++j) {
      most = std::max(most, std::abs(y.item({i, j}) - plain.item({i, j}) - bias.item({j})));
      REQUIRE(gated.item({i, j}) == std::max(0.0, y.item({i, j})));
    }
  CHECK(most < 1e-4);
}
