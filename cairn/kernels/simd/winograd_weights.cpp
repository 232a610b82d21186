// The gradient of a convolution by windows of 3 x 3 for its weight, in a quarter of the multiplications: of
// every tile, the 6 x 6 pixels and the 4 x 4 gradients of results are transformed, and the products
// [filters, tiles] by [tiles, channels] of each point of the transform are summed over all tiles before they
// become taps. Parts of the tiles have sums of their own, added in their order: how many there are depends on
// the tiles alone, so that any number of threads gives the same bytes.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/gemm_internal.h"
#include "cairn/kernels/simd/winograd_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/tensor/strided.h"

namespace cairn::kernels {
namespace {

constexpr std::int64_t kBlock = 64;                       // tiles transformed before they are multiplied
constexpr std::int64_t kLeastParts = 4, kMostParts = 16;  // where there are tiles for them
constexpr std::int64_t kSums = 1 << 22;                   // numbers that all parts hold, or their least

struct WeightGradient {
  Tiling tiling;
  std::int64_t channels, filters;
  const float *pixels, *gradient;
  TileKernels tiles = tile_kernels();
  WinogradKernels winograd = winograd_kernels();

  std::int64_t sums() const { return kPoints * filters * channels; }  // of one part: [point, filter, channel]
};

// Adds the products of the tiles [begin, end) to `sums`; the first block of a part begins them.
void block(const WeightGradient& w, std::int64_t begin, std::int64_t end, bool first, float* sums) {
  const std::int64_t tiles = end - begin, image_step = tiles * w.channels, gradient_step = tiles * w.filters;
  const std::int64_t one_tile = kPoints * std::max(w.channels, w.filters);
  float* const images =
      packing_space(static_cast<std::size_t>(kPoints * (image_step + gradient_step) + one_tile));
  float* const gradients = images + kPoints * image_step;
  float* const space = gradients + kPoints * gradient_step;
  const Axis &rows = w.tiling.rows, &columns = w.tiling.columns;
  for (std::int64_t t = 0; t < tiles; ++t) {
    const Place at = place_of(w.tiling, begin + t);
    w.winograd.images(window_of(w.tiling, at, w.pixels, w.channels, space), w.channels,
                      images + t * w.channels, image_step);
    w.winograd.gradients(
        pixels_of(w.gradient + at.image * rows.results * columns.results * w.filters, rows.results,
                  columns.results, w.filters, at.row, at.column, kResults, space),
        w.filters, gradients + t * w.filters, gradient_step);
  }
  const std::int64_t strips = (w.filters + w.tiles.rows - 1) / w.tiles.rows;
  for (std::int64_t p = 0; p < kPoints; ++p)
    for (std::int64_t c = 0; c < w.channels; c += w.tiles.columns)
      for (std::int64_t s = 0; s < strips; ++s) {
        const std::int64_t o = w.filters * s / strips;
        w.tiles.compute({.k = tiles,
                         .a = gradients + p * gradient_step + o,
                         .row_step = w.filters,
                         .b = images + p * image_step + c,
                         .b_step = w.channels,
                         .c = sums + (p * w.filters + o) * w.channels + c,
                         .leading = w.channels,
                         .add = !first,
                         .rows = w.filters * (s + 1) / strips - o,
                         .columns = std::min(w.tiles.columns, w.channels - c)},
                        true);
      }
}

}  // namespace

bool winograd_conv2d_weight_gradient_supports(const KernelArgs& a) {
  return winograd_pays(a, conv2d_weight_gradient_shape(a));
}

void winograd_conv2d_weight_gradient(const KernelArgs& a) {
  const Tensor images = dense(a.in[0]), gradient = dense(a.in[1]);
  const Conv2dShape s = conv2d_weight_gradient_shape(a);
  const WeightGradient w{.tiling = tiling_of(s),
                         .channels = s.channels,
                         .filters = s.filters,
                         .pixels = images.data<float>().data(),
                         .gradient = gradient.data<float>().data()};
  const std::int64_t tiles = w.tiling.tiles(), most = std::clamp(kSums / w.sums(), kLeastParts, kMostParts),
                     parts = std::clamp<std::int64_t>(tiles / kBlock, 1, most);
  Tensor sums = Tensor::empty({parts, w.sums()}, DType::f32);
  float* const of_parts = sums.mutable_data<float>().data();
  parallel_for(parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t first = tiles * part / parts, last = tiles * (part + 1) / parts;
      const std::int64_t blocks = (last - first + kBlock - 1) / kBlock;
      for (std::int64_t b = 0; b < blocks; ++b)
        block(w, first + (last - first) * b / blocks, first + (last - first) * (b + 1) / blocks, b == 0,
              of_parts + part * w.sums());
    }
  });
  float* const taps = a.out[0].mutable_data<float>().data();
  parallel_for(w.filters, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o)
      w.winograd.taps(of_parts + o * w.channels, w.filters * w.channels, parts, w.sums(), w.channels,
                      taps + o * kTaps * kTaps * w.channels);
  });
}

}  // namespace cairn::kernels
