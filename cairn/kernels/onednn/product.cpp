// Products of matrices through oneDNN: x W^T + b, and a b. Rows of the result are cut into parts whose sizes
// depend on the shapes alone, one call on one thread each; so the same bytes come out for any number of
// threads.
#if CAIRN_ONEDNN
#include <algorithm>
#include <memory>
#include <vector>

#include "cairn/kernels/linear_operands_internal.h"
#include "cairn/kernels/onednn/onednn_internal.h"
#include "cairn/kernels/onednn/primitive_internal.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"

namespace cairn::kernels {
namespace {

using namespace onednn;

// A product that was prepared once. Both sides are rounded to `type` and lie as oneDNN likes them best.
struct Prepared {
  dnnl::primitive primitive;
  Desc left, right, bias, result, scratchpad;
  Move take_left, take_right;
};

struct Side {  // of the product, [rows, columns]
  std::int64_t row_stride, column_stride;
};
struct Product {
  std::int64_t m, n, k;
  Side left, right;
  bool bias;
  std::int64_t multiply_adds() const { return m * n * k; }
};

Prepared prepare(const Product& p, Type type) {
  Prepared r;
  const Desc left_held = plain({p.m, p.k}, {p.left.row_stride, p.left.column_stride});
  const Desc right_held = plain({p.k, p.n}, {p.right.row_stride, p.right.column_stride});
  r.bias = plain({1, p.n}, {p.n, 1});
  r.result = plain({p.m, p.n}, {p.n, 1});
  const Desc left = plain({p.m, p.k}, {p.k, 1}, type);
  const auto desc = product(left, any({p.k, p.n}, type), p.bias ? &r.bias : nullptr, r.result);
  r.left = left;
  r.right = desc.weights_desc();
  r.scratchpad = desc.scratchpad_desc();
  r.primitive = dnnl::matmul(desc);
  r.take_left = Move(left_held, r.left);
  r.take_right = Move(right_held, r.right);
  return r;
}

std::shared_ptr<const Prepared> prepared(Product p, std::int64_t rows, Type type) {
  static Cache<Prepared> cache;
  p.m = rows;
  return cache.find({p.m, p.n, p.k, p.left.row_stride, p.left.column_stride, p.right.row_stride,
                     p.right.column_stride, p.bias, static_cast<std::int64_t>(type)},
                    [&] { return prepare(p, type); });
}

// Rows in one call: eight parts keep eight threads busy, and small work stays in one piece.
std::int64_t rows_a_part(const Product& p) {
  constexpr std::int64_t kWork = 1 << 20, kUnit = 16;
  const std::int64_t least = kWork / std::max<std::int64_t>(1, p.n * p.k) + 1;
  const std::int64_t part = std::max((p.m + 7) / 8, least);
  return std::min(p.m, (part + kUnit - 1) / kUnit * kUnit);
}

Parts<Prepared> parts_of(const Product& p, Type type) {
  return {p.m, rows_a_part(p), [&](std::int64_t rows) { return prepared(p, rows, type); }};
}

// `finish` is called for each part of the result while it is in the cache: (first row, rows).
template <class F>
void multiply(const Product& p, Type type, const float* left, const float* right, const void* bias, float* to,
              F&& finish) {
  const Parts<Prepared> parts = parts_of(p, type);
  Buffer space(0);
  const void* const arranged = parts.whole->take_right.moved(right, space);
  parts.run([&](const Prepared& now, std::int64_t first, std::int64_t rows) {
    Buffer rounded(0);
    Arguments arguments{
        {DNNL_ARG_SRC, memory_at(now.left, now.take_left.moved(left + first * p.left.row_stride, rounded))},
        {DNNL_ARG_WEIGHTS, memory_at(now.right, arranged)},
        {DNNL_ARG_DST, memory_at(now.result, to + first * p.n)}};
    if (bias) arguments.emplace(DNNL_ARG_BIAS, memory_at(now.bias, bias));
    execute(now.primitive, std::move(arguments), now.scratchpad);
    finish(first, rows);
  });
}

// What is too small for one call to pay stays in f32.
bool pays_in_bf16(const Product& p) {
  constexpr std::int64_t kLeastWork = 1 << 19, kLeastSide = 16;
  return p.multiply_adds() >= kLeastWork && p.m >= kLeastSide && p.n >= kLeastSide && p.k >= kLeastSide;
}

Product of_linear(const KernelArgs& a) {
  const Tensor& w = a.in[1];
  const std::int64_t k = w.size(1), n = w.size(0);
  return {n ? a.out[0].size() / n : 0, n, k, {k, 1}, {1, k}, a.in.size() == 3};
}

// Sides as they lie, where both axes are walked in steps of one: an axis that broadcasts is not.
bool lies_well(const Tensor& t) {
  return t.ndim() == 2 && (t.stride(1) == 1 || t.stride(0) == 1) && t.stride(0) > 0 && t.stride(1) > 0;
}
Product of_matmul(const KernelArgs& a) {
  const Tensor &x = a.in[0], &y = a.in[1];
  return {x.size(0), y.size(1), x.size(1), {x.stride(0), x.stride(1)}, {y.stride(0), y.stride(1)}, false};
}

}  // namespace

bool onednn_bf16_linear_supports(const KernelArgs& a) {
  if (a.in[0].dtype() != DType::f32) return false;
  const Product p = of_linear(a);
  return pays_in_bf16(p) && parts_of(p, Type::bf16).usable(&Prepared::right);
}

void onednn_bf16_linear(const KernelArgs& a) {
  const LinearOperands o(a);
  multiply(of_linear(a), Type::bf16, o.x, o.w, o.b, o.y, [&](std::int64_t first, std::int64_t rows) {
    for (std::int64_t r = first; r < first + rows; ++r) activate_row(o.activation, o.y + r * o.n, o.n);
  });
}

bool onednn_bf16_matmul_supports(const KernelArgs& a) {
  if (a.in[0].dtype() != DType::f32) return false;
  if (!lies_well(a.in[0]) || !lies_well(a.in[1])) return false;
  const Product p = of_matmul(a);
  return pays_in_bf16(p) && parts_of(p, Type::bf16).usable(&Prepared::right);
}

void onednn_bf16_matmul(const KernelArgs& a) {
  multiply(of_matmul(a), Type::bf16, floats(a.in[0]), floats(a.in[1]), nullptr, floats_of(a.out[0]),
           [](std::int64_t, std::int64_t) {});
}

}  // namespace cairn::kernels
#endif
