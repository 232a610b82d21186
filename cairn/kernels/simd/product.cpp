// Products of f32 matrices for all threads: a b, and x W^T + b with what follows it.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/linear_operands_internal.h"
#include "cairn/kernels/simd/gemm_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/matmul_operands.h"

namespace cairn::kernels {
namespace {

// The tiles in which threads compute a product. No number depends on them (gemm_internal.h), so that they may
// depend on how many threads there are.
struct Tiles {
  std::int64_t rows, columns;  // of a tile
  std::int64_t down, across;   // number of tiles
  std::int64_t count() const { return down * across; }
};

// Every tile packs its own part of both sides, so that squares cost least; b in C order is packed on the way,
// which makes rows the cheaper cut.
Tiles tiles_of(const Gemm& g, std::int64_t products) {
  constexpr std::int64_t kLeastWork = 1 << 17, kSome = 1 << 22, kMuch = 1 << 28;  // 2.5 us, 80 us, 5 ms
  const std::int64_t unit = tile_kernels().columns, threads = num_threads();
  const auto tiles = [&](std::int64_t rows, std::int64_t columns) {
    columns = std::min(g.n, (columns + unit - 1) / unit * unit);
    return Tiles{rows, columns, (g.m + rows - 1) / rows, (g.n + columns - 1) / columns};
  };
  Tiles t = tiles(g.m, g.n);
  // Several tiles for a thread even out what else the machine does, where there is work enough.
  const std::int64_t work = products * g.m * g.n * g.k;
  const std::int64_t wanted = threads == 1 ? 1 : threads * (work < kSome ? 1 : work < kMuch ? 2 : 4);
  while (products * t.count() < wanted && t.rows * t.columns * g.k >= 2 * kLeastWork) {
    const bool across = t.columns > (g.b.transposed ? 1 : 2) * t.rows && t.columns > unit;
    if (!across && t.rows == 1) break;
    t = across ? tiles(t.rows, (t.columns + 1) / 2) : tiles((t.rows + 1) / 2, t.columns);
  }
  return t;
}

// `of(product)` gives one of the products, all of the same sizes as `first`.
template <class F>
void multiply(const Gemm& first, std::int64_t products, F&& of) {
  const Tiles t = tiles_of(first, products);
  if (products * t.count() == 1) return gemm(first);
  constexpr std::int64_t kGrain = 1 << 17;
  parallel_for(products * t.count(), std::max<std::int64_t>(1, kGrain / (t.rows * t.columns * first.k)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) {
                   Gemm g = of(item / t.count());
                   const std::int64_t tile = item % t.count(), i = tile / t.across * t.rows,
                                      j = tile % t.across * t.columns;
                   g.a = g.a.from(i, 0);
                   g.b = g.b.from(0, j);
                   g.m = std::min(t.rows, g.m - i);
                   g.n = std::min(t.columns, g.n - j);
                   g.c += i * g.leading + j;
                   if (g.bias) g.bias += j;
                   gemm(g);
                 }
               });
}

}  // namespace

bool simd_linear_supports(const KernelArgs& a) {
  return a.in[0].dtype() == DType::f32 && a.out[0].size() > 0 && a.in[1].size() > 0;
}

namespace {
void run_linear(const LinearOperands& o, const Factor& weight) {
  const Gemm g{.a = {o.x, o.k},
               .b = weight,
               .m = o.m,
               .n = o.n,
               .k = o.k,
               .c = o.y,
               .leading = o.n,
               .bias = o.b,
               .activation = o.activation};
  multiply(g, 1, [&](std::int64_t) { return g; });
}
}  // namespace

void simd_linear(const KernelArgs& a) {
  const LinearOperands o(a);
  run_linear(o, {o.w, o.k, true});
}

Tensor simd_linear_prepare(const KernelArgs& a) {
  const LinearOperands o(a);
  const TileKernels tiles = tile_kernels();
  const std::int64_t unit = tiles.columns, strips = (o.n + unit - 1) / unit;
  Tensor packed = Tensor::empty({strips, o.k, unit}, DType::f32);
  float* const to = packed.mutable_data<float>().data();
  parallel_for(strips, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = begin; s < end; ++s)
      tiles.pack_turned(o.w + s * unit * o.k, o.k, std::min(unit, o.n - s * unit), o.k, to + s * unit * o.k,
                        unit);
  });
  return packed;
}

void simd_linear_prepared(const KernelArgs& a, const Tensor& packed) {
  const LinearOperands o(a);
  const std::int64_t unit = packed.size(2);
  run_linear(o, {packed.data<float>().data(), o.k * unit, false, unit});
}

bool simd_matmul_supports(const KernelArgs& a) {
  return a.in[0].dtype() == DType::f32 && a.in[0].size() > 0 && a.in[1].size() > 0;
}

void simd_matmul(const KernelArgs& args) {
  const MatmulOperands o(args);
  const auto *a = reinterpret_cast<const float*>(o.a.tensor.raw()),
             *b = reinterpret_cast<const float*>(o.b.tensor.raw());
  auto* const c = reinterpret_cast<float*>(const_cast<std::byte*>(args.out[0].raw()));
  const auto of = [&](std::int64_t product) {
    return Gemm{.a = {a + o.a.offset(o.result, product), o.a.leading, o.a.transposed},
                .b = {b + o.b.offset(o.result, product), o.b.leading, o.b.transposed},
                .m = o.m,
                .n = o.n,
                .k = o.k,
                .c = c + product * o.m * o.n,
                .leading = o.n};
  };
  multiply(of(0), o.products, of);
}

}  // namespace cairn::kernels
