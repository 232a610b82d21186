#include "cairn/ops/matmul.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/ops/blas_internal.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise_internal.h"
#include "cairn/ops/linalg_internal.h"
#include "cairn/ops/matmul_operands.h"
#include "cairn/ops/shape_ops.h"

namespace cairn {
namespace {

void multiply(const MatmulOperands& o, const float* a, const float* b, int m, int n, float* c) {
  cblas_sgemm(CblasRowMajor, o.a.transposed ? CblasTrans : CblasNoTrans,
              o.b.transposed ? CblasTrans : CblasNoTrans, m, n, linalg::narrow(o.k), 1, a,
              linalg::narrow(o.a.leading), b, linalg::narrow(o.b.leading), 0, c, linalg::narrow(o.n));
}
void multiply(const MatmulOperands& o, const double* a, const double* b, int m, int n, double* c) {
  cblas_dgemm(CblasRowMajor, o.a.transposed ? CblasTrans : CblasNoTrans,
              o.b.transposed ? CblasTrans : CblasNoTrans, m, n, linalg::narrow(o.k), 1, a,
              linalg::narrow(o.a.leading), b, linalg::narrow(o.b.leading), 0, c, linalg::narrow(o.n));
}

// How a product is cut into tiles for several threads, from its shape alone: squares of 256, and smaller ones
// where those would be few and each still worth a thread's while.
struct Tiles {
  std::int64_t rows, columns;  // of a tile
  std::int64_t down, across;   // number of tiles
  std::int64_t count() const { return down * across; }
};
Tiles tiles_of(std::int64_t m, std::int64_t n, std::int64_t k) {
  constexpr std::int64_t kSide = 256, kLeastSide = 64, kEnough = 8, kWork = 1 << 21;  // some 40 us
  const auto tiles = [&](std::int64_t rows, std::int64_t columns) {
    return Tiles{rows, columns, (m + rows - 1) / rows, (n + columns - 1) / columns};
  };
  Tiles t = tiles(std::min(m, kSide), std::min(n, kSide));
  while (t.count() < kEnough && t.rows * t.columns * k > kWork && std::max(t.rows, t.columns) > kLeastSide)
    t = t.rows >= t.columns ? tiles((t.rows + 1) / 2, t.columns) : tiles(t.rows, (t.columns + 1) / 2);
  return t;
}

template <class T>
void matmul_kernel(const KernelArgs& args) {
  T* const c = reinterpret_cast<T*>(const_cast<std::byte*>(args.out[0].raw()));
  const std::int64_t size = args.out[0].size();
  if (size == 0) return;
  const MatmulOperands o(args);
  if (o.k == 0) {
    std::fill_n(c, size, T(0));
    return;
  }
  const T *a = reinterpret_cast<const T*>(o.a.tensor.raw()),
          *b = reinterpret_cast<const T*>(o.b.tensor.raw());
  const Tiles t = tiles_of(o.m, o.n, o.k);
  const std::int64_t tiles = t.count(), work = t.rows * t.columns * o.k;  // 2^20 take about 20 us
  parallel_for(o.products * tiles, std::max<std::int64_t>(1, (1 << 20) / work),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t product = item / tiles, i = item % tiles / t.across * t.rows,
                                      j = item % tiles % t.across * t.columns;
                   const T* x = a + o.a.offset(o.result, product) + i * (o.a.transposed ? 1 : o.a.leading);
                   const T* y = b + o.b.offset(o.result, product) + j * (o.b.transposed ? o.b.leading : 1);
                   multiply(o, x, y, static_cast<int>(std::min(t.rows, o.m - i)),
                            static_cast<int>(std::min(t.columns, o.n - j)),
                            c + product * o.m * o.n + i * o.n + j);
                 }
               });
}

Shape batch_of(const Shape& shape) {
  return Shape(shape.dims().first(static_cast<std::size_t>(shape.ndim() - 2)));
}

std::vector<Sample> samples() {
  return {{{uniform({2, 3}, -1, 1), uniform({3, 4}, -1, 1)}},
          {{uniform({3, 2}, -1, 1).transpose(), uniform({4, 3}, -1, 1).transpose()}},
          {{uniform({2, 2, 3}, -1, 1), uniform({2, 3, 2}, -1, 1)}},
          {{uniform({2, 1, 2, 3}, -1, 1), uniform({2, 3, 2}, -1, 1)}},
          {{uniform({2, 6}, -1, 1).slice(1, 0, 6, 2), uniform({3, 1}, -1, 1)}},
          {{uniform({2, 0}, 0, 1), uniform({0, 3}, 0, 1)}}};
}

}  // namespace

constinit const OpDef kMatmul{
    .name = "matmul",
    .doc = "product of matrices, batches broadcast",
    .arity = 2,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const Tensor &l = a.in[0], &r = a.in[1];
      if (l.ndim() < 2 || r.ndim() < 2)
        throw ShapeError(a.name, fmt::format("left is {} and right is {}; both must have two axes or more",
                                             l.text(), r.text()));
      if (l.dtype() != r.dtype() || !is_floating(l.dtype()))
        throw DTypeError(
            a.name,
            fmt::format("left is {} and right is {}; both must be f32 or both f64", l.text(), r.text()),
            "Convert with to().");
      const std::int64_t k = l.size(l.ndim() - 1);
      if (k != r.size(r.ndim() - 2)) {
        const bool turned = k == r.size(r.ndim() - 1);
        throw ShapeError(
            a.name,
            fmt::format(
                "left is {} and right is {}; the left's last dimension ({}) must equal the right's {} ({})",
                l.shape().text(), r.shape().text(), k, r.ndim() == 2 ? "first" : "last but one",
                r.size(r.ndim() - 2)),
            turned ? "Did you mean matmul(a, transpose(b))?" : "");
      }
      const Shape batch = broadcast_shape("matmul", batch_of(l.shape()), batch_of(r.shape()));
      SmallVector<std::int64_t, 8> dims;
      for (const std::int64_t d : batch.dims()) dims.push_back(d);
      dims.push_back(l.size(l.ndim() - 2));
      dims.push_back(r.size(r.ndim() - 1));
      return {{Shape(std::span<const std::int64_t>(dims.data(), dims.size())), l.dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          a.in[0].dtype() == DType::f32 ? matmul_kernel<float>(a) : matmul_kernel<double>(a);
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {gradient_for(a, 0, [&] { return matmul(a.grad[0], transpose(a.in[1])); }),
              gradient_for(a, 1, [&] { return matmul(transpose(a.in[0]), a.grad[0]); })};
    },
    .saves = {.inputs = 0b11},
    .slot = SlotId::matmul,
    .samples = samples,
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 3}, 0, 1), uniform({4, 5}, 0, 1)}},
                                         "matmul: left is [2, 3] and right is [4, 5]; the left's last "
                                         "dimension (3) must equal the right's first (4)"},
                                        {{{uniform({2, 3}, 0, 1), uniform({4, 3}, 0, 1)}},
                                         "matmul: left is [2, 3] and right is [4, 3]; the left's last "
                                         "dimension (3) must equal the right's first (4). Did you "
                                         "mean matmul(a, transpose(b))?"},
                                        {{{uniform({2, 3}, 0, 1), uniform({3, 4}, 0, 1, DType::f32)}},
                                         "matmul: left is f64 [2, 3] and right is f32 [3, 4]; both must be "
                                         "f32 or both f64. Convert with to()."}};
        },
};

Tensor matmul(const Tensor& a, const Tensor& b) {
  if (a.ndim() == 1 && b.defined() && b.ndim() >= 1 && a.defined()) {
    const Tensor y = matmul(expand_dims(a, 0), b);  // [1] or [..., 1, n]
    return squeeze(y, {b.ndim() == 1 ? -1 : -2});
  }
  if (b.ndim() == 1 && b.defined() && a.defined() && a.ndim() >= 2)
    return squeeze(apply_one(kMatmul, {a, expand_dims(b, 1)}), {-1});
  // Many rows against one matrix are one product, and so is the gradient of that matrix.
  if (a.ndim() > 2 && b.ndim() == 2 && a.is_contiguous() && a.size() > 0 &&
      a.size(a.ndim() - 1) == b.size(0)) {
    SmallVector<std::int64_t, 8> dims;
    for (const std::int64_t d : a.shape().dims()) dims.push_back(d);
    const Tensor y = apply_one(kMatmul, {a.reshape({a.size() / b.size(0), b.size(0)}), b});
    dims.back() = b.size(1);
    return y.reshape(Shape(std::span<const std::int64_t>(dims.data(), dims.size())));
  }
  return apply_one(kMatmul, {a, b});
}

Tensor outer(const Tensor& a, const Tensor& b) { return matmul(expand_dims(a, 1), expand_dims(b, 0)); }

std::span<const OpDef* const> matmul_ops() {
  static constexpr const OpDef* kOps[] = {&kMatmul};
  return kOps;
}

}  // namespace cairn
