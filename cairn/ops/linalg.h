// Dense linear algebra on tiles whose shapes depend on the data alone, so the same data give the same bits
// for any number of threads. Everything is f64 inside; f32 input is widened tile by tile. Small dense
// matrices are spans, row after row unless a function says otherwise.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/ops/matrix.h"

namespace cairn::linalg {

// out [n] = X w + intercept, with w [d].
void multiply(const Matrix& x, std::span<const double> w, double intercept, std::span<double> out,
              const StopToken& stop = {});
// out [n, k] = X W + intercepts, with W [d, k] and intercepts [k] or empty.
void multiply(const Matrix& x, std::span<const double> w, std::int64_t k, std::span<const double> intercepts,
              std::span<double> out, const StopToken& stop = {});
// out [d, k] = X^T R, with R [n, k].
void multiply_transposed(const Matrix& x, std::span<const double> r, std::int64_t k, std::span<double> out,
                         const StopToken& stop = {});
// out [m, n] += A B^T in f32, with A [m, d] and B [n, d]: one tile, on the calling thread, inside a parallel
// loop.
void add_tile_products(std::span<const float> a, std::span<const float> b, std::int64_t d,
                       std::span<float> out);
// Sum over rows of a fixed shape: a sum that does not depend on the number of threads.
double dot(std::span<const double> a, std::span<const double> b);
void add_scaled(double factor, std::span<const double> a, std::span<double> into);  // into += factor * a

// What gram() adds up. Columns are those of X, then the targets: p = d + k of them.
struct GramOptions {
  std::span<const double> weights = {};  // [n], >= 0; empty: every row counts once
  std::span<const double> targets = {};  // [n, k]
  std::int64_t num_targets = 0;
  std::span<const double> shift = {};  // [p], subtracted from every column; empty: nothing
  std::span<const double> scale = {};  // [p], multiplied after the shift; empty: one
  StopToken stop = {};
};

// Weighted sums over the rows z of scale * ([X, targets] - shift).
struct Gram {
  double weight = 0;             // sum of the weights
  std::vector<double> sums;      // [p]: sum of w z
  std::vector<double> products;  // [p, p]: sum of w z z^T, both triangles
};

// X^T D X, streamed in row blocks from any layout; X is never copied as a whole.
Gram gram(const Matrix& x, const GramOptions& options);

// The same about the weighted mean. The rows are shifted by a provisional mean first, so a large offset does
// not cancel the digits (Chan, Golub, LeVeque: Algorithms for computing the sample variance; 1983). With
// `scale`, products are of the scaled columns and `mean` is of the columns as they are; shift is not used.
struct Moments {
  double weight = 0;
  std::vector<double> mean;      // [p]
  std::vector<double> products;  // [p, p]: sum of w (z - mean)(z - mean)^T
};
Moments moments(const Matrix& x, const GramOptions& options);

// Products of rows instead of columns: (X - shift)(X - shift)^T [n, n], with shift [d] or empty. For more
// columns than rows.
std::vector<double> row_gram(const Matrix& x, std::span<const double> shift, const StopToken& stop = {});

// Weighted means [p] of the columns and targets; shift and scale are not used.
std::vector<double> column_means(const Matrix& x, const GramOptions& options);

// The smallest and largest value of each column (implicit zeros included).
struct Ranges {
  std::vector<double> low, high;  // [d]
};
Ranges column_ranges(const Matrix& x);

// R [p, p], upper triangle, of the QR factorisation of sqrt(weights) * scale * ([X, targets] - shift), by a
// fixed tree of Householder factorisations (Demmel, Grigori, Hoemmen, Langou: Communication-optimal QR;
// 2012). Rows beyond n are zero.
std::vector<double> tall_qr(const Matrix& x, const GramOptions& options);

// L L^T = a [n, n], symmetric; afterwards the lower triangle holds L, the rest is zero. False when a is not
// positive definite.
bool cholesky(std::span<double> a, std::int64_t n);
// Solves L L^T x = b in place, b [n, k].
void cholesky_solve(std::span<const double> factor, std::int64_t n, std::span<double> b, std::int64_t k = 1);
// 1 / (|A|_1 |A^-1|_1), estimated from the Cholesky factor (LAPACK dpocon). `norm` is |A|_1 before the
// factorisation.
double reciprocal_condition(std::span<const double> factor, std::int64_t n, double norm);
double norm_one(std::span<const double> a,
                std::int64_t n);  // largest column sum of absolute values, a [n, n]

// Minimum-norm least squares of a dense system.
struct LeastSquares {
  std::vector<double> solution;  // [columns, k]
  std::int64_t rank = 0;  // columns that count, at `tolerance` times the largest pivot or singular value
  double condition = 0;  // largest over smallest pivot or singular value, all columns; infinite when singular
  std::vector<double> singular_values;  // descending; svd only
  std::vector<double>
      null_space;  // [columns - rank, columns]: directions that change nothing; svd, rows >= columns
  std::vector<std::int64_t> order;  // the columns by falling pivot; qr only
};
// QR with column pivoting (LAPACK dgeqp3), completed by a second factorisation from the right when the rank
// is deficient, which gives the solution of least norm (Golub, Van Loan: Matrix Computations, 5.5). a [m, n],
// b [m, k].
LeastSquares least_squares_qr(std::span<const double> a, std::int64_t m, std::int64_t n,
                              std::span<const double> b, std::int64_t k, double tolerance);
// By singular values (LAPACK dgesdd).
LeastSquares least_squares_svd(std::span<const double> a, std::int64_t m, std::int64_t n,
                               std::span<const double> b, std::int64_t k, double tolerance);

// a = U diag(s) V^T with r = min(m, n) singular values, descending. FitError when LAPACK does not converge.
struct Svd {
  std::vector<double> u, s, vt;  // [m, r], [r], [r, n]
};
Svd svd(std::span<const double> a, std::int64_t m, std::int64_t n);

// Eigenvalues ascending and their vectors, one a row, of a symmetric matrix (LAPACK dsyevd).
struct SymmetricEigen {
  std::vector<double> values;   // [n]
  std::vector<double> vectors;  // [n, n], row i belongs to values[i]
};
SymmetricEigen symmetric_eigen(std::span<const double> a, std::int64_t n);

}  // namespace cairn::linalg
