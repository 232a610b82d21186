#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/parallel.h"
#include "cairn/ops/elementwise_internal.h"

namespace cairn {
namespace {

constexpr std::int64_t kGrain = 1 << 15;  // elements a thread takes at once: about 5 us of the cheapest work

struct Axis {
  std::int64_t length;
  std::int64_t stride[3];  // in elements
};

// The axes of the result from the last one on, with the strides of the inputs; axes that every input walks in
// one step are merged.
SmallVector<Axis, 8> merged_axes(const KernelArgs& a) {
  const Shape& shape = a.out[0].shape();
  SmallVector<Axis, 8> axes;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    if (shape[i] == 1) continue;
    Axis axis{shape[i], {0, 0, 0}};
    for (std::size_t k = 0; k < a.in.size(); ++k) {
      const int at = i - (shape.ndim() - a.in[k].ndim());
      axis.stride[k] = at < 0 || a.in[k].size(at) == 1 ? 0 : a.in[k].stride(at);
    }
    if (!axes.empty()) {
      Axis& inner = axes.back();
      bool one = true;
      for (std::size_t k = 0; k < a.in.size(); ++k)
        one = one && axis.stride[k] == inner.stride[k] * inner.length;
      if (one) {
        inner.length *= axis.length;
        continue;
      }
    }
    axes.push_back(axis);
  }
  if (axes.empty()) axes.push_back({1, {0, 0, 0}});
  return axes;
}

}  // namespace

void map_rows(const KernelArgs& a, RowFunction f) {
  const std::int64_t size = a.out[0].size();
  if (size == 0) return;
  const SmallVector<Axis, 8> axes = merged_axes(a);
  const std::int64_t length = axes[0].length, rows = size / length;
  const auto out_width = static_cast<std::int64_t>(size_of(a.out[0].dtype()));
  std::int64_t width[3] = {0, 0, 0};
  for (std::size_t k = 0; k < a.in.size(); ++k)
    width[k] = static_cast<std::int64_t>(size_of(a.in[k].dtype()));
  auto* const out = const_cast<std::byte*>(a.out[0].raw());

  // Pieces of one row when rows are long, else bundles of rows.
  const std::int64_t piece = std::min(length, kGrain);
  const std::int64_t pieces = (length + piece - 1) / piece;
  const std::int64_t bundle = std::max<std::int64_t>(1, kGrain / piece);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      std::int64_t row = item / pieces;
      const std::int64_t first = item % pieces * piece;
      Row r{};
      r.attributes = &a.attributes;
      r.n = std::min(piece, length - first);
      r.out = out + (row * length + first) * out_width;
      std::int64_t offset[3];
      for (std::size_t k = 0; k < 3; ++k) offset[k] = first * axes[0].stride[k];
      for (std::size_t i = 1; i < axes.size(); ++i) {
        const std::int64_t at = row % axes[i].length;
        row /= axes[i].length;
        for (std::size_t k = 0; k < 3; ++k) offset[k] += at * axes[i].stride[k];
      }
      for (std::size_t k = 0; k < a.in.size(); ++k) {
        r.in[k] = a.in[k].raw() + offset[k] * width[k];
        r.stride[k] = axes[0].stride[k];
      }
      f(r);
    }
  };
  if (size <= kGrain)
    run(0, rows * pieces);
  else
    parallel_for(rows * pieces, bundle, run);
}

Shape broadcast_shape(const char* where, const Shape& left, const Shape& right) {
  if (left == right) return left;
  const int n = std::max(left.ndim(), right.ndim());
  std::array<std::int64_t, Shape::kMaxDims> dims{};
  for (int i = 1; i <= n; ++i) {
    const std::int64_t l = i <= left.ndim() ? left[left.ndim() - i] : 1;
    const std::int64_t r = i <= right.ndim() ? right[right.ndim() - i] : 1;
    if (l != r && l != 1 && r != 1)
      throw ShapeError(where, fmt::format("left is {} and right is {}; counted from the last, each two axes "
                                          "must be equal, or one of them 1",
                                          left.text(), right.text()));
    dims[static_cast<std::size_t>(n - i)] = l == 1 ? r : l;
  }
  return Shape(std::span<const std::int64_t>(dims.data(), static_cast<std::size_t>(n)));
}

namespace {

void need_floating(const OpArgs& a, const Tensor& t) {
  if (!is_floating(t.dtype()))
    throw DTypeError(a.name, fmt::format("{} is given; it takes f32 and f64", t.text()),
                     "Convert it with to().");
}
void need_number(const OpArgs& a, const Tensor& t) {
  if (t.dtype() == DType::u8 || t.dtype() == DType::boolean)
    throw DTypeError(a.name, fmt::format("{} is given; it takes f32, f64, i64 and i32", t.text()),
                     "Convert it with to().");
}
void need_alike(const OpArgs& a) {
  if (a.in[0].dtype() != a.in[1].dtype())
    throw DTypeError(a.name,
                     fmt::format("left is {} and right is {}; both must have one element type",
                                 a.in[0].text(), a.in[1].text()),
                     "Convert one with to().");
}

}  // namespace

TensorSpecs same_as_first(const OpArgs& a) {
  need_floating(a, a.in[0]);
  return {{a.in[0].shape(), a.in[0].dtype()}};
}
TensorSpecs same_number(const OpArgs& a) {
  need_number(a, a.in[0]);
  return {{a.in[0].shape(), a.in[0].dtype()}};
}
TensorSpecs broadcast_number(const OpArgs& a) {
  need_alike(a);
  need_number(a, a.in[0]);
  return {{broadcast_shape(a.name, a.in[0].shape(), a.in[1].shape()), a.in[0].dtype()}};
}
TensorSpecs broadcast_floating(const OpArgs& a) {
  need_alike(a);
  need_floating(a, a.in[0]);
  return {{broadcast_shape(a.name, a.in[0].shape(), a.in[1].shape()), a.in[0].dtype()}};
}
TensorSpecs broadcast_compare(const OpArgs& a) {
  need_alike(a);
  return {{broadcast_shape(a.name, a.in[0].shape(), a.in[1].shape()), DType::boolean}};
}

}  // namespace cairn
