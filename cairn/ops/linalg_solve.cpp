// Factorisations and solvers of dense matrices, through LAPACK. LAPACK reads columns, we write rows, so it
// sees transposes: a symmetric matrix is its own, the LQ factors of a transpose are the QR factors of the
// matrix.
#include <lapack.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/blas_internal.h"
#include "cairn/ops/linalg.h"
#include "cairn/ops/linalg_internal.h"

namespace cairn::linalg {
namespace {

std::size_t length(std::int64_t a, std::int64_t b = 1) { return static_cast<std::size_t>(a * b); }

std::vector<double> transposed(std::span<const double> a, std::int64_t m, std::int64_t n) {
  std::vector<double> t(a.size());
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) t[length(j * m + i)] = a[length(i * n + j)];
  return t;
}

// Calls f(work, size) twice: first to ask for the workspace, then with it.
template <class F>
void with_workspace(F&& f) {
  double wanted = 0;
  f(&wanted, -1);
  std::vector<double> work(static_cast<std::size_t>(std::max(1.0, wanted)));
  f(work.data(), static_cast<lapack_int>(work.size()));
}

void must_succeed(lapack_int info, const char* what) {
  CAIRN_ASSERT(info >= 0);
  if (info > 0)
    throw FitError("linear algebra", std::string(what) + " did not converge",
                   "Look for infinite or enormous values, and scale the columns.");
}

// Replaces the rows [m, p] in `a` by their upper triangle R, left in the first p rows; returns R [p, p].
std::vector<double> triangle_of(std::vector<double>& a, std::int64_t m, std::int64_t p) {
  const lapack_int rows = narrow(m), columns = narrow(p);
  std::vector<double> tau(length(std::min(m, p)));
  lapack_int info = 0;
  if (m > 0)
    with_workspace([&](double* work, lapack_int size) {
      LAPACK_dgelqf(&columns, &rows, a.data(), &columns, tau.data(), work, &size, &info);
    });
  CAIRN_ASSERT(info == 0);
  std::vector<double> r(length(p, p));
  for (std::int64_t i = 0; i < std::min(m, p); ++i)
    std::copy(a.begin() + i * p + i, a.begin() + (i + 1) * p, r.begin() + i * p + i);
  return r;
}

}  // namespace

std::vector<double> tall_qr(const Matrix& x, const GramOptions& o) {
  check_gram_options(x, o);
  const std::int64_t n = x.rows(), p = x.columns() + o.num_targets;
  if (p == 0 || n == 0) return std::vector<double>(length(p, p));
  const std::int64_t block = std::max<std::int64_t>({4 * p, (1 << 15) / p, (n + 63) / 64});
  return parallel_reduce<std::vector<double>>(
      n, block,
      [&](std::int64_t begin, std::int64_t end) {
        // A block is folded into the triangle piece by piece, so that no more than 5 p rows are held at once.
        const std::int64_t piece = std::max<std::int64_t>(4 * p, (1 << 15) / p);
        std::vector<double> r, rows, room;
        for (std::int64_t b = begin; b < end; b += piece) {
          const std::int64_t e = std::min(end, b + piece), above = r.empty() ? 0 : p;
          rows.resize(length(above + e - b, p));
          std::copy(r.begin(), r.end(), rows.begin());
          shifted_tile(x, o, b, e, room, rows.data() + above * p);
          if (!o.weights.empty())
            for (std::int64_t i = b; i < e; ++i)
              cblas_dscal(narrow(p), std::sqrt(o.weights[length(i)]), rows.data() + (above + i - b) * p, 1);
          r = triangle_of(rows, above + e - b, p);
        }
        return r;
      },
      [&](std::vector<double>& into, const std::vector<double>& other) {
        into.insert(into.end(), other.begin(), other.end());
        into = triangle_of(into, 2 * p, p);
      },
      o.stop);
}

bool cholesky(std::span<double> a, std::int64_t n) {
  const lapack_int size = narrow(n);
  lapack_int info = 0;
  if (n > 0) LAPACK_dpotrf("U", &size, a.data(), &size, &info);
  CAIRN_ASSERT(info >= 0);
  for (std::int64_t i = 0; i < n; ++i) std::fill(a.begin() + i * n + i + 1, a.begin() + (i + 1) * n, 0.0);
  if (info > 0) return false;
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(a[length(i * n + i)])) return false;
  return true;
}

void cholesky_solve(std::span<const double> factor, std::int64_t n, std::span<double> b, std::int64_t k) {
  CAIRN_ASSERT(std::ssize(factor) == n * n && std::ssize(b) == n * k);
  if (n == 0 || k == 0) return;
  const int size = narrow(n), columns = narrow(k);
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, size, columns, 1,
              factor.data(), size, b.data(), columns);
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, size, columns, 1, factor.data(),
              size, b.data(), columns);
}

double reciprocal_condition(std::span<const double> factor, std::int64_t n, double norm) {
  if (n == 0) return 1;
  const lapack_int size = narrow(n);
  std::vector<double> work(length(n, 3));
  std::vector<lapack_int> integers(length(n));
  double reciprocal = 0;
  lapack_int info = 0;
  LAPACK_dpocon("U", &size, factor.data(), &size, &norm, &reciprocal, work.data(), integers.data(), &info);
  CAIRN_ASSERT(info == 0);
  return reciprocal;
}

double norm_one(std::span<const double> a, std::int64_t n) {
  std::vector<double> sums(length(n));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) sums[length(j)] += std::abs(a[length(i * n + j)]);
  return n == 0 ? 0 : *std::ranges::max_element(sums);
}

LeastSquares least_squares_qr(std::span<const double> a, std::int64_t m, std::int64_t n,
                              std::span<const double> b, std::int64_t k, double tolerance) {
  CAIRN_ASSERT(std::ssize(a) == m * n && std::ssize(b) == m * k);
  LeastSquares result;
  result.solution.resize(length(n, k));
  const std::int64_t most = std::min(m, n);
  if (most == 0) return result;
  std::vector<double> q = transposed(a, m, n), tau(length(most)), c = transposed(b, m, k);
  std::vector<lapack_int> pivots(length(n));
  const lapack_int rows = narrow(m), columns = narrow(n), targets = narrow(k), reflectors = narrow(most);
  lapack_int info = 0;
  with_workspace([&](double* work, lapack_int size) {
    LAPACK_dgeqp3(&rows, &columns, q.data(), &rows, pivots.data(), tau.data(), work, &size, &info);
  });
  CAIRN_ASSERT(info == 0);
  const auto pivot = [&](std::int64_t i) { return std::abs(q[length(i * m + i)]); };
  while (result.rank < most && pivot(result.rank) > tolerance * pivot(0)) ++result.rank;
  result.condition =
      n > m || pivot(most - 1) == 0 ? std::numeric_limits<double>::infinity() : pivot(0) / pivot(most - 1);
  for (const lapack_int column : pivots) result.order.push_back(column - 1);
  if (result.rank == 0) return result;

  with_workspace([&](double* work, lapack_int size) {
    LAPACK_dormqr("L", "T", &rows, &targets, &reflectors, q.data(), &rows, tau.data(), c.data(), &rows, work,
                  &size, &info);
  });
  CAIRN_ASSERT(info == 0);
  const lapack_int rank = narrow(result.rank);
  std::vector<double> z(length(n, k));  // column after column
  for (std::int64_t j = 0; j < k; ++j) std::copy_n(c.begin() + j * m, result.rank, z.begin() + j * n);
  std::vector<double> tail(length(result.rank));
  if (result.rank < n)
    with_workspace([&](double* work, lapack_int size) {
      LAPACK_dtzrzf(&rank, &columns, q.data(), &rows, tail.data(), work, &size, &info);
    });
  CAIRN_ASSERT(info == 0);
  cblas_dtrsm(CblasColMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, rank, targets, 1, q.data(),
              rows, z.data(), columns);
  if (const lapack_int rest = columns - rank; rest > 0)
    with_workspace([&](double* work, lapack_int size) {
      LAPACK_dormrz("L", "T", &columns, &targets, &rank, &rest, q.data(), &rows, tail.data(), z.data(),
                    &columns, work, &size, &info);
    });
  CAIRN_ASSERT(info == 0);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      result.solution[length(result.order[length(i)] * k + j)] = z[length(j * n + i)];
  return result;
}

Svd svd(std::span<const double> a, std::int64_t m, std::int64_t n) {
  CAIRN_ASSERT(std::ssize(a) == m * n);
  const std::int64_t r = std::min(m, n);
  Svd result{std::vector<double>(length(m, r)), std::vector<double>(length(r)),
             std::vector<double>(length(r, n))};
  if (r == 0) return result;
  // LAPACK sees a^T = V diag(s) U^T: its left vectors are our vt, row after row, its right ones our u.
  std::vector<double> copy(a.begin(), a.end());
  std::vector<lapack_int> integers(length(8, r));
  const lapack_int rows = narrow(n), columns = narrow(m), least = narrow(r);
  lapack_int info = 0;
  with_workspace([&](double* work, lapack_int size) {
    LAPACK_dgesdd("S", &rows, &columns, copy.data(), &rows, result.s.data(), result.vt.data(), &rows,
                  result.u.data(), &least, work, &size, integers.data(), &info);
  });
  must_succeed(info, "the singular value decomposition");
  return result;
}

LeastSquares least_squares_svd(std::span<const double> a, std::int64_t m, std::int64_t n,
                               std::span<const double> b, std::int64_t k, double tolerance) {
  CAIRN_ASSERT(std::ssize(b) == m * k);
  LeastSquares result;
  result.solution.resize(length(n, k));
  const std::int64_t r = std::min(m, n);
  if (r == 0 || k == 0) return result;
  Svd parts = svd(a, m, n);
  while (result.rank < r && parts.s[length(result.rank)] > tolerance * parts.s[0]) ++result.rank;
  result.condition =
      n > m || parts.s.back() == 0 ? std::numeric_limits<double>::infinity() : parts.s[0] / parts.s.back();
  std::vector<double> c(length(r, k));
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, narrow(r), narrow(k), narrow(m), 1, parts.u.data(),
              narrow(r), b.data(), narrow(k), 0, c.data(), narrow(k));
  for (std::int64_t i = 0; i < r; ++i)
    for (std::int64_t j = 0; j < k; ++j)
      c[length(i * k + j)] = i < result.rank ? c[length(i * k + j)] / parts.s[length(i)] : 0;
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, narrow(n), narrow(k), narrow(r), 1, parts.vt.data(),
              narrow(n), c.data(), narrow(k), 0, result.solution.data(), narrow(k));
  result.singular_values = std::move(parts.s);
  if (m >= n) result.null_space.assign(parts.vt.begin() + result.rank * n, parts.vt.end());
  return result;
}

SymmetricEigen symmetric_eigen(std::span<const double> a, std::int64_t n) {
  CAIRN_ASSERT(std::ssize(a) == n * n);
  SymmetricEigen result{std::vector<double>(length(n)), std::vector<double>(a.begin(), a.end())};
  if (n == 0) return result;
  const lapack_int size = narrow(n), integer_size = narrow(3 + 5 * n);
  std::vector<lapack_int> integers(static_cast<std::size_t>(integer_size));
  lapack_int info = 0;
  with_workspace([&](double* work, lapack_int work_size) {
    LAPACK_dsyevd("V", "U", &size, result.vectors.data(), &size, result.values.data(), work, &work_size,
                  integers.data(), &integer_size, &info);
  });
  must_succeed(info, "the eigenvalue decomposition");
  return result;
}

}  // namespace cairn::linalg
