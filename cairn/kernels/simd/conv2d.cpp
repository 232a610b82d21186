// Convolutions of f32 images as products: pixels of a row of results by filters, the taps of the window in
// the images where they lie (no copy of every window), bands of rows for the threads. Each number is one sum
// in the order rows, columns, channels of the window: the same bytes however the images are cut.
#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/kernels/simd/gemm_internal.h"
#include "cairn/kernels/simd/rows_internal.h"
#include "cairn/kernels/table_internal.h"
#include "cairn/ops/conv2d.h"
#include "cairn/tensor/strided.h"

namespace cairn::kernels {
namespace {

constexpr std::int64_t kWork = 1 << 18;  // multiply-adds of a band, numbers packed at once: some 5 us

std::int64_t taps_of(const Conv2dShape& s) { return s.rows.kernel * s.columns.kernel * s.channels; }

// Weights [O, taps] as strips of tiles.columns filters side by side, tap after tap.
Tensor packed(const Tensor& weight, const Conv2dShape& s, const TileKernels& tiles) {
  const std::int64_t taps = taps_of(s), unit = tiles.columns, units = (s.filters + unit - 1) / unit;
  Tensor strips = Tensor::empty({units, taps, unit}, DType::f32);
  const float* const from = weight.data<float>().data();
  float* const to = strips.mutable_data<float>().data();
  parallel_for(units, std::max<std::int64_t>(1, kWork / (unit * taps)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t u = begin; u < end; ++u)
                   tiles.pack_turned(from + u * unit * taps, taps, std::min(unit, s.filters - u * unit), taps,
                                     to + u * unit * taps, unit);
               });
  return strips;
}

struct Convolution {
  Conv2dShape shape;
  TileKernels tiles;
  const float *images, *bias;  // bias: null where there is none
  const float* filters;        // packed
  float* results;
  bool relu;

  std::int64_t row_numbers() const { return shape.columns.input * shape.channels; }
  std::int64_t padded_row() const {
    return (shape.columns.before + shape.columns.input + shape.columns.after) * shape.channels;
  }
  // Rows of the image under the rows [begin, end) of results; those outside it are zeros.
  std::int64_t first_row(std::int64_t begin) const { return begin * shape.rows.stride - shape.rows.before; }
  std::int64_t rows_under(std::int64_t begin, std::int64_t end) const {
    return (end - begin - 1) * shape.rows.stride + shape.rows.reach();
  }
};

// The rows of one image that a band of results looks at, zeros around them; where there are none to add, the
// image itself.
const float* rows_of(const Convolution& c, const float* image, std::int64_t begin, std::int64_t end) {
  const std::int64_t first = c.first_row(begin), count = c.rows_under(begin, end);
  const bool inside = first >= 0 && first + count <= c.shape.rows.input;
  if (inside && c.shape.columns.before == 0 && c.shape.columns.after == 0)
    return image + first * c.row_numbers();
  float* const space = packing_space(static_cast<std::size_t>(count * c.padded_row()));
  const std::int64_t before = c.shape.columns.before * c.shape.channels,
                     after = c.shape.columns.after * c.shape.channels;
  for (std::int64_t r = 0; r < count; ++r) {
    float* to = space + r * c.padded_row();
    if (first + r < 0 || first + r >= c.shape.rows.input) {
      std::fill_n(to, c.padded_row(), 0.0F);
      continue;
    }
    to = std::fill_n(to, before, 0.0F);
    to = std::copy_n(image + (first + r) * c.row_numbers(), c.row_numbers(), to);
    std::fill_n(to, after, 0.0F);
  }
  return space;
}

void band(const Convolution& c, std::int64_t image, std::int64_t begin, std::int64_t end) {
  const Conv2dShape& s = c.shape;
  const float* const rows = rows_of(c, c.images + image * s.rows.input * c.row_numbers(), begin, end);
  const std::int64_t wide = s.out_columns();
  float* const to = c.results + image * s.out_rows() * wide * s.filters;
  const std::int64_t strips = (wide + c.tiles.rows - 1) / c.tiles.rows;
  for (std::int64_t o = 0; o < s.filters; o += c.tiles.columns)
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t strip = 0; strip < strips; ++strip) {
        const std::int64_t from = wide * strip / strips, pixels = wide * (strip + 1) / strips - from;
        c.tiles.compute({.k = s.columns.kernel * s.channels,
                         .a = rows + (row - begin) * s.rows.stride * c.padded_row() +
                              from * s.columns.stride * s.channels,
                         .row_step = s.columns.stride * s.channels,
                         .b = c.filters + o * taps_of(s),
                         .b_step = c.tiles.columns,
                         .c = to + (row * wide + from) * s.filters + o,
                         .leading = s.filters,
                         .bias = c.bias ? c.bias + o : nullptr,
                         .rows = pixels,
                         .columns = std::min(c.tiles.columns, s.filters - o),
                         .pieces = s.rows.kernel,
                         .piece_step = s.rows.dilation * c.padded_row()},
                        false);
      }
  if (c.relu)
    relu_row(to + begin * wide * s.filters, to + begin * wide * s.filters, (end - begin) * wide * s.filters);
}

}  // namespace

bool simd_conv2d_supports(const KernelArgs& a) {
  for (const Tensor& t : a.in)
    if (t.dtype() != DType::f32) return false;
  const Conv2dShape s = conv2d_shape(a);
  return s.groups == 1 && s.columns.dilation == 1 && a.out[0].size() > 0 && a.in[0].size() > 0 &&
         a.in[1].size() > 0;
}

// oneDNN, which takes whole images, leaves threads idle where there are few. On many it is mostly faster, by
// up to 20 % on an AMD processor with AVX-512.
bool simd_few_images_supports(const KernelArgs& a) {
  constexpr std::int64_t kFew = 8;
  return a.in[0].size(0) < kFew && simd_conv2d_supports(a);
}

void simd_conv2d(const KernelArgs& a) {
  const Tensor images = dense(a.in[0]), weight = dense(a.in[1]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  const Conv2dShape s = conv2d_shape(a);
  const TileKernels tiles = tile_kernels();
  const Tensor filters = packed(weight, s, tiles);
  const Convolution c{.shape = s,
                      .tiles = tiles,
                      .images = images.data<float>().data(),
                      .bias = bias.defined() ? bias.data<float>().data() : nullptr,
                      .filters = filters.data<float>().data(),
                      .results = a.out[0].mutable_data<float>().data(),
                      .relu = a.attributes.as<Conv2dAttributes>().relu};
  const std::int64_t of_row = std::max<std::int64_t>(1, s.multiply_adds() / (s.images * s.out_rows()));
  const std::int64_t wanted = (2 * num_threads() + s.images - 1) / s.images;  // bands of an image
  const std::int64_t rows =
      std::min(s.out_rows(), std::max((s.out_rows() + wanted - 1) / wanted, kWork / of_row + 1));
  const std::int64_t bands = (s.out_rows() + rows - 1) / rows;
  parallel_for(s.images * bands, std::max<std::int64_t>(1, kWork / (of_row * rows)),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t item = begin; item < end; ++item) {
                   const std::int64_t first = item % bands * rows;
                   band(c, item / bands, first, std::min(s.out_rows(), first + rows));
                 }
               });
}

}  // namespace cairn::kernels
