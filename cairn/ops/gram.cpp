
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/blas_internal.h"
#include "cairn/ops/gram_simd_internal.h"
#include "cairn/ops/linalg.h"
#include "cairn/ops/linalg_internal.h"

namespace cairn::linalg {
namespace {

// Up to this many columns one partial sum stands beside the tile in a core's cache; beyond it the tile is
// shared and the products are cut into blocks.
constexpr std::int64_t kNarrow = 256;
constexpr std::int64_t kBlock = 128;       // columns of one block of products
constexpr std::int64_t kSampleRows = 256;  // rows behind the provisional mean

std::int64_t width(const Matrix& x, const GramOptions& o) { return x.columns() + o.num_targets; }

// Adds the rows of `tile` to the sums and multiplies each by the root of its weight, ready for a symmetric
// product.
void weigh_rows(const GramOptions& o, std::int64_t begin, std::int64_t n, std::int64_t p, double* tile,
                Gram& into) {
  for (std::int64_t r = 0; r < n; ++r) {
    double* row = tile + r * p;
    const double w = o.weights.empty() ? 1.0 : o.weights[static_cast<std::size_t>(begin + r)];
    into.weight += w;
    for (std::int64_t c = 0; c < p; ++c) into.sums[static_cast<std::size_t>(c)] += w * row[c];
    if (o.weights.empty()) continue;
    const double root = std::sqrt(w);
    for (std::int64_t c = 0; c < p; ++c) row[c] *= root;
  }
}

Gram zero_gram(std::int64_t p) {
  return {0, std::vector<double>(static_cast<std::size_t>(p)),
          std::vector<double>(static_cast<std::size_t>(p * p))};
}

void mirror(std::vector<double>& a, std::int64_t p) {
  for (std::int64_t i = 0; i < p; ++i)
    for (std::int64_t j = 0; j < i; ++j)
      a[static_cast<std::size_t>(i * p + j)] = a[static_cast<std::size_t>(j * p + i)];
}

double shift_of(const GramOptions& o, std::int64_t c) {
  return o.shift.empty() ? 0.0 : o.shift[static_cast<std::size_t>(c)];
}
double scale_of(const GramOptions& o, std::int64_t c) {
  return o.scale.empty() ? 1.0 : o.scale[static_cast<std::size_t>(c)];
}

void roots_of_weights(const GramOptions& o, std::int64_t begin, std::int64_t rows,
                      std::vector<double>& root) {
  for (std::int64_t i = 0; i < rows && !o.weights.empty(); ++i)
    root[static_cast<std::size_t>(i)] = std::sqrt(o.weights[static_cast<std::size_t>(begin + i)]);
}

// Tiles of [X, targets, 1], shifted, scaled and times the root of the weights, so that the products hold the
// sums too. This one keeps columns as columns, multiplies them where they lie and fetches the next tile
// meanwhile.
class ColumnTiles {
 public:
  ColumnTiles(const Matrix& x, const GramOptions& o)
      : x_(x),
        o_(o),
        q_(width(x, o) + 1),
        root_(gram_kernels::kTileRows, 1.0),
        next_(static_cast<std::size_t>(x.columns())) {
    tile_.resize(static_cast<std::size_t>(gram_kernels::padded_columns(q_) * gram_kernels::kTileRows));
    sums_.resize(static_cast<std::size_t>(gram_kernels::sums_size(q_)));
  }
  static std::int64_t rows(std::int64_t) { return gram_kernels::kTileRows; }

  // The rows [begin, end) of a block that ends at `stop`.
  void add(std::int64_t begin, std::int64_t end, std::int64_t stop) {
    using gram_kernels::kTileRows;
    const std::int64_t n = end - begin, d = x_.columns(), k = o_.num_targets;
    if (n < kTileRows) std::fill(tile_.begin(), tile_.end(), 0.0);
    roots_of_weights(o_, begin, n, root_);
    const double* root = o_.weights.empty() ? nullptr : root_.data();
    double* out = tile_.data();
    Prefetch next{next_.data(), end < stop ? d : 0, 0};
    for (std::int64_t c = 0; c < d; ++c, out += kTileRows) {
      const Tensor& column = x_.column_tensors()[static_cast<std::size_t>(c)];
      const auto width = static_cast<std::int64_t>(size_of(column.dtype()));
      next_[static_cast<std::size_t>(c)] = reinterpret_cast<const char*>(column.raw()) + end * width;
      next.bytes = std::max(next.bytes, std::min(kTileRows, stop - end) * width);
      if (column.dtype() == DType::f32)
        gram_kernels::shift_column(column.data<float>().data() + begin, n, shift_of(o_, c), scale_of(o_, c),
                                   root, out);
      else
        gram_kernels::shift_column(column.data<double>().data() + begin, n, shift_of(o_, c), scale_of(o_, c),
                                   root, out);
    }
    for (std::int64_t j = 0; j < k; ++j, out += kTileRows)
      for (std::int64_t i = 0; i < n; ++i)
        out[i] = (o_.targets[static_cast<std::size_t>((begin + i) * k + j)] - shift_of(o_, d + j)) *
                 scale_of(o_, d + j) * root_[static_cast<std::size_t>(i)];
    std::copy_n(root_.data(), n, out);
    gram_kernels::add_products(tile_.data(), q_, next, sums_.data());
  }

  std::vector<double> products() const {
    std::vector<double> all(static_cast<std::size_t>(q_ * q_));
    gram_kernels::collect_products(sums_.data(), q_, all.data());
    return all;
  }

 private:
  const Matrix& x_;
  const GramOptions& o_;
  std::int64_t q_;
  std::vector<double> root_, tile_, sums_;
  std::vector<const char*> next_;
};

// The same for other layouts, row after row.
class RowTiles {
 public:
  RowTiles(const Matrix& x, const GramOptions& o) : x_(x), o_(o), q_(width(x, o) + 1) {
    const std::int64_t n = rows(q_);
    tile_.resize(static_cast<std::size_t>(n * q_));
    plain_.resize(static_cast<std::size_t>(n * q_));
    root_.resize(static_cast<std::size_t>(n), 1.0);
    products_.resize(static_cast<std::size_t>(q_ * q_));
  }
  static std::int64_t rows(std::int64_t q) { return std::clamp<std::int64_t>((1 << 15) / q, 64, 1024); }

  void add(std::int64_t begin, std::int64_t end, std::int64_t) {
    const std::int64_t n = end - begin, p = q_ - 1;
    roots_of_weights(o_, begin, n, root_);
    shifted_tile(x_, o_, begin, end, room_, plain_.data());
    for (std::int64_t i = 0; i < n; ++i) {
      const double root = root_[static_cast<std::size_t>(i)];
      double* out = tile_.data() + i * q_;
      for (std::int64_t c = 0; c < p; ++c) out[c] = plain_[static_cast<std::size_t>(i * p + c)] * root;
      out[p] = root;
    }
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, narrow(q_), narrow(n), 1, tile_.data(), narrow(q_), 1,
                products_.data(), narrow(q_));
  }

  std::vector<double> products() const { return products_; }

 private:
  const Matrix& x_;
  const GramOptions& o_;
  std::int64_t q_;
  std::vector<double> root_, tile_, plain_, room_, products_;
};

double total_weight(const Matrix& x, const GramOptions& o) {
  if (o.weights.empty()) return static_cast<double>(x.rows());
  return parallel_reduce<double>(
      x.rows(), 1 << 14,
      [&](std::int64_t begin, std::int64_t end) {
        return std::accumulate(o.weights.begin() + begin, o.weights.begin() + end, 0.0);
      },
      [](double& into, double other) { into += other; });
}

// Few columns: each block of rows has its own sums, which are added in a fixed tree.
template <class Tiles>
Gram narrow_gram(const Matrix& x, const GramOptions& o) {
  const std::int64_t p = width(x, o), q = p + 1, piece = Tiles::rows(q);
  const std::int64_t block = ((x.rows() + 63) / 64 + piece - 1) / piece * piece;
  const auto all = parallel_reduce<std::vector<double>>(
      x.rows(), block,
      [&](std::int64_t begin, std::int64_t end) {
        Tiles tiles(x, o);
        for (std::int64_t b = begin; b < end; b += piece) tiles.add(b, std::min(end, b + piece), end);
        return tiles.products();
      },
      [](std::vector<double>& into, const std::vector<double>& other) {
        for (std::size_t i = 0; i < into.size(); ++i) into[i] += other[i];
      },
      o.stop);
  Gram total = zero_gram(p);
  for (std::int64_t i = 0; i < p; ++i) {
    std::copy_n(all.begin() + i * q, p, total.products.begin() + i * p);
    total.sums[static_cast<std::size_t>(i)] = all[static_cast<std::size_t>(i * q + p)];
  }
  total.weight = total_weight(x, o);
  return total;
}

// Many columns: one tile of rows after the other, the blocks of products of each tile side by side.
Gram wide_gram(const Matrix& x, const GramOptions& o) {
  const std::int64_t p = width(x, o), piece = std::clamp<std::int64_t>((1 << 21) / p, 64, 512);
  const std::int64_t blocks = (p + kBlock - 1) / kBlock;
  Gram total = zero_gram(p);
  std::vector<double> tile(static_cast<std::size_t>(std::min(piece, x.rows()) * p));
  for (std::int64_t begin = 0; begin < x.rows(); begin += piece) {
    const std::int64_t n = std::min(piece, x.rows() - begin);
    parallel_for(
        n, 32,
        [&](std::int64_t b, std::int64_t e) {
          std::vector<double> room;
          shifted_tile(x, o, begin + b, begin + e, room, tile.data() + b * p);
        },
        o.stop);
    weigh_rows(o, begin, n, p, tile.data(), total);
    parallel_for(
        blocks * blocks, 1,
        [&](std::int64_t first, std::int64_t) {
          const std::int64_t i = first / blocks * kBlock, j = first % blocks * kBlock;
          if (j < i) return;
          cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, narrow(std::min(kBlock, p - i)),
                      narrow(std::min(kBlock, p - j)), narrow(n), 1, tile.data() + i, narrow(p),
                      tile.data() + j, narrow(p), 1, total.products.data() + i * p + j, narrow(p));
        },
        o.stop);
  }
  return total;
}

// A value near the middle of each column, exact for a constant one: the first row plus the mean distance of a
// sample of rows from it.
std::vector<double> provisional_mean(const Matrix& x, const GramOptions& o) {
  const std::int64_t p = width(x, o), count = std::min(x.rows(), kSampleRows);
  std::vector<double> room, row(static_cast<std::size_t>(p)), first(row.size()), distance(row.size());
  GramOptions plain = o;
  plain.shift = plain.scale = {};
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t r = i * (x.rows() / count);
    shifted_tile(x, plain, r, r + 1, room, row.data());
    if (i == 0) first = row;
    for (std::size_t c = 0; c < row.size(); ++c)
      distance[c] += (row[c] - first[c]) / static_cast<double>(count);
  }
  for (std::size_t c = 0; c < row.size(); ++c) first[c] += distance[c];
  return first;
}

}  // namespace

void check_gram_options(const Matrix& x, const GramOptions& o) {
  const auto p = static_cast<std::size_t>(width(x, o));
  CAIRN_ASSERT(o.weights.empty() || std::ssize(o.weights) == x.rows());
  CAIRN_ASSERT(std::ssize(o.targets) == x.rows() * o.num_targets);
  CAIRN_ASSERT((o.shift.empty() || o.shift.size() == p) && (o.scale.empty() || o.scale.size() == p));
}

void shifted_tile(const Matrix& x, const GramOptions& o, std::int64_t begin, std::int64_t end,
                  std::vector<double>& room, double* out) {
  const std::int64_t n = end - begin, d = x.columns(), k = o.num_targets, p = d + k;
  room.resize(static_cast<std::size_t>(n * d));
  x.tile(begin, end, room.data());
  for (std::int64_t r = 0; r < n; ++r) {
    double* row = out + r * p;
    std::copy_n(room.data() + r * d, d, row);
    std::copy_n(o.targets.data() + (begin + r) * k, k, row + d);
    if (!o.shift.empty())
      for (std::int64_t c = 0; c < p; ++c) row[c] -= o.shift[static_cast<std::size_t>(c)];
    if (!o.scale.empty())
      for (std::int64_t c = 0; c < p; ++c) row[c] *= o.scale[static_cast<std::size_t>(c)];
  }
}

Gram gram(const Matrix& x, const GramOptions& o) {
  check_gram_options(x, o);
  const std::int64_t p = width(x, o);
  if (p == 0 || x.rows() == 0) return zero_gram(p);
  const bool by_columns = x.layout() == Matrix::Layout::columns;
  Gram total = p > kNarrow  ? wide_gram(x, o)
               : by_columns ? narrow_gram<ColumnTiles>(x, o)
                            : narrow_gram<RowTiles>(x, o);
  mirror(total.products, p);
  return total;
}

namespace {

// Sparse rows are multiplied without filling in the zeros; the shift then goes in through
// (x - m)(z - m) = x z - x m - z m + m m.
std::vector<double> sparse_row_gram(const Matrix& x, std::span<const double> shift, const StopToken& stop) {
  const std::int64_t n = x.rows();
  const auto starts = x.indptr();
  const auto where = x.indices();
  const Tensor values = x.values().to(DType::f64);
  const auto v = values.data<double>();
  std::vector<double> products(static_cast<std::size_t>(n * n));
  parallel_for(
      n, 16,
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<double> dense(static_cast<std::size_t>(x.columns()));
        for (std::int64_t i = begin; i < end; ++i) {
          x.tile(i, i + 1, dense.data());
          for (std::int64_t j = i; j < n; ++j) {
            double sum = 0;
            for (auto k = static_cast<std::size_t>(starts[static_cast<std::size_t>(j)]);
                 k < static_cast<std::size_t>(starts[static_cast<std::size_t>(j + 1)]); ++k)
              sum += v[k] * dense[static_cast<std::size_t>(where[k])];
            products[static_cast<std::size_t>(i * n + j)] = sum;
          }
        }
      },
      stop);
  if (shift.empty()) return products;
  std::vector<double> along(static_cast<std::size_t>(n));
  multiply(x, shift, 0, along, stop);
  const double square = dot(shift, shift);
  for (std::size_t i = 0, at = 0; i < along.size(); ++i)
    for (std::size_t j = 0; j < along.size(); ++j, ++at)
      if (j >= i) products[at] += square - along[i] - along[j];
  return products;
}

std::vector<double> dense_row_gram(const Matrix& x, std::span<const double> shift, const StopToken& stop) {
  const std::int64_t n = x.rows(), d = x.columns(), blocks = (n + kBlock - 1) / kBlock;
  std::vector<double> products(static_cast<std::size_t>(n * n));
  const GramOptions options{.shift = shift};
  parallel_for(
      blocks * blocks, 1,
      [&](std::int64_t pair, std::int64_t) {
        const std::int64_t i = pair / blocks * kBlock, j = pair % blocks * kBlock;
        if (j < i) return;
        const std::int64_t rows = std::min(kBlock, n - i), columns = std::min(kBlock, n - j);
        std::vector<double> room, left(static_cast<std::size_t>(rows * d)),
            right(static_cast<std::size_t>(columns * d));
        shifted_tile(x, options, i, i + rows, room, left.data());
        shifted_tile(x, options, j, j + columns, room, right.data());
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, narrow(rows), narrow(columns), narrow(d), 1,
                    left.data(), narrow(d), right.data(), narrow(d), 0, products.data() + i * n + j,
                    narrow(n));
      },
      stop);
  return products;
}

}  // namespace

std::vector<double> row_gram(const Matrix& x, std::span<const double> shift, const StopToken& stop) {
  CAIRN_ASSERT(shift.empty() || std::ssize(shift) == x.columns());
  if (x.rows() == 0 || x.columns() == 0)
    return std::vector<double>(static_cast<std::size_t>(x.rows() * x.rows()));
  std::vector<double> products =
      x.is_sparse() ? sparse_row_gram(x, shift, stop) : dense_row_gram(x, shift, stop);
  mirror(products, x.rows());
  return products;
}

Moments moments(const Matrix& x, const GramOptions& o) {
  check_gram_options(x, o);
  const std::int64_t p = width(x, o);
  if (x.rows() == 0) return {0, std::vector<double>(static_cast<std::size_t>(p)), zero_gram(p).products};
  GramOptions shifted = o;
  const std::vector<double> shift = provisional_mean(x, o);
  shifted.shift = shift;
  Gram total = gram(x, shifted);
  Moments m{total.weight, shift, std::move(total.products)};
  if (m.weight == 0) return m;
  std::vector<double> delta = total.sums;
  for (double& v : delta) v /= m.weight;
  for (std::size_t i = 0, at = 0; i < delta.size(); ++i) {
    m.mean[i] += o.scale.empty() ? delta[i] : delta[i] / o.scale[i];
    for (std::size_t j = 0; j < delta.size(); ++j) m.products[at++] -= m.weight * (delta[i] * delta[j]);
  }
  return m;
}

std::vector<double> column_means(const Matrix& x, const GramOptions& o) {
  check_gram_options(x, o);
  const std::int64_t p = width(x, o);
  std::vector<double> means =
      x.rows() > 0 ? provisional_mean(x, o) : std::vector<double>(static_cast<std::size_t>(p));
  if (x.rows() == 0) return means;
  GramOptions shifted = o;
  shifted.shift = means;
  shifted.scale = {};
  const std::int64_t piece = std::clamp<std::int64_t>((1 << 14) / std::max<std::int64_t>(p, 1), 16, 1024);
  struct Sums {
    double weight = 0;
    std::vector<double> values;
  };
  const Sums total = parallel_reduce<Sums>(
      x.rows(), std::max(piece, (x.rows() + 63) / 64),
      [&](std::int64_t begin, std::int64_t end) {
        Sums part{0, std::vector<double>(static_cast<std::size_t>(p))};
        std::vector<double> room, tile(static_cast<std::size_t>(std::min(piece, end - begin) * p));
        for (std::int64_t b = begin; b < end; b += piece) {
          const std::int64_t e = std::min(end, b + piece);
          shifted_tile(x, shifted, b, e, room, tile.data());
          for (std::int64_t r = b; r < e; ++r) {
            const double w = o.weights.empty() ? 1.0 : o.weights[static_cast<std::size_t>(r)];
            part.weight += w;
            for (std::int64_t c = 0; c < p; ++c)
              part.values[static_cast<std::size_t>(c)] += w * tile[static_cast<std::size_t>((r - b) * p + c)];
          }
        }
        return part;
      },
      [](Sums& into, const Sums& other) {
        into.weight += other.weight;
        for (std::size_t i = 0; i < into.values.size(); ++i) into.values[i] += other.values[i];
      },
      o.stop);
  if (total.weight > 0)
    for (std::size_t c = 0; c < means.size(); ++c) means[c] += total.values[c] / total.weight;
  return means;
}

}  // namespace cairn::linalg
