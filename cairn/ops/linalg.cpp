#include "cairn/ops/linalg.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/blas_internal.h"
#include "cairn/ops/linalg_internal.h"

namespace cairn::linalg {
namespace {

// Rows of one parallel piece: enough work to pay for the piece, few enough that its tile stays in a core's
// cache.
std::int64_t rows_per_piece(std::int64_t columns) {
  return std::clamp<std::int64_t>((1 << 15) / std::max<std::int64_t>(columns, 1), 64, 4096);
}

// Rows of one partial sum: at most 64 of them, so that the partial results stay small beside the data.
std::int64_t rows_per_partial(const Matrix& x) {
  return std::max<std::int64_t>(rows_per_piece(x.columns()), (x.rows() + 63) / 64);
}

void add(std::vector<double>& into, const std::vector<double>& other) {
  for (std::size_t i = 0; i < into.size(); ++i) into[i] += other[i];
}

template <class F>
decltype(auto) with_values(const Tensor& t, F&& f) {
  if (t.dtype() == DType::f32) return f(t.data<float>().data());
  return f(t.data<double>().data());
}

// out [rows, k] += X[begin, end) W for a sparse matrix.
template <class V>
void sparse_multiply(const Matrix& x, const V* values, std::int64_t begin, std::int64_t end, const double* w,
                     std::int64_t k, double* out) {
  const std::int64_t* starts = x.indptr().data();
  const std::int32_t* where = x.indices().data();
  for (std::int64_t r = begin; r < end; ++r, out += k)
    for (std::int64_t i = starts[r]; i < starts[r + 1]; ++i) {
      const double v = static_cast<double>(values[i]);
      const double* row = w + static_cast<std::int64_t>(where[i]) * k;
      for (std::int64_t j = 0; j < k; ++j) out[j] += v * row[j];
    }
}

// out [d, k] += X[begin, end)^T R[begin, end) for a sparse matrix.
template <class V>
void sparse_multiply_transposed(const Matrix& x, const V* values, std::int64_t begin, std::int64_t end,
                                const double* r, std::int64_t k, double* out) {
  const std::int64_t* starts = x.indptr().data();
  const std::int32_t* where = x.indices().data();
  for (std::int64_t row = begin; row < end; ++row)
    for (std::int64_t i = starts[row]; i < starts[row + 1]; ++i) {
      const double v = static_cast<double>(values[i]);
      double* to = out + static_cast<std::int64_t>(where[i]) * k;
      for (std::int64_t j = 0; j < k; ++j) to[j] += v * r[row * k + j];
    }
}

// The rows [begin, end) as f64, row after row: the matrix' own memory when it already lies so, else a copy in
// `room`.
const double* dense_rows(const Matrix& x, std::int64_t begin, std::int64_t end, std::vector<double>& room) {
  if (x.layout() == Matrix::Layout::rows && x.dense().dtype() == DType::f64)
    return x.dense().data<double>().data() + begin * x.columns();
  room.resize(static_cast<std::size_t>((end - begin) * x.columns()));
  x.tile(begin, end, room.data());
  return room.data();
}

bool has_f64_columns(const Matrix& x) {
  return x.layout() == Matrix::Layout::columns &&
         std::ranges::all_of(x.column_tensors(), [](const Tensor& c) { return c.dtype() == DType::f64; });
}

}  // namespace

void multiply(const Matrix& x, std::span<const double> w, double intercept, std::span<double> out,
              const StopToken& stop) {
  multiply(x, w, 1, std::span(&intercept, 1), out, stop);
}

void multiply(const Matrix& x, std::span<const double> w, std::int64_t k, std::span<const double> intercepts,
              std::span<double> out, const StopToken& stop) {
  const std::int64_t n = x.rows(), d = x.columns();
  CAIRN_ASSERT(std::ssize(w) == d * k && std::ssize(out) == n * k &&
               (intercepts.empty() || std::ssize(intercepts) == k));
  const bool by_columns = has_f64_columns(x) && k == 1;
  parallel_for(
      n, rows_per_piece(d + k),
      [&](std::int64_t begin, std::int64_t end) {
        double* to = out.data() + begin * k;
        for (std::int64_t r = 0; r < end - begin; ++r)
          for (std::int64_t j = 0; j < k; ++j)
            to[r * k + j] = intercepts.empty() ? 0.0 : intercepts[static_cast<std::size_t>(j)];
        if (d == 0) return;
        if (x.is_sparse()) {
          with_values(x.values(),
                      [&](const auto* values) { sparse_multiply(x, values, begin, end, w.data(), k, to); });
        } else if (by_columns) {
          for (std::int64_t c = 0; c < d; ++c)
            cblas_daxpy(narrow(end - begin), w[static_cast<std::size_t>(c)],
                        x.column_tensors()[static_cast<std::size_t>(c)].data<double>().data() + begin, 1, to,
                        1);
        } else {
          std::vector<double> room;
          const double* rows = dense_rows(x, begin, end, room);
          if (k == 1)
            cblas_dgemv(CblasRowMajor, CblasNoTrans, narrow(end - begin), narrow(d), 1, rows, narrow(d),
                        w.data(), 1, 1, to, 1);
          else
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, narrow(end - begin), narrow(k), narrow(d),
                        1, rows, narrow(d), w.data(), narrow(k), 1, to, narrow(k));
        }
      },
      stop);
}

void multiply_transposed(const Matrix& x, std::span<const double> r, std::int64_t k, std::span<double> out,
                         const StopToken& stop) {
  const std::int64_t n = x.rows(), d = x.columns(), piece = rows_per_piece(d + k);
  CAIRN_ASSERT(std::ssize(r) == n * k && std::ssize(out) == d * k);
  const bool by_columns = has_f64_columns(x) && k == 1;
  const auto partial = [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sum(static_cast<std::size_t>(d * k)), room;
    if (x.is_sparse()) {
      with_values(x.values(), [&](const auto* v) {
        sparse_multiply_transposed(x, v, begin, end, r.data(), k, sum.data());
      });
      return sum;
    }
    for (std::int64_t b = begin; b < end; b += piece) {
      const std::int64_t e = std::min(end, b + piece);
      if (by_columns) {
        for (std::int64_t c = 0; c < d; ++c)
          sum[static_cast<std::size_t>(c)] += cblas_ddot(
              narrow(e - b), x.column_tensors()[static_cast<std::size_t>(c)].data<double>().data() + b, 1,
              r.data() + b, 1);
        continue;
      }
      const double* rows = dense_rows(x, b, e, room);
      if (k == 1)
        cblas_dgemv(CblasRowMajor, CblasTrans, narrow(e - b), narrow(d), 1, rows, narrow(d), r.data() + b, 1,
                    1, sum.data(), 1);
      else
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, narrow(d), narrow(k), narrow(e - b), 1, rows,
                    narrow(d), r.data() + b * k, narrow(k), 1, sum.data(), narrow(k));
    }
    return sum;
  };
  std::fill(out.begin(), out.end(), 0.0);
  if (n == 0 || d == 0) return;
  const auto total = parallel_reduce<std::vector<double>>(n, rows_per_partial(x), partial, add, stop);
  std::copy(total.begin(), total.end(), out.begin());
}

void add_tile_products(std::span<const float> a, std::span<const float> b, std::int64_t d,
                       std::span<float> out) {
  if (d == 0 || out.empty()) return;
  const std::int64_t m = std::ssize(a) / d, n = std::ssize(b) / d;
  CAIRN_ASSERT(std::ssize(out) == m * n);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, narrow(m), narrow(n), narrow(d), 1.0F, a.data(),
              narrow(d), b.data(), narrow(d), 1.0F, out.data(), narrow(n));
}

double dot(std::span<const double> a, std::span<const double> b) {
  CAIRN_ASSERT(a.size() == b.size());
  return parallel_reduce<double>(
      std::ssize(a), 1 << 14,
      [&](std::int64_t begin, std::int64_t end) {
        return cblas_ddot(narrow(end - begin), a.data() + begin, 1, b.data() + begin, 1);
      },
      [](double& into, double other) { into += other; });
}

void add_scaled(double factor, std::span<const double> a, std::span<double> into) {
  CAIRN_ASSERT(a.size() == into.size());
  parallel_for(std::ssize(a), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    cblas_daxpy(narrow(end - begin), factor, a.data() + begin, 1, into.data() + begin, 1);
  });
}

Ranges column_ranges(const Matrix& x) {
  const auto d = static_cast<std::size_t>(x.columns());
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto widen = [](Ranges& into, const Ranges& other) {
    for (std::size_t c = 0; c < into.low.size(); ++c) {
      into.low[c] = std::min(into.low[c], other.low[c]);
      into.high[c] = std::max(into.high[c], other.high[c]);
    }
  };
  return parallel_reduce<Ranges>(
      x.rows(), rows_per_partial(x),
      [&](std::int64_t begin, std::int64_t end) {
        Ranges part{std::vector<double>(d, kInfinity), std::vector<double>(d, -kInfinity)};
        std::vector<double> room;
        const std::int64_t piece = rows_per_piece(x.columns());
        for (std::int64_t b = begin; b < end; b += piece) {
          const std::int64_t e = std::min(end, b + piece);
          const double* rows = dense_rows(x, b, e, room);
          for (std::int64_t r = 0; r < e - b; ++r)
            for (std::size_t c = 0; c < d; ++c, ++rows) {
              part.low[c] = std::min(part.low[c], *rows);
              part.high[c] = std::max(part.high[c], *rows);
            }
        }
        return part;
      },
      widen);
}

}  // namespace cairn::linalg
