// Convolutions of f32 images by windows of 3 x 3, stride 1, in a quarter of the multiplications: tiles of 4 x
// 4 results are transformed, multiplied point by point of the transform as products of matrices [tiles,
// channels] by [channels, filters], and transformed back. A block of tiles passes through all three while it
// lies in the second cache. Each number is made in one order, however tiles are put into blocks: the same
// bytes on any number of threads.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/gemm_internal.h"
#include "cairn/kernels/simd/winograd_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/conv2d.h"
#include "cairn/tensor/strided.h"

namespace cairn::kernels {
namespace {

constexpr std::int64_t kBlockNumbers = 1 << 17;  // of a block's transformed tiles and products

struct Filtering {
  Tiling tiling;
  std::int64_t channels, filters;
  const float *pixels, *bias;  // bias: null where there is none
  float* results;
  bool relu;
};

struct Kernels {
  TileKernels tiles = tile_kernels();
  WinogradKernels winograd = winograd_kernels();

  std::int64_t strips(std::int64_t filters) const { return (filters + tiles.columns - 1) / tiles.columns; }
};

// Transformed filters [point, strip, channel, filter of the strip]. Of weights [O, 3, 3, C] that see C
// channels:
Tensor filters_of(const Tensor& weight, const Kernels& k) {
  const std::int64_t filters = weight.size(0), channels = weight.size(3), unit = k.tiles.columns,
                     strips = k.strips(filters);
  Tensor result = Tensor::empty({kPoints, strips, channels, unit}, DType::f32);
  const float* const from = weight.data<float>().data();
  float* const to = result.mutable_data<float>().data();
  parallel_for(strips, 1, [&](std::int64_t begin, std::int64_t end) {
    float* const transformed = packing_space(static_cast<std::size_t>(kPoints * unit * channels));
    for (std::int64_t s = begin; s < end; ++s) {
      const std::int64_t rows = std::min(unit, filters - s * unit);
      for (std::int64_t o = 0; o < rows; ++o)
        k.winograd.filters(from + (s * unit + o) * kTaps * kTaps * channels, channels, false, channels,
                           transformed + o * channels, unit * channels);
      for (std::int64_t p = 0; p < kPoints; ++p)
        k.tiles.pack_turned(transformed + p * unit * channels, channels, rows, channels,
                            to + (p * strips + s) * channels * unit, unit);
    }
  });
  return result;
}

// The same weights as those of the gradient for the images, which sees O channels and has C filters.
Tensor gradient_filters_of(const Tensor& weight, const Kernels& k) {
  const std::int64_t channels = weight.size(0), filters = weight.size(3), unit = k.tiles.columns,
                     strips = k.strips(filters);
  Tensor result = Tensor::empty({kPoints, strips, channels, unit}, DType::f32);
  const float* const from = weight.data<float>().data();
  float* const to = result.mutable_data<float>().data();
  parallel_for(channels, 4, [&](std::int64_t begin, std::int64_t end) {
    float* const transformed = packing_space(static_cast<std::size_t>(kPoints * filters));
    for (std::int64_t c = begin; c < end; ++c) {
      k.winograd.filters(from + c * kTaps * kTaps * filters, filters, true, filters, transformed, filters);
      for (std::int64_t p = 0; p < kPoints; ++p)
        for (std::int64_t s = 0; s < strips; ++s)
          std::copy_n(transformed + p * filters + s * unit, std::min(unit, filters - s * unit),
                      to + ((p * strips + s) * channels + c) * unit);
    }
  });
  return result;
}

// Results of a tile that reaches over the image's end are made in `space`, and these are those to keep.
void keep_results(const Filtering& f, const Place& at, const float* space, float* to) {
  const std::int64_t rows = std::min(kResults, f.tiling.rows.results - at.row),
                     columns = std::min(kResults, f.tiling.columns.results - at.column);
  for (std::int64_t i = 0; i < rows; ++i)
    std::copy_n(space + i * kResults * f.filters, columns * f.filters,
                to + i * f.tiling.columns.results * f.filters);
}

void block(const Filtering& f, const Kernels& k, const float* filters, std::int64_t begin, std::int64_t end) {
  const std::int64_t tiles = end - begin, unit = k.tiles.columns, strips = k.strips(f.filters);
  const std::int64_t image_step = tiles * f.channels, product_step = tiles * f.filters;
  const std::int64_t one_tile = kPoints * std::max(f.channels, f.filters);
  float* const images =
      packing_space(static_cast<std::size_t>(kPoints * (image_step + product_step) + one_tile));
  float* const products = images + kPoints * image_step;
  float* const tile = products + kPoints * product_step;
  for (std::int64_t t = 0; t < tiles; ++t)
    k.winograd.images(window_of(f.tiling, place_of(f.tiling, begin + t), f.pixels, f.channels, tile),
                      f.channels, images + t * f.channels, image_step);
  const std::int64_t runs = (tiles + k.tiles.rows - 1) / k.tiles.rows;
  for (std::int64_t p = 0; p < kPoints; ++p)
    for (std::int64_t s = 0; s < strips; ++s)
      for (std::int64_t r = 0; r < runs; ++r) {
        const std::int64_t first = tiles * r / runs;
        k.tiles.compute({.k = f.channels,
                         .a = images + p * image_step + first * f.channels,
                         .row_step = f.channels,
                         .b = filters + (p * strips + s) * f.channels * unit,
                         .b_step = unit,
                         .c = products + p * product_step + first * f.filters + s * unit,
                         .leading = f.filters,
                         .rows = tiles * (r + 1) / runs - first,
                         .columns = std::min(unit, f.filters - s * unit)},
                        false);
      }
  for (std::int64_t t = 0; t < tiles; ++t) {
    const Place at = place_of(f.tiling, begin + t);
    float* const to =
        f.results +
        ((at.image * f.tiling.rows.results + at.row) * f.tiling.columns.results + at.column) * f.filters;
    const bool whole =
        at.row + kResults <= f.tiling.rows.results && at.column + kResults <= f.tiling.columns.results;
    k.winograd.results(products + t * f.filters, product_step, f.filters, f.bias, f.relu,
                       whole ? Pixels<float>{to, f.tiling.columns.results * f.filters, f.filters}
                             : Pixels<float>{tile, kResults * f.filters, f.filters});
    if (!whole) keep_results(f, at, tile, to);
  }
}

void run(const Filtering& f, const Kernels& k, const Tensor& filters) {
  const std::int64_t run_of_tiles = k.tiles.rows,
                     runs = kBlockNumbers / (kPoints * (f.channels + f.filters) * run_of_tiles);
  const std::int64_t wanted = 2 * num_threads();
  const std::int64_t most = std::max<std::int64_t>(1, runs) * run_of_tiles,
                     tiles = std::min(most, (f.tiling.tiles() + wanted - 1) / wanted);
  const std::int64_t blocks = (f.tiling.tiles() + tiles - 1) / tiles;
  parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b)
      block(f, k, filters.data<float>().data(), f.tiling.tiles() * b / blocks,
            f.tiling.tiles() * (b + 1) / blocks);
  });
}

}  // namespace

Place place_of(const Tiling& t, std::int64_t tile) {
  return {tile / (t.rows.tiles() * t.columns.tiles()), tile / t.columns.tiles() % t.rows.tiles() * kResults,
          tile % t.columns.tiles() * kResults};
}

Pixels<const float> pixels_of(const float* image, std::int64_t rows, std::int64_t columns,
                              std::int64_t channels, std::int64_t top, std::int64_t left, std::int64_t side,
                              float* space) {
  const std::int64_t row_step = columns * channels;
  if (top >= 0 && left >= 0 && top + side <= rows && left + side <= columns)
    return {image + top * row_step + left * channels, row_step, channels};
  const std::int64_t first = std::clamp<std::int64_t>(-left, 0, side),
                     last = std::clamp<std::int64_t>(columns - left, first, side);
  float* to = space;
  for (std::int64_t y = top; y < top + side; ++y) {
    if (y < 0 || y >= rows) {
      to = std::fill_n(to, side * channels, 0.F);
      continue;
    }
    to = std::fill_n(to, first * channels, 0.F);
    to = std::copy_n(image + y * row_step + (left + first) * channels, (last - first) * channels, to);
    to = std::fill_n(to, (side - last) * channels, 0.F);
  }
  return {space, side * channels, channels};
}

Pixels<const float> window_of(const Tiling& t, const Place& at, const float* images, std::int64_t channels,
                              float* space) {
  return pixels_of(images + at.image * t.rows.pixels * t.columns.pixels * channels, t.rows.pixels,
                   t.columns.pixels, channels, at.row - t.rows.before, at.column - t.columns.before, kWindow,
                   space);
}

Tiling tiling_of(const Conv2dShape& s) {
  return {s.images,
          {s.rows.input, s.out_rows(), s.rows.before},
          {s.columns.input, s.out_columns(), s.columns.before}};
}

// A quarter of the multiplications is won, the transforms are lost: they pay from some channels on, and where
// the filters serve enough tiles: few do where they are transformed beforehand.
bool winograd_pays(const KernelArgs& a, const Conv2dShape& s) {
  constexpr std::int64_t kChannels = 16, kTiles = 32, kTilesOfPrepared = 4;
  const bool prepared = a.constant >> 1 & 1;  // of conv2d, whose filters are its second input
  const auto is_fit = [](const WindowAxis& w) {
    return w.kernel == kTaps && w.stride == 1 && w.dilation == 1 && w.output() > 0;
  };
  return std::ranges::all_of(a.in, [](const Tensor& t) { return t.dtype() == DType::f32; }) &&
         s.groups == 1 && is_fit(s.rows) && is_fit(s.columns) && s.channels >= kChannels &&
         s.filters >= kChannels && tiling_of(s).tiles() >= (prepared ? kTilesOfPrepared : kTiles);
}

bool winograd_conv2d_supports(const KernelArgs& a) { return winograd_pays(a, conv2d_shape(a)); }

Tensor winograd_conv2d_prepare(const KernelArgs& a) { return filters_of(dense(a.in[1]), {}); }

void winograd_conv2d(const KernelArgs& a) { winograd_conv2d_prepared(a, winograd_conv2d_prepare(a)); }

void winograd_conv2d_prepared(const KernelArgs& a, const Tensor& filters) {
  const Tensor images = dense(a.in[0]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  const Conv2dShape s = conv2d_shape(a);
  const Kernels k;
  run({.tiling = tiling_of(s),
       .channels = s.channels,
       .filters = s.filters,
       .pixels = images.data<float>().data(),
       .bias = bias.defined() ? bias.data<float>().data() : nullptr,
       .results = a.out[0].mutable_data<float>().data(),
       .relu = a.attributes.as<Conv2dAttributes>().relu},
      k, filters);
}

bool winograd_conv2d_data_gradient_supports(const KernelArgs& a) {
  return winograd_pays(a, conv2d_data_gradient_shape(a));
}

void winograd_conv2d_data_gradient(const KernelArgs& a) {
  const Tensor gradient = dense(a.in[0]), weight = dense(a.in[1]);
  const Conv2dShape s = conv2d_data_gradient_shape(a);
  const Kernels k;
  run({.tiling = {s.images,
                  {s.out_rows(), s.rows.input, kTaps - 1 - s.rows.before},
                  {s.out_columns(), s.columns.input, kTaps - 1 - s.columns.before}},
       .channels = s.filters,
       .filters = s.channels,
       .pixels = gradient.data<float>().data(),
       .bias = nullptr,
       .results = a.out[0].mutable_data<float>().data(),
       .relu = false},
      k, gradient_filters_of(weight, k));
}

}  // namespace cairn::kernels
