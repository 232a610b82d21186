#include "cairn/ops/linalg.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/ops/blas_internal.h"

using namespace cairn;

namespace {

std::vector<double> normals(std::int64_t count, std::string_view stream) {
  Random random(7, stream);
  std::vector<double> v(static_cast<std::size_t>(count));
  for (double& x : v) x = random.normal();
  return v;
}

Matrix rows_of(const std::vector<double>& v, std::int64_t n, std::int64_t d) {
  return Matrix::from_rows(Tensor::from(std::span<const double>(v), Shape{n, d}));
}

Matrix columns_of(const std::vector<double>& v, std::int64_t n, std::int64_t d) {
  std::vector<Tensor> columns;
  for (std::int64_t c = 0; c < d; ++c) {
    std::vector<double> column;
    for (std::int64_t r = 0; r < n; ++r) column.push_back(v[static_cast<std::size_t>(r * d + c)]);
    columns.push_back(Tensor::take(std::move(column)));
  }
  return Matrix::from_columns(columns, n);
}

Matrix sparse_of(const std::vector<double>& v, std::int64_t n, std::int64_t d) {
  std::vector<std::int64_t> starts{0};
  std::vector<std::int32_t> where;
  std::vector<double> values;
  for (std::int64_t r = 0; r < n; ++r) {
    for (std::int64_t c = 0; c < d; ++c)
      if (const double x = v[static_cast<std::size_t>(r * d + c)]; x != 0) {
        where.push_back(static_cast<std::int32_t>(c));
        values.push_back(x);
      }
    starts.push_back(static_cast<std::int64_t>(values.size()));
  }
  return Matrix::from_csr(d, Tensor::take(std::move(starts)), Tensor::take(std::move(where)),
                          Tensor::take(std::move(values)));
}

std::vector<Matrix> every_layout(const std::vector<double>& v, std::int64_t n, std::int64_t d) {
  return {rows_of(v, n, d), columns_of(v, n, d), sparse_of(v, n, d)};
}

void check_close(std::span<const double> got, std::span<const double> expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i])));
  }
}

// Entry by entry in extended precision.
long double entry(const std::vector<double>& x, std::int64_t d, std::int64_t r, std::int64_t c) {
  return x[static_cast<std::size_t>(r * d + c)];
}

}  // namespace

TEST_CASE("products with a matrix are the same for rows, columns and sparse rows") {
  const std::int64_t n = 5000, d = 7;
  auto v = normals(n * d, "x");
  for (std::size_t i = 0; i < v.size(); i += 3) v[i] = 0;
  for (const std::int64_t k : {1, 3}) {
    const auto w = normals(d * k, "w"), r = normals(n * k, "r");
    std::vector<double> forward, backward, intercepts(static_cast<std::size_t>(k), 0.5);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < k; ++j) {
        long double sum = 0.5L;
        for (std::int64_t c = 0; c < d; ++c) sum += entry(v, d, i, c) * entry(w, k, c, j);
        forward.push_back(static_cast<double>(sum));
      }
    for (std::int64_t c = 0; c < d; ++c)
      for (std::int64_t j = 0; j < k; ++j) {
        long double sum = 0;
        for (std::int64_t i = 0; i < n; ++i) sum += entry(v, d, i, c) * entry(r, k, i, j);
        backward.push_back(static_cast<double>(sum));
      }
    for (const Matrix& x : every_layout(v, n, d)) {
      std::vector<double> out(static_cast<std::size_t>(n * k)), back(static_cast<std::size_t>(d * k));
      linalg::multiply(x, w, k, intercepts, out);
      check_close(out, forward, 1e-13);
      linalg::multiply_transposed(x, r, k, back);
      check_close(back, backward, 1e-11);
    }
  }
}

TEST_CASE("weighted products of columns, shifted and scaled, in few and in many columns") {
  for (const auto& [n, d] :
       {std::pair<std::int64_t, std::int64_t>{3000, 5}, {700, 300}, {1, 4}, {3, 2}, {520, 51}, {300, 1}}) {
    auto v = normals(n * d, "x");
    for (std::size_t i = 0; i < v.size(); i += 4) v[i] = 0;
    const auto y = normals(n, "y"), shift = normals(d + 1, "shift");
    std::vector<double> weights, scale;
    for (std::int64_t i = 0; i < n; ++i) weights.push_back(static_cast<double>(i % 3));
    for (std::int64_t c = 0; c <= d; ++c) scale.push_back(1.0 + static_cast<double>(c % 2));
    const linalg::GramOptions options{
        .weights = weights, .targets = y, .num_targets = 1, .shift = shift, .scale = scale};
    const auto z = [&](std::int64_t r, std::int64_t c) {
      const auto column = static_cast<std::size_t>(c);
      return (static_cast<long double>(c < d ? v[static_cast<std::size_t>(r * d + c)]
                                             : y[static_cast<std::size_t>(r)]) -
              shift[column]) *
             scale[column];
    };
    for (const Matrix& x : every_layout(v, n, d)) {
      const linalg::Gram g = linalg::gram(x, options);
      for (std::int64_t i = 0; i <= d; i += 1 + d / 7)
        for (std::int64_t j = 0; j <= d; j += 1 + d / 5) {
          long double sum = 0;
          for (std::int64_t r = 0; r < n; ++r)
            sum += weights[static_cast<std::size_t>(r)] * z(r, i) * z(r, j);
          CHECK(g.products[static_cast<std::size_t>(i * (d + 1) + j)] ==
                doctest::Approx(static_cast<double>(sum)).epsilon(1e-11));
        }
      long double total = 0, first = 0;
      for (std::int64_t r = 0; r < n; ++r) {
        total += weights[static_cast<std::size_t>(r)];
        first += weights[static_cast<std::size_t>(r)] * z(r, 0);
      }
      CHECK(g.weight == static_cast<double>(total));
      CHECK(g.sums[0] == doctest::Approx(static_cast<double>(first)).epsilon(1e-11));
    }
  }
}

TEST_CASE("moments keep their digits beside a large offset, and a constant column has none") {
  std::vector<double> v;
  for (int i = 0; i < 1000; ++i) {
    v.push_back(1e9 + i % 2);  // variance 1/4
    v.push_back(0.1);          // constant
    v.push_back(i % 2 ? 3.0 : 1.0);
  }
  for (const Matrix& x : every_layout(v, 1000, 3)) {
    const linalg::Moments m = linalg::moments(x, {});
    CHECK(m.mean[0] == 1e9 + 0.5);
    CHECK(m.products[0] == doctest::Approx(250).epsilon(1e-12));
    CHECK(m.mean[1] == 0.1);
    CHECK(m.products[4] == 0);
    CHECK(m.products[2] == doctest::Approx(500).epsilon(1e-12));  // covariance of the first and the third
    check_close(linalg::column_means(x, {}), std::vector<double>{1e9 + 0.5, 0.1, 2}, 0);
    const linalg::Ranges ranges = linalg::column_ranges(x);
    CHECK(ranges.low == std::vector<double>{1e9, 0.1, 1});
    CHECK(ranges.high == std::vector<double>{1e9 + 1, 0.1, 3});
  }
}

TEST_CASE("the same bits for any number of threads") {
  struct Results {
    std::vector<double> forward, backward, products, triangle;
    double product = 0;
    bool operator==(const Results&) const = default;
  };
  for (const std::int64_t d : {6, 300}) {
    const std::int64_t n = 200000 / d;
    const auto v = normals(n * d, "x"), w = normals(d, "w"), y = normals(n, "y");
    for (const Matrix& x : every_layout(v, n, d)) {
      const auto compute = [&](int threads) {
        set_num_threads(threads);
        Results r;
        r.forward.resize(y.size());
        r.backward.resize(w.size());
        linalg::multiply(x, w, 1.5, r.forward);
        linalg::multiply_transposed(x, y, 1, r.backward);
        r.products = linalg::moments(x, {.targets = y, .num_targets = 1}).products;
        if (d < 100) r.triangle = linalg::tall_qr(x, {.targets = y, .num_targets = 1});
        r.product = linalg::dot(y, y);
        return r;
      };
      const Results one = compute(1);
      CHECK(one == compute(2));
      CHECK(one == compute(7));
      set_num_threads(2);
    }
  }
}

TEST_CASE("BLAS hands no work buffer to two threads at once") {
  const std::int64_t n = 64;
  const auto a = normals(n * n, "a");
  std::vector<double> expected(a.size());
  const auto product = [&](double* out) {
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, 64, 64, 64, 1, a.data(), 64, a.data(), 64, 0, out,
                64);
  };
  product(expected.data());
  const long before = blas::locked_allocations();
  set_num_threads(7);
  std::atomic<int> wrong{0};
  parallel_for(20000, 1, [&](std::int64_t, std::int64_t) {
    std::vector<double> out(a.size());
    product(out.data());
    if (out != expected) ++wrong;
  });
  set_num_threads(2);
  CHECK(wrong == 0);
  CHECK(blas::locked_allocations() == before + 20000);
}

TEST_CASE("Cholesky factor, solution and condition") {
  std::vector<double> a{4, 2, 2, 3};
  REQUIRE(linalg::cholesky(a, 2));
  check_close(a, std::vector<double>{2, 0, 1, std::sqrt(2.0)}, 1e-15);
  std::vector<double> b{8, 7};
  linalg::cholesky_solve(a, 2, b);
  check_close(b, std::vector<double>{1.25, 1.5}, 1e-15);
  std::vector<double> indefinite{1, 2, 2, 1};
  CHECK_FALSE(linalg::cholesky(indefinite, 2));

  std::vector<double> hilbert;
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) hilbert.push_back(1.0 / (i + j + 1));
  const double norm = linalg::norm_one(hilbert, 6);
  CHECK(norm == doctest::Approx(2.45));
  REQUIRE(linalg::cholesky(hilbert, 6));
  CHECK(1 / linalg::reciprocal_condition(hilbert, 6, norm) ==
        doctest::Approx(29070279.003).epsilon(1e-6));  // Todd 1954
}

TEST_CASE("the triangle of a tall QR squares to the products") {
  const std::int64_t n = 20000, d = 4;
  const auto v = normals(n * d, "x"), y = normals(n, "y");
  const std::vector<double> shift{1, 0, -1, 0, 2};
  std::vector<double> weights;
  for (std::int64_t i = 0; i < n; ++i) weights.push_back(static_cast<double>(i % 4) / 2);
  for (const Matrix& x : every_layout(v, n, d)) {
    const linalg::GramOptions o{.weights = weights, .targets = y, .num_targets = 1, .shift = shift};
    const auto r = linalg::tall_qr(x, o), products = linalg::gram(x, o).products;
    for (std::int64_t i = 0; i <= d; ++i)
      for (std::int64_t j = 0; j <= d; ++j) {
        double sum = 0;
        for (std::int64_t l = 0; l <= d; ++l)
          sum += r[static_cast<std::size_t>(l * 5 + i)] * r[static_cast<std::size_t>(l * 5 + j)];
        CHECK(sum == doctest::Approx(products[static_cast<std::size_t>(i * 5 + j)]).epsilon(1e-10));
        if (i > j) CHECK(r[static_cast<std::size_t>(i * 5 + j)] == 0);
      }
  }
}

TEST_CASE("least squares: full rank, twin columns, more columns than rows") {
  const auto solve = [](bool by_svd, auto&&... args) {
    return by_svd ? linalg::least_squares_svd(args...) : linalg::least_squares_qr(args...);
  };
  for (const bool by_svd : {false, true}) {
    CAPTURE(by_svd);
    // A line through (0, 1), (1, 3), (2, 4), (3, 4): intercept 1.5, slope 1.
    const auto line = solve(by_svd, std::vector<double>{1, 0, 1, 1, 1, 2, 1, 3}, 4, 2,
                            std::vector<double>{1, 3, 4, 4}, 1, 1e-12);
    CHECK(line.rank == 2);
    check_close(line.solution, std::vector<double>{1.5, 1}, 1e-14);

    const auto twins =
        solve(by_svd, std::vector<double>{1, 1, 2, 2, 3, 3}, 3, 2, std::vector<double>{2, 4, 6}, 1, 1e-12);
    CHECK(twins.rank == 1);
    CHECK(twins.condition > 1e14);
    check_close(twins.solution, std::vector<double>{1, 1}, 1e-14);

    // x + 2 y + 2 z = 9 has the least-norm solution (1, 2, 2); the second target doubles it.
    const auto wide = solve(by_svd, std::vector<double>{1, 2, 2}, 1, 3, std::vector<double>{9, 18}, 2, 1e-12);
    CHECK(wide.rank == 1);
    check_close(wide.solution, std::vector<double>{1, 2, 2, 4, 2, 4}, 1e-14);

    const auto zero = solve(by_svd, std::vector<double>(4), 2, 2, std::vector<double>{1, 1}, 1, 1e-12);
    CHECK(zero.rank == 0);
    check_close(zero.solution, std::vector<double>{0, 0}, 0);
  }
}

TEST_CASE("singular values and eigenvalues") {
  const auto parts =
      linalg::svd(std::vector<double>{3, 0, 4, 5}, 2, 2);  // singular values sqrt(45) and sqrt(5)
  check_close(parts.s, std::vector<double>{std::sqrt(45.0), std::sqrt(5.0)}, 1e-14);
  std::vector<double> back;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j)
      back.push_back(parts.u[i * 2] * parts.s[0] * parts.vt[j] +
                     parts.u[i * 2 + 1] * parts.s[1] * parts.vt[2 + j]);
  check_close(back, std::vector<double>{3, 0, 4, 5}, 1e-14);

  const auto eigen = linalg::symmetric_eigen(std::vector<double>{2, 1, 1, 2}, 2);
  check_close(eigen.values, std::vector<double>{1, 3}, 1e-15);
  CHECK(std::abs(eigen.vectors[2]) == doctest::Approx(std::sqrt(0.5)));
  CHECK(eigen.vectors[2] == doctest::Approx(eigen.vectors[3]));
}
