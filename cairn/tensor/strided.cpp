#include "cairn/tensor/strided.h"

#include "cairn/tensor/tape_internal.h"

namespace cairn {
namespace {

template <class W>
void copy_axis(const W* from, W* to, const Tensor& t, const std::int64_t* to_strides, int axis) {
  const std::int64_t n = t.size(axis), a = t.stride(axis), b = to_strides[axis];
  if (axis + 1 < t.ndim()) {
    for (std::int64_t i = 0; i < n; ++i) copy_axis(from + i * a, to + i * b, t, to_strides, axis + 1);
  } else if (a == 1 && b == 1) {
    if (n > 0) std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(W));
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i * b] = from[i * a];
  }
}

// A transposed matrix is read along rows of cache lines: tiles of 16 x 16 keep both sides in the first cache.
template <class W>
void copy_transposed(const W* from, W* to, std::int64_t rows, std::int64_t columns, std::int64_t from_row,
                     std::int64_t from_column, std::int64_t to_row) {
  constexpr std::int64_t kTile = 16;
  for (std::int64_t r0 = 0; r0 < rows; r0 += kTile)
    for (std::int64_t c0 = 0; c0 < columns; c0 += kTile) {
      const std::int64_t r1 = std::min(rows, r0 + kTile), c1 = std::min(columns, c0 + kTile);
      for (std::int64_t r = r0; r < r1; ++r)
        for (std::int64_t c = c0; c < c1; ++c) to[r * to_row + c] = from[r * from_row + c * from_column];
    }
}

}  // namespace

Tensor strided_view(const Tensor& base, const Shape& shape, const std::int64_t* strides,
                    std::int64_t offset) {
  return TapeAccess::view(base, shape, strides, offset);
}

Tensor dense(const Tensor& t) {
  if (t.is_contiguous()) return TapeAccess::without_node(t);
  Tensor copy = Tensor::empty(t.shape(), t.dtype());
  std::array<std::int64_t, Shape::kMaxDims> strides{};
  for (int i = 0; i < t.ndim(); ++i) strides[static_cast<std::size_t>(i)] = copy.stride(i);
  copy_elements(t, const_cast<std::byte*>(copy.raw()), strides.data());
  return copy;
}

void copy_elements(const Tensor& from, std::byte* to, const std::int64_t* to_strides) {
  if (from.size() == 0) return;
  with_width(size_of(from.dtype()), [&](auto zero) {
    using W = decltype(zero);
    const auto* a = reinterpret_cast<const W*>(from.raw());
    auto* b = reinterpret_cast<W*>(to);
    if (from.ndim() == 0) {
      *b = *a;
    } else if (from.ndim() == 2 && from.stride(0) == 1 && to_strides[1] == 1) {
      copy_transposed(a, b, from.size(0), from.size(1), from.stride(0), from.stride(1), to_strides[0]);
    } else {
      copy_axis(a, b, from, to_strides, 0);
    }
  });
}

}  // namespace cairn
