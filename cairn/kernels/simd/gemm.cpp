// Products of f32 matrices as in Goto and van de Geijn: Anatomy of high-performance matrix multiplication
// (2008): a tile of c in registers, a strip of a in the first cache, a panel of b in the second. What b gives
// in C order is put into the panel by the first strip that reads it, so that this costs no pass of its own.
#include "cairn/kernels/simd/gemm_internal.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/tensor/tensor.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/kernels/simd/gemm.cpp"
#include <hwy/foreach_target.h>
//
#include "cairn/kernels/simd/math.inc"

HWY_BEFORE_NAMESPACE();
namespace cairn::kernels::HWY_NAMESPACE {

// Rows of the tile: as many as leave two registers of its two columns of vectors for b and one for a.
#if HWY_TARGET <= HWY_AVX3
constexpr int kRows = 14;
constexpr std::int64_t kStripStep = 16;  // between the columns of a packed strip of a, a whole cache line
#else
constexpr int kRows = 6;
constexpr std::int64_t kStripStep = 8;
#endif
constexpr std::int64_t kDepth = 512;          // products summed in registers before c is touched
constexpr std::int64_t kBlockRows = 224;      // of a, packed at once
constexpr std::int64_t kPanelColumns = 2048;  // of b, packed at once
constexpr std::int64_t kAhead = 16;           // rows of b asked for before they are read
constexpr std::int64_t kFewStrips = 8;        // then a stays in the cache while b passes once

// How many columns of the tile are there: both vectors whole, the second in part, the first in part.
enum class Width { whole, second, first };

// The sums of the tile, each with a name of its own: an array of vectors would live in memory.
template <int R>
struct Sums {
  V v0, v1;
  Sums<R - 1> rest;
};
template <>
struct Sums<0> {};

template <int R>
HWY_INLINE void begin_with(Sums<R>& s, V v0, V v1) {
  if constexpr (R > 0) {
    s.v0 = v0;
    s.v1 = v1;
    begin_with(s.rest, v0, v1);
  }
}

template <Width kWidth, int R>
HWY_INLINE void add_products(Sums<R>& s, const float* a, std::int64_t row_step, V b0, V b1) {
  if constexpr (R > 0) {
    const V x = hn::Set(D(), *a);
    s.v0 = hn::MulAdd(x, b0, s.v0);
    if constexpr (kWidth != Width::first) s.v1 = hn::MulAdd(x, b1, s.v1);
    add_products<kWidth>(s.rest, a + row_step, row_step, b0, b1);
  }
}

// The first numbers of a vector, and no byte of memory behind them.
struct Part {
  std::int64_t count;
#if !HWY_MEM_OPS_MIGHT_FAULT
  hn::Mask<D> mask = hn::FirstN(D(), static_cast<std::size_t>(count));
#endif

  HWY_INLINE V load(const float* from) const {
#if HWY_MEM_OPS_MIGHT_FAULT
    HWY_ALIGN float padded[HWY_MAX_BYTES / sizeof(float)] = {};
    std::copy_n(from, count, padded);
    return hn::Load(D(), padded);
#else
    return hn::MaskedLoad(mask, D(), from);
#endif
  }
  HWY_INLINE void store(V v, float* to) const {
#if HWY_MEM_OPS_MIGHT_FAULT
    HWY_ALIGN float padded[HWY_MAX_BYTES / sizeof(float)];
    hn::Store(v, D(), padded);
    std::copy_n(padded, count, to);
#else
    hn::BlendedStore(v, mask, D(), to);
#endif
  }
};

template <Width kWidth, int R>
HWY_INLINE void put(const Sums<R>& s, float* c, std::int64_t leading, const Part& part, bool add) {
  if constexpr (R > 0) {
    const D d;
    const auto one = [&](V v, float* to, bool whole) HWY_ATTR {
      if (add) v = hn::Add(whole ? hn::LoadU(d, to) : part.load(to), v);
      if (whole)
        hn::StoreU(v, d, to);
      else
        part.store(v, to);
    };
    one(s.v0, c, kWidth != Width::first);
    if constexpr (kWidth != Width::first) one(s.v1, c + hn::Lanes(d), kWidth == Width::whole);
    put<kWidth>(s.rest, c + leading, leading, part, add);
  }
}

template <int R, Width kWidth, bool kPacked>
void tile_of(const Tile& t) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const std::int64_t row_step = kPacked ? 1 : t.row_step, step = kPacked ? t.row_step : 1;
  const Part part{kWidth == Width::second ? t.columns - lanes : t.columns};
  const auto left = [&](const float* x)
                        HWY_ATTR { return kWidth == Width::first ? part.load(x) : hn::LoadU(d, x); };
  const auto right = [&](const float* x) HWY_ATTR {
    if constexpr (kWidth == Width::first) return hn::Zero(d);
    return kWidth == Width::second ? part.load(x + lanes) : hn::LoadU(d, x + lanes);
  };
  if (t.add)  // c is needed at the end; its rows often share the cache's few places
    for (int r = 0; r < R; ++r) {
      __builtin_prefetch(t.c + r * t.leading, 1);
      __builtin_prefetch(t.c + r * t.leading + t.columns - 1, 1);
    }
  Sums<R> sums;
  if (t.bias)
    begin_with(sums, left(t.bias), right(t.bias));
  else
    begin_with(sums, hn::Zero(d), hn::Zero(d));
  const float* b = t.b;
  float* keep = t.keep;
  for (std::int64_t piece = 0; piece < t.pieces; ++piece) {
    const float* a = t.a + piece * t.piece_step;
    for (std::int64_t p = 0; p < t.k; ++p) {
      const V b0 = left(b), b1 = right(b);
      __builtin_prefetch(b + kAhead * t.b_step);
      __builtin_prefetch(b + kAhead * t.b_step + t.columns - 1);
      if (keep) {
        hn::Store(b0, d, keep);
        hn::Store(b1, d, keep + lanes);
        keep += 2 * lanes;
      }
      add_products<kWidth>(sums, a, row_step, b0, b1);
      a += step;
      b += t.b_step;
    }
  }
  put<kWidth>(sums, t.c, t.leading, part, t.add);
}

using TileKernel = void (*)(const Tile&);
template <Width kWidth, bool kPacked, int... r>
constexpr std::array<TileKernel, kRows> kernels_of(std::integer_sequence<int, r...>) {
  return {tile_of<r + 1, kWidth, kPacked>...};
}
template <bool kPacked>
constexpr std::array<std::array<TileKernel, kRows>, 3> kernels_of() {
  constexpr auto kEach = std::make_integer_sequence<int, kRows>();
  return {kernels_of<Width::whole, kPacked>(kEach), kernels_of<Width::second, kPacked>(kEach),
          kernels_of<Width::first, kPacked>(kEach)};
}
constexpr std::array<std::array<std::array<TileKernel, kRows>, 3>, 2> kTileKernels = {kernels_of<false>(),
                                                                                      kernels_of<true>()};

void compute_tile(const Tile& t, bool packed) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(D()));
  const Width width = t.columns == 2 * lanes ? Width::whole
                      : t.columns > lanes    ? Width::second
                                             : Width::first;
  kTileKernels[packed ? 1 : 0][static_cast<std::size_t>(width)][static_cast<std::size_t>(t.rows - 1)](t);
}

// to[p * step + r] = x[r * leading + p]: rows become columns, four by four; a line of every row at a time, so
// that what is read and what is written stay in the cache until they are whole.
void pack_turned(const float* x, std::int64_t leading, std::int64_t rows, std::int64_t k, float* to,
                 std::int64_t step) {
  [[maybe_unused]] constexpr std::int64_t kLine = 16, kSide = 4, kFetched = 2 * kLine;
  for (std::int64_t begin = 0; begin < k; begin += kLine) {
    const std::int64_t end = std::min(k, begin + kLine);
    std::int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
    const hn::FixedTag<float, kSide> d;
    for (; r + kSide <= rows; r += kSide) {
      const float *x0 = x + r * leading, *x1 = x0 + leading, *x2 = x1 + leading, *x3 = x2 + leading;
      std::int64_t p = begin;
      for (const float* row : {x0, x1, x2, x3}) __builtin_prefetch(row + begin + kFetched);
      for (; p + kSide <= end; p += kSide) {
        const auto v0 = hn::LoadU(d, x0 + p), v1 = hn::LoadU(d, x1 + p), v2 = hn::LoadU(d, x2 + p),
                   v3 = hn::LoadU(d, x3 + p);
        const auto low02 = hn::InterleaveLower(d, v0, v2), high02 = hn::InterleaveUpper(d, v0, v2),
                   low13 = hn::InterleaveLower(d, v1, v3), high13 = hn::InterleaveUpper(d, v1, v3);
        float* const at = to + p * step + r;
        hn::StoreU(hn::InterleaveLower(d, low02, low13), d, at);
        hn::StoreU(hn::InterleaveUpper(d, low02, low13), d, at + step);
        hn::StoreU(hn::InterleaveLower(d, high02, high13), d, at + 2 * step);
        hn::StoreU(hn::InterleaveUpper(d, high02, high13), d, at + 3 * step);
      }
      for (; p < end; ++p) {
        float* const at = to + p * step + r;
        at[0] = x0[p], at[1] = x1[p], at[2] = x2[p], at[3] = x3[p];
      }
    }
#endif
    for (; r < rows; ++r)
      for (std::int64_t p = begin; p < end; ++p) to[p * step + r] = x[r * leading + p];
  }
}

// to[p * step + r] = x[p * leading + r]
void pack_straight(const float* x, std::int64_t leading, std::int64_t rows, std::int64_t k, float* to,
                   std::int64_t step) {
  const D d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t p = 0; p < k; ++p, x += leading, to += step) {
    std::int64_t r = 0;
    for (; r + lanes <= rows; r += lanes) hn::StoreU(hn::LoadU(d, x + r), d, to + r);
    for (; r < rows; ++r) to[r] = x[r];
  }
}

// One panel of b [depth, columns] and the blocks of a that meet it.
class Panel {
 public:
  Panel(const Gemm& g, std::int64_t first_column, std::int64_t columns, std::int64_t first,
        std::int64_t depth, float* packed_b, float* packed_a, bool packs_a)
      : g_(g),
        b_(g.b.from(first, first_column)),
        n0_(first_column),
        columns_(columns),
        k0_(first),
        depth_(depth),
        packed_b_(packed_b),
        packed_a_(packed_a),
        packs_a_(packs_a) {}

  void run() const {
    constexpr std::int64_t kStrips = kBlockRows / kRows;
    if (g_.b.transposed)
      for (std::int64_t j = 0; j < columns_; j += wide())
        pack_turned(b_.from(0, j).data, b_.leading, std::min(wide(), columns_ - j), depth_, panel(j), wide());
    for (std::int64_t s = 0; s < strips(); s += kStrips) block(s, std::min(strips(), s + kStrips));
  }

 private:
  static std::int64_t wide() { return 2 * static_cast<std::int64_t>(hn::Lanes(D())); }
  std::int64_t strips() const { return (g_.m + kRows - 1) / kRows; }
  std::int64_t row(std::int64_t strip) const { return g_.m * strip / strips(); }
  float* panel(std::int64_t column) const { return packed_b_ + column * depth_; }
  bool last() const { return k0_ + depth_ == g_.k; }

  void block(std::int64_t begin, std::int64_t end) const {
    if (packs_a_)
      for (std::int64_t s = begin; s < end; ++s) {
        const Factor a = g_.a.from(row(s), k0_);
        (a.transposed ? pack_straight : pack_turned)(a.data, a.leading, row(s + 1) - row(s), depth_,
                                                     strip(s - begin), kStripStep);
      }
    if (strips() <= kFewStrips) {
      for (std::int64_t j = 0; j < columns_; j += wide())
        for (std::int64_t s = begin; s < end; ++s) tile(s, s - begin, j);
    } else {
      for (std::int64_t s = begin; s < end; ++s)
        for (std::int64_t j = 0; j < columns_; j += wide()) tile(s, s - begin, j);
    }
    if (last() && g_.activation != LinearActivation::none)
      for (std::int64_t r = row(begin); r < row(end); ++r)
        activate_row(g_.activation, g_.c + r * g_.leading + n0_, columns_);
  }
  float* strip(std::int64_t s) const { return packed_a_ + s * kStripStep * depth_; }

  void tile(std::int64_t s, std::int64_t in_block, std::int64_t j) const {
    const bool lies_packed = g_.b.packed > 0;
    const bool reads_b = s == 0 && !g_.b.transposed && !lies_packed;  // the first to need it packs it
    compute_tile({.k = depth_,
                  .a = packs_a_ ? strip(in_block) : g_.a.from(row(s), k0_).data,
                  .row_step = packs_a_ ? kStripStep : g_.a.leading,
                  .b = reads_b || lies_packed ? b_.from(0, j).data : panel(j),
                  .b_step = reads_b ? b_.leading : wide(),
                  .keep = reads_b && strips() > 1 ? panel(j) : nullptr,
                  .c = g_.c + row(s) * g_.leading + n0_ + j,
                  .leading = g_.leading,
                  .bias = g_.bias && k0_ == 0 ? g_.bias + n0_ + j : nullptr,
                  .add = k0_ > 0,
                  .rows = row(s + 1) - row(s),
                  .columns = std::min(wide(), columns_ - j)},
                 packs_a_);
  }

  const Gemm& g_;
  Factor b_;
  std::int64_t n0_, columns_, k0_, depth_;
  float *packed_b_, *packed_a_;
  bool packs_a_;
};

void gemm_of(const Gemm& g) {
  constexpr std::int64_t kSmall = 1 << 13;  // numbers of a that are read where they lie
  const auto wide = 2 * static_cast<std::int64_t>(hn::Lanes(D()));
  const std::int64_t depths = (g.k + kDepth - 1) / kDepth, depth = (g.k + depths - 1) / depths;
  const std::int64_t columns = std::min((g.n + wide - 1) / wide * wide, kPanelColumns);
  const bool packs_a = g.a.transposed || g.m * g.k > kSmall;
  const std::int64_t strips = std::min((g.m + kRows - 1) / kRows, kBlockRows / kRows);
  const bool packs_b = g.b.packed == 0 && (g.b.transposed || g.m > kRows);
  const std::int64_t of_a = packs_a ? strips * kStripStep * depth : 0, of_b = packs_b ? columns * depth : 0;
  float* const packed_b = packing_space(static_cast<std::size_t>(of_a + of_b));
  for (std::int64_t j = 0; j < g.n; j += kPanelColumns)
    for (std::int64_t i = 0; i < depths; ++i) {
      const std::int64_t k0 = g.k * i / depths;
      Panel(g, j, std::min(kPanelColumns, g.n - j), k0, g.k * (i + 1) / depths - k0, packed_b,
            packed_b + of_b, packs_a)
          .run();
    }
}

TileKernels tile_kernels_of() {
  return {kRows, 2 * static_cast<std::int64_t>(hn::Lanes(D())), compute_tile, pack_turned};
}

}  // namespace cairn::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::kernels {

HWY_EXPORT(gemm_of);
HWY_EXPORT(tile_kernels_of);

float* packing_space(std::size_t numbers) {
  thread_local std::shared_ptr<Storage> kept;
  if (!kept || kept->bytes() < numbers * sizeof(float)) kept = Storage::allocate(numbers * sizeof(float));
  return reinterpret_cast<float*>(kept->data());
}

void gemm(const Gemm& g) {
  choose_instruction_set();
  HWY_DYNAMIC_DISPATCH(gemm_of)(g);
}
TileKernels tile_kernels() {
  choose_instruction_set();
  return HWY_DYNAMIC_DISPATCH(tile_kernels_of)();
}

}  // namespace cairn::kernels
#endif
