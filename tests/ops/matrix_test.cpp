#include "cairn/ops/matrix.h"

#include <doctest/doctest.h>

#include "cairn/base/error.h"

using namespace cairn;

namespace {
Matrix small_csr() {  // [[1, 0, 2], [0, 0, 0], [0, 3, 0]]
  return Matrix::from_csr(3, Tensor::from(std::vector<std::int64_t>{0, 2, 2, 3}),
                          Tensor::from(std::vector<std::int32_t>{0, 2, 1}),
                          Tensor::from(std::vector<double>{1, 2, 3}));
}
std::vector<double> all(const Matrix& m) {
  std::vector<double> out(static_cast<std::size_t>(m.rows() * m.columns()));
  m.tile(0, m.rows(), out.data());
  return out;
}
}  // namespace

TEST_CASE("the three layouts hold the same numbers") {
  const std::vector<double> expected{1, 0, 2, 0, 0, 0, 0, 3, 0};
  const Matrix sparse = small_csr();
  const Matrix dense = sparse.to_rows();
  const Matrix columns = Matrix::from_columns(
      {Tensor::from(std::vector<double>{1, 0, 0}), Tensor::from(std::vector<float>{0, 0, 3}),
       Tensor::from(std::vector<double>{2, 0, 0})},
      3);
  for (const Matrix* m : {&sparse, &dense, &columns}) {
    CHECK(all(*m) == expected);
    const std::vector<std::int64_t> rows{2, 0, 2};
    CHECK(all(m->select_rows(rows)) == std::vector<double>{0, 3, 0, 1, 0, 2, 0, 3, 0});
  }
  CHECK(sparse.num_stored() == 3);
}

TEST_CASE("concatenation stays sparse when a part is") {
  const Matrix parts[] = {small_csr(), Matrix::from_columns({Tensor::from(std::vector<double>{7, 0, 9})}, 3)};
  const Matrix joined = Matrix::concatenate(parts);
  CHECK(joined.is_sparse());
  CHECK(all(joined) == std::vector<double>{1, 0, 2, 7, 0, 0, 0, 0, 0, 3, 0, 9});
}

TEST_CASE("a sparse matrix that lies is refused") {
  const auto make = [](std::vector<std::int64_t> starts, std::vector<std::int32_t> where) {
    return Matrix::from_csr(3, Tensor::from(starts), Tensor::from(where),
                            Tensor::from(std::vector<double>(where.size(), 1.0)));
  };
  CHECK_THROWS_AS(make({0, 2}, {0}), ShapeError);
  CHECK_THROWS_AS(make({0, 1}, {3}), ShapeError);
  CHECK_THROWS_AS(make({0, 2}, {1, 0}), ShapeError);
  CHECK_THROWS_AS(make({0, 2, 1}, {0, 1}), ShapeError);
}
