// Private to kernels/: the transforms of minimal filtering F(4 x 4, 3 x 3), of all channels of one tile.
//   y = A^T [(G g G^T) . (B^T d B)] A      Lavin and Gray: Fast algorithms for convolutional neural networks
// with d the 6 x 6 pixels under 4 x 4 results y and g the 3 x 3 filter: 36 products in place of 144.
#pragma once

#include <cstdint>

#include "cairn/ops/conv2d.h"

namespace cairn::kernels {

constexpr std::int64_t kWindow = 6, kResults = 4, kTaps = 3;  // a side of d, y and g
constexpr std::int64_t kPoints = kWindow * kWindow;

// Pixels of an image or of results, their channels side by side: pixel (i, j) of a tile stands at
// at + i * row_step + j * column_step.
template <class T>
struct Pixels {
  T* at;
  std::int64_t row_step, column_step;
};

// Of 16 channels or more. Of a transformed tile, number p of channel c stands at [p * step + c].
struct WinogradKernels {
  void (*images)(const Pixels<const float>& d, std::int64_t channels, float* to,
                 std::int64_t step);  // B^T d B
  // G g G^T; taps tap_step apart, in their order or the last one first.
  void (*filters)(const float* taps, std::int64_t tap_step, bool turned, std::int64_t channels, float* to,
                  std::int64_t step);
  // A^T m A + bias [, 0 at least]; bias may be null
  void (*results)(const float* m, std::int64_t step, std::int64_t channels, const float* bias, bool relu,
                  const Pixels<float>& to);
  // For the gradient of the filters, F(3 x 3, 4 x 4) with the same B: its 4 x 4 "filter" is the gradient of
  // the results, its 3 x 3 results are taps, channels apart, of the sum of m of all parts, part_step apart.
  void (*gradients)(const Pixels<const float>& g, std::int64_t channels, float* to, std::int64_t step);
  void (*taps)(const float* m, std::int64_t step, std::int64_t parts, std::int64_t part_step,
               std::int64_t channels, float* to);
};
WinogradKernels winograd_kernels();

// Images, and the tiles of their results.
struct Axis {
  std::int64_t pixels, results, before;  // before: zeros before the first pixel
  std::int64_t tiles() const { return (results + kResults - 1) / kResults; }
};
struct Tiling {
  std::int64_t images;
  Axis rows, columns;
  std::int64_t tiles() const { return images * rows.tiles() * columns.tiles(); }
};
struct Place {
  std::int64_t image, row, column;  // the tile's first result
};
Tiling tiling_of(const Conv2dShape& s);
Place place_of(const Tiling& t, std::int64_t tile);

// side x side pixels from (top, left) on of an image [rows, columns, channels]; where some lie outside it, a
// copy in `space` with zeros there.
Pixels<const float> pixels_of(const float* image, std::int64_t rows, std::int64_t columns,
                              std::int64_t channels, std::int64_t top, std::int64_t left, std::int64_t side,
                              float* space);
// The 6 x 6 pixels under a tile.
Pixels<const float> window_of(const Tiling& t, const Place& at, const float* images, std::int64_t channels,
                              float* space);

bool winograd_pays(const KernelArgs& a, const Conv2dShape& s);

}  // namespace cairn::kernels
