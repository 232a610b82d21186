#include "cairn/ops/matmul.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/ops/blas_internal.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise_internal.h"
#include "cairn/ops/gemm.h"
#include "cairn/ops/linalg_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

// The last two axes as BLAS sees them.
struct Operand {
  Tensor tensor;  // what is read: the view itself, or a copy
  bool transposed = false;
  std::int64_t leading = 1;
};
Operand operand(const Tensor& t) {
  const int r = t.ndim() - 2, c = t.ndim() - 1;
  const std::int64_t rows = t.size(r), columns = t.size(c);
  const auto fits = [](std::int64_t leading, std::int64_t width) {
    return leading >= std::max<std::int64_t>(1, width);
  };
  if ((t.stride(c) == 1 || columns == 1) && (fits(t.stride(r), columns) || rows == 1))
    return {t, false, rows == 1 ? std::max<std::int64_t>(1, columns) : t.stride(r)};
  if ((t.stride(r) == 1 || rows == 1) && (fits(t.stride(c), rows) || columns == 1))
    return {t, true, columns == 1 ? std::max<std::int64_t>(1, rows) : t.stride(c)};
  return {dense(t), false, std::max<std::int64_t>(1, columns)};
}

void gemm(const Operand& a, const float* pa, const Operand& b, const float* pb, int m, int n, int k, float* c,
          int ldc) {
  cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
              b.transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, pa, linalg::narrow(a.leading), pb,
              linalg::narrow(b.leading), 0, c, ldc);
}
void gemm(const Operand& a, const double* pa, const Operand& b, const double* pb, int m, int n, int k,
          double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
              b.transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, pa, linalg::narrow(a.leading), pb,
              linalg::narrow(b.leading), 0, c, ldc);
}

// Offset of batch `index` of the result in an operand whose batch axes broadcast.
std::int64_t batch_offset(const Tensor& t, const Shape& out, std::int64_t index) {
  std::int64_t offset = 0;
  for (int i = out.ndim() - 3; i >= 0; --i) {
    const int at = i - (out.ndim() - t.ndim());
    if (at >= 0 && t.size(at) != 1) offset += index % out[i] * t.stride(at);
    index /= out[i];
  }
  return offset;
}

template <class T>
void matmul_kernel(const KernelArgs& a) {
  const Shape& shape = a.out[0].shape();
  const std::int64_t m = shape[shape.ndim() - 2], n = shape[shape.ndim() - 1];
  const std::int64_t k = a.in[0].size(a.in[0].ndim() - 1);
  T* const c = reinterpret_cast<T*>(const_cast<std::byte*>(a.out[0].raw()));
  const std::int64_t size = a.out[0].size();
  if (size == 0) return;
  if (k == 0) {
    std::fill_n(c, size, T(0));
    return;
  }
  const Operand left = operand(a.in[0]), right = operand(a.in[1]);
  const T *pa = reinterpret_cast<const T*>(left.tensor.raw()),
          *pb = reinterpret_cast<const T*>(right.tensor.raw());
  const GemmTiles t = gemm_tiles(m, n, k);
  const std::int64_t tiles = t.count(), work = t.rows * t.columns * k;  // 2^20 take about 20 us
  parallel_for(size / (m * n) * tiles, std::max<std::int64_t>(1, (1 << 20) / work),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t batch = item / tiles, i = item % tiles / t.across * t.rows,
                                      j = item % tiles % t.across * t.columns;
                   const T* x = pa + batch_offset(left.tensor, shape, batch) +
                                i * (left.transposed ? 1 : left.leading);
                   const T* y = pb + batch_offset(right.tensor, shape, batch) +
                                j * (right.transposed ? right.leading : 1);
                   gemm(left, x, right, y, static_cast<int>(std::min(t.rows, m - i)),
                        static_cast<int>(std::min(t.columns, n - j)), linalg::narrow(k),
                        c + batch * m * n + i * n + j, linalg::narrow(n));
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
