#include "cairn/tree/histogram_internal.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"

namespace cairn::tree {
namespace {

constexpr std::int64_t kAhead = 16;  // rows fetched before they are needed
constexpr int kMostBits = 26;
constexpr int kExactBits = 18;  // from here on rounding to the nearest is good enough
constexpr std::int64_t kRowBlock = 8192;

template <std::int64_t Width, bool Listed, bool Sparse>
void add_rows(const BinnedData& data, const std::uint32_t* rows, std::int64_t first, std::int64_t count,
              const std::int64_t* words, std::int64_t* histogram) {
  const std::int64_t width = Width > 0 ? Width : data.width();
  const std::int64_t full = data.num_dense() / 8, rest = data.num_dense() % 8;
  const std::uint8_t* base = data.row(0);
  const std::int64_t stride = data.stride();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t r = Listed ? rows[i] : first + i;
    if constexpr (Listed) {
      const std::int64_t next = rows[std::min(i + kAhead, count - 1)];
      __builtin_prefetch(base + next * stride);
      __builtin_prefetch(words + next);
    }
    const std::int64_t word = words[r];
    const std::uint8_t* bins = base + r * stride;
    std::int64_t* h = histogram;
    for (std::int64_t b = 0; b < full; ++b) {
      std::uint64_t eight;
      std::memcpy(&eight, bins + 8 * b, 8);
      h[eight & 255] += word;
      h[width + (eight >> 8 & 255)] += word;
      h[2 * width + (eight >> 16 & 255)] += word;
      h[3 * width + (eight >> 24 & 255)] += word;
      h[4 * width + (eight >> 32 & 255)] += word;
      h[5 * width + (eight >> 40 & 255)] += word;
      h[6 * width + (eight >> 48 & 255)] += word;
      h[7 * width + (eight >> 56)] += word;
      h += 8 * width;
    }
    for (std::int64_t f = 0; f < rest; ++f) h[f * width + bins[8 * full + f]] += word;
    if constexpr (Sparse)
      for (const std::uint32_t entry : data.sparse_entries(r)) histogram[entry] += word;
  }
}

// A number in [0, 1) that looks random from row to row.
double dither(std::uint32_t row, std::uint32_t seed) {
  std::uint32_t x = row * 0x9E3779B9U + seed;
  x ^= x >> 16;
  x *= 0x7FEB352DU;
  x ^= x >> 15;
  return x * 0x1p-32;
}

// The larger one; NaN, which std::max would lose, stays.
double largest_or_nan(double a, double b) { return std::isnan(a) || b <= a ? a : b; }

}  // namespace

int gradient_bits(std::int64_t n) {
  return std::min(
      kMostBits,
      32 - static_cast<int>(std::bit_width(static_cast<std::uint64_t>(std::max<std::int64_t>(n, 1)))));
}

void pack_gradients(std::span<const double> g, std::span<const double> h, std::uint64_t seed,
                    Gradients& out) {
  struct Largest {
    double g = 0, h = 0;
  };
  const auto n = std::ssize(g);
  const auto largest = parallel_reduce<Largest>(
      n, kRowBlock,
      [&](std::int64_t begin, std::int64_t end) {
        Largest l;
        for (std::int64_t r = begin; r < end; ++r) {
          l.g = largest_or_nan(l.g, std::abs(g[static_cast<std::size_t>(r)]));
          l.h = largest_or_nan(l.h, h[static_cast<std::size_t>(r)]);
        }
        return l;
      },
      [](Largest& into, const Largest& other) {
        into.g = largest_or_nan(into.g, other.g);
        into.h = largest_or_nan(into.h, other.h);
      });
  if (!std::isfinite(largest.g) || !std::isfinite(largest.h)) {  // no scale can hold them
    out.g_scale = out.h_scale = largest.g + largest.h;
    return;
  }
  const int bits = gradient_bits(n);
  const auto most = static_cast<double>((std::int64_t{1} << (bits - 1)) - 1);
  out.g_scale = largest.g > 0 ? largest.g / most : 1;
  out.h_scale = largest.h > 0 ? largest.h / most : 1;
  const double by_g = 1 / out.g_scale, by_h = 1 / out.h_scale;
  const auto seed32 = static_cast<std::uint32_t>(derive_seed(seed, "gradient rounding"));
  out.words.resize(static_cast<std::size_t>(n));
  parallel_for(n, kRowBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto r = static_cast<std::size_t>(i);
      const double up = bits >= kExactBits ? 0.5 : dither(static_cast<std::uint32_t>(i), seed32);
      const auto whole_g = static_cast<std::int64_t>(std::floor(g[r] * by_g + up));
      const auto whole_h = static_cast<std::int64_t>(h[r] * by_h + (bits >= kExactBits ? 0.5 : 1 - up));
      out.words[r] = whole_g * (std::int64_t{1} << 32) + whole_h;
    }
  });
}

void add_to_histogram(const BinnedData& data, const std::uint32_t* rows, std::int64_t first,
                      std::int64_t count, const std::int64_t* words, std::int64_t* histogram) {
  constexpr std::int64_t kUsual = 256;
  const auto with = [&]<std::int64_t Width, bool Sparse>() {
    rows ? add_rows<Width, true, Sparse>(data, rows, first, count, words, histogram)
         : add_rows<Width, false, Sparse>(data, rows, first, count, words, histogram);
  };
  if (!data.sparse().empty())
    with.template operator()<0, true>();
  else if (data.width() == kUsual)
    with.template operator()<kUsual, false>();
  else
    with.template operator()<0, false>();
}

void complete_sparse(const BinnedData& data, std::int64_t total, std::int64_t* histogram) {
  for (const std::int32_t f : data.sparse()) {
    const BinnedFeature& feature = data.feature(f);
    std::int64_t* h = histogram + data.offset(f);
    std::int64_t listed = 0;
    for (int b = 0; b < feature.width(); ++b) listed += b == feature.sparse_bin ? 0 : h[b];
    h[feature.sparse_bin] = total - listed;
  }
}

HistogramPool::Histogram HistogramPool::take() {
  if (free_.empty()) return Histogram(new std::int64_t[static_cast<std::size_t>(size_)]);
  Histogram h = std::move(free_.back());
  free_.pop_back();
  return h;
}

}  // namespace cairn::tree
