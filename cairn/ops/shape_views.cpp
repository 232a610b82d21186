#include <fmt/format.h>

#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/reduce_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/strided.h"
#include "cairn/tensor/view_ops.h"

namespace cairn {
namespace {

struct FlipAttributes {
  std::int64_t axis = 0;
  static const ParamList& list() {
    static const ParamList l{param<&FlipAttributes::axis>("axis", "the axis that runs backwards")};
    return l;
  }
};

using Numbers = SmallVector<std::int64_t, 8>;
Shape shape_of(const Numbers& dims) { return Shape(std::span<const std::int64_t>(dims.data(), dims.size())); }

}  // namespace

extern const OpDef kFlip;
constinit const OpDef kFlip{
    .name = "flip",
    .doc = "an axis run backwards; a view",
    .attributes = &FlipAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      checked_axis(a.name, a.attributes.as<FlipAttributes>().axis, a.in[0]);
      return {{a.in[0].shape(), a.in[0].dtype()}};
    },
    .view = [](const OpArgs& a) -> Tensors {
      const Tensor& x = a.in[0];
      const int axis = checked_axis(a.name, a.attributes.as<FlipAttributes>().axis, x);
      Numbers strides;
      for (int i = 0; i < x.ndim(); ++i) strides.push_back(i == axis ? -x.stride(i) : x.stride(i));
      const std::int64_t last = x.size() > 0 ? (x.size(axis) - 1) * x.stride(axis) : 0;
      return {strided_view(x, x.shape(), strides.data(), last)};
    },
    .vjp = [](const VjpArgs& a) -> Tensors { return {apply_one(kFlip, {a.grad[0]}, a.attributes)}; },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 3}, -1, 1)}, FlipAttributes{1}},
                                     {{uniform({3, 2}, -1, 1).transpose()}, FlipAttributes{-2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 3}, 0, 1)}, FlipAttributes{-3}},
                                         "flip: axis -3 does not exist in f64 [2, 3]; its axes are -2 to 1"}};
        },
};

constinit const OpDef kBroadcastTo{
    .name = "broadcast_to",
    .doc = "the same elements again along axes of length 1 or none; a view",
    .attributes = &ReshapeAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const Shape shape = a.attributes.as<ReshapeAttributes>().shape;
      const Tensor& x = a.in[0];
      bool fits = shape.ndim() >= x.ndim();
      for (int i = 1; fits && i <= x.ndim(); ++i) {
        const std::int64_t have = x.size(x.ndim() - i), want = shape[shape.ndim() - i];
        fits = have == want || have == 1;
      }
      if (!fits)
        throw ShapeError("broadcast_to",
                         fmt::format("{} does not broadcast to {}; counted from the last, each axis must "
                                     "be equal or 1",
                                     x.text(), shape.text()));
      return {{shape, x.dtype()}};
    },
    .view = [](const OpArgs& a) -> Tensors {
      const Shape shape = a.attributes.as<ReshapeAttributes>().shape;
      const Tensor& x = a.in[0];
      Numbers strides;
      for (int i = 0; i < shape.ndim(); ++i) {
        const int at = i - (shape.ndim() - x.ndim());
        strides.push_back(at < 0 || x.size(at) == 1 ? 0 : x.stride(at));
      }
      return {strided_view(x, shape, strides.data(), 0)};
    },
    .vjp = [](const VjpArgs& a) -> Tensors { return {sum_to(a.grad[0], a.in_specs[0].shape)}; },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({3}, -1, 1)}, ReshapeAttributes{{2, 3}}},
                                     {{uniform({2, 1, 2}, -1, 1)}, ReshapeAttributes{{2, 3, 2}}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2}, 0, 1)}, ReshapeAttributes{{2, 3}}},
               "broadcast_to: f64 [2] does not broadcast to [2, 3]; counted from the last, each axis "
               "must be equal or 1"}};
        },
};

Tensor reshape(const Tensor& x, const Shape& shape) { return x.reshape(shape); }
Tensor permute(const Tensor& x, const AxisList& axes) {
  return apply_one(kPermute, {x}, PermuteAttributes{axes});
}
Tensor transpose(const Tensor& x, int axis_a, int axis_b) {
  const int a = checked_axis("transpose", axis_a, x), b = checked_axis("transpose", axis_b, x);
  AxisList axes;
  for (int i = 0; i < x.ndim(); ++i) axes.push_back(i == a ? b : i == b ? a : i);
  return permute(x, axes);
}
Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end, std::int64_t step) {
  return x.slice(axis, begin, end, step);
}
Tensor flip(const Tensor& x, int axis) { return apply_one(kFlip, {x}, FlipAttributes{axis}); }
Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x : apply_one(kBroadcastTo, {x}, ReshapeAttributes{shape});
}
Tensor expand_dims(const Tensor& x, int axis) {
  const int n = x.ndim(), at = axis < 0 ? axis + n + 1 : axis;
  if (at < 0 || at > n)
    throw ShapeError("expand_dims",
                     fmt::format("{} can have a new axis at {} to {}, not at {}", x.text(), -n - 1, n, axis));
  Numbers dims;
  for (int i = 0; i <= n; ++i) dims.push_back(i < at ? x.size(i) : i == at ? 1 : x.size(i - 1));
  return x.reshape(shape_of(dims));
}
Tensor squeeze(const Tensor& x, const AxisList& axes) {
  const std::uint32_t bits = checked_axes("squeeze", axes, x);
  Numbers dims;
  for (int i = 0; i < x.ndim(); ++i) {
    const bool asked = axes.count() > 0 && (bits >> i & 1);
    if (asked && x.size(i) != 1)
      throw ShapeError("squeeze", fmt::format("axis {} of {} is not 1 long", i, x.text()));
    if (!(x.size(i) == 1 && (bits >> i & 1))) dims.push_back(x.size(i));
  }
  return x.reshape(shape_of(dims));
}
std::vector<Tensor> split(const Tensor& x, std::span<const std::int64_t> lengths, int axis) {
  const int at = checked_axis("split", axis, x);
  std::vector<Tensor> parts;
  std::int64_t begin = 0;
  for (const std::int64_t n : lengths) {
    if (n < 0 || begin + n > x.size(at)) break;
    parts.push_back(x.slice(at, begin, begin + n));
    begin += n;
  }
  if (begin != x.size(at) || parts.size() != lengths.size())
    throw ShapeError(
        "split", fmt::format("the {} parts do not add up to axis {} of {}", lengths.size(), at, x.text()));
  return parts;
}
std::vector<Tensor> split(const Tensor& x, std::int64_t parts, int axis) {
  const int at = checked_axis("split", axis, x);
  if (parts < 1 || x.size(at) % parts != 0)
    throw ShapeError("split",
                     fmt::format("axis {} of {} does not fall into {} equal parts", at, x.text(), parts),
                     "Give their lengths.");
  const std::vector<std::int64_t> lengths(static_cast<std::size_t>(parts), x.size(at) / parts);
  return split(x, lengths, axis);
}
Tensor repeat(const Tensor& x, std::int64_t times, int axis) {
  const int at = checked_axis("repeat", axis, x);
  if (times < 0) throw ShapeError("repeat", fmt::format("{} times cannot be", times));
  Numbers wide, dims;
  for (int i = 0; i < x.ndim(); ++i) {
    wide.push_back(x.size(i));
    if (i == at) wide.push_back(times);
    dims.push_back(i == at ? x.size(i) * times : x.size(i));
  }
  return broadcast_to(expand_dims(x, at + 1), shape_of(wide)).reshape(shape_of(dims));
}

std::span<const OpDef* const> shape_view_ops() {
  static constexpr const OpDef* kOps[] = {&kFlip, &kBroadcastTo};
  return kOps;
}

}  // namespace cairn
