#include "cairn/tensor/view_ops.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/axes.h"
#include "cairn/tensor/samples.h"
#include "cairn/tensor/strided.h"
#include "cairn/tensor/tape_internal.h"

namespace cairn {
namespace {

using Strides = std::array<std::int64_t, Shape::kMaxDims>;

Strides strides_of(const Tensor& t) {
  Strides s{};
  for (int i = 0; i < t.ndim(); ++i) s[static_cast<std::size_t>(i)] = t.stride(i);
  return s;
}

Shape with_length(const Shape& shape, int axis, std::int64_t length) {
  Strides dims{};
  std::copy(shape.dims().begin(), shape.dims().end(), dims.begin());
  dims[static_cast<std::size_t>(axis)] = length;
  return Shape(std::span<const std::int64_t>(dims.data(), static_cast<std::size_t>(shape.ndim())));
}

TensorSpecs same_spec(const OpArgs& a) { return {{a.in[0].shape(), a.in[0].dtype()}}; }

// The order of axes with all checks done; axes[i] >= 0.
std::array<int, Shape::kMaxDims> axis_order(const OpArgs& a) {
  const AxisList axes = a.attributes.as<PermuteAttributes>().axes;
  const Tensor& t = a.in[0];
  std::array<int, Shape::kMaxDims> order{};
  std::uint32_t seen = 0;
  bool good = axes.count() == t.ndim();
  for (int i = 0; good && i < t.ndim(); ++i) {
    const int axis = axes[i] < 0 ? axes[i] + t.ndim() : axes[i];
    good = axis >= 0 && axis < t.ndim() && !(seen >> axis & 1);
    if (!good) break;
    seen |= 1U << axis;
    order[static_cast<std::size_t>(i)] = axis;
  }
  if (!good)
    throw ShapeError("permute",
                     fmt::format("[{}] is no order of the {} axes of {}; each must stand in it once",
                                 attributes_detail::axes_text(axes), t.ndim(), t.text()));
  return order;
}

}  // namespace

const ParamList& SliceAttributes::list() {
  static const ParamList l{
      param<&SliceAttributes::axis>("axis", "the axis that is cut"),
      param<&SliceAttributes::begin>("begin", "first element", at_least(0)),
      param<&SliceAttributes::end>("end", "one past the last element", at_least(0)),
      param<&SliceAttributes::step>("step", "every step-th element", at_least(1)),
  };
  return l;
}
const ParamList& UnsliceAttributes::list() {
  static const ParamList l{
      param<&UnsliceAttributes::axis>("axis", "the axis that was cut", at_least(0)),
      param<&UnsliceAttributes::begin>("begin", "first element", at_least(0)),
      param<&UnsliceAttributes::end>("end", "one past the last element", at_least(0)),
      param<&UnsliceAttributes::step>("step", "every step-th element", at_least(1)),
      param<&UnsliceAttributes::length>("length", "elements of the whole axis", at_least(0)),
  };
  return l;
}
const ParamList& PermuteAttributes::list() {
  static const ParamList l{
      axes_param<&PermuteAttributes::axes>("axes", "output axis i is input axis axes[i]")};
  return l;
}
const ParamList& ReshapeAttributes::list() {
  static const ParamList l{shape_param<&ReshapeAttributes::shape>("shape", "the new lengths")};
  return l;
}
const ParamList& CastAttributes::list() {
  static const ParamList l{
      param<&CastAttributes::dtype>("dtype", "the element type's number", between(0, 5))};
  return l;
}

constinit const OpDef kSlice{
    .name = "slice",
    .doc = "every step-th element of [begin, end) of one axis; a view",
    .attributes = &SliceAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto s = a.attributes.as<SliceAttributes>();
      const Tensor& t = a.in[0];
      const std::int64_t axis = s.axis < 0 ? s.axis + t.ndim() : s.axis;
      if (axis < 0 || axis >= t.ndim() || s.begin < 0 || s.end < s.begin ||
          s.end > t.size(static_cast<int>(axis)))
        throw ShapeError("slice", fmt::format("[{}, {}) of axis {} does not lie inside {}", s.begin, s.end,
                                              s.axis, t.text()));
      if (s.step < 1)
        throw ShapeError("slice", fmt::format("step = {} is not a step forward", s.step), "Use flip().");
      return {{with_length(t.shape(), static_cast<int>(axis), (s.end - s.begin + s.step - 1) / s.step),
               t.dtype()}};
    },
    .view = [](const OpArgs& a) -> Tensors {
      const auto s = a.attributes.as<SliceAttributes>();
      const Tensor& t = a.in[0];
      const int axis = checked_axis("slice", s.axis, t);
      Strides strides = strides_of(t);
      const std::int64_t offset = s.begin * t.stride(axis);
      strides[static_cast<std::size_t>(axis)] *= s.step;
      const std::int64_t length = (s.end - s.begin + s.step - 1) / s.step;
      return {TapeAccess::view(t, with_length(t.shape(), axis, length), strides.data(), offset)};
    },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const auto s = a.attributes.as<SliceAttributes>();
      const int n = a.in_specs[0].shape.ndim();
      const std::int64_t axis = s.axis < 0 ? s.axis + n : s.axis;
      return {apply_one(
          kUnslice, {a.grad[0]},
          UnsliceAttributes{axis, s.begin, s.end, s.step, a.in_specs[0].shape[static_cast<int>(axis)]})};
    },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 5}, -1, 1)}, SliceAttributes{1, 1, 4}},
                                     {{uniform({5, 2}, -1, 1)}, SliceAttributes{0, 0, 5, 2}},
                                     {{uniform({3, 4}, -1, 1)}, SliceAttributes{-1, 2, 2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 3}, 0, 1)}, SliceAttributes{0, 1, 5}},
                                         "slice: [1, 5) of axis 0 does not lie inside f64 [2, 3]"},
                                        {{{uniform({2, 3}, 0, 1)}, SliceAttributes{0, 0, 2, -1}},
                                         "slice: step = -1 is not a step forward. Use flip()."}};
        },
};

constinit const OpDef kUnslice{
    .name = "unslice",
    .doc = "zeros with the values where a slice had them: the gradient of slice",
    .attributes = &UnsliceAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto s = a.attributes.as<UnsliceAttributes>();
      const Tensor& t = a.in[0];
      const int axis = checked_axis("unslice", s.axis, t);
      if (s.begin < 0 || s.step < 1 || s.end > s.length ||
          t.size(axis) != (s.end - s.begin + s.step - 1) / s.step)
        throw ShapeError("unslice",
                         fmt::format("{} is not what [{}, {}) with step {} cuts out of {} elements", t.text(),
                                     s.begin, s.end, s.step, s.length));
      return {{with_length(t.shape(), axis, s.length), t.dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const auto s = a.attributes.as<UnsliceAttributes>();
          Tensor& out = a.out[0];
          if (out.size() == 0) return;
          const std::size_t width = size_of(out.dtype());
          auto* to = const_cast<std::byte*>(out.raw());
          std::memset(to, 0, static_cast<std::size_t>(out.size()) * width);
          const int axis = static_cast<int>(s.axis);
          Strides strides = strides_of(out);
          to += static_cast<std::size_t>(s.begin * out.stride(axis)) * width;
          strides[static_cast<std::size_t>(axis)] *= s.step;
          copy_elements(a.in[0], to, strides.data());
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const auto s = a.attributes.as<UnsliceAttributes>();
      return {apply_one(kSlice, {a.grad[0]}, SliceAttributes{s.axis, s.begin, s.end, s.step})};
    },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 3}, -1, 1)}, UnsliceAttributes{1, 1, 4, 1, 6}},
                                     {{uniform({3, 2}, -1, 1)}, UnsliceAttributes{0, 0, 5, 2, 7}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1)}, UnsliceAttributes{1, 0, 2, 1, 6}},
               "unslice: f64 [2, 3] is not what [0, 2) with step 1 cuts out of 6 elements"}};
        },
};

constinit const OpDef kPermute{
    .name = "permute",
    .doc = "the axes in another order; a view",
    .attributes = &PermuteAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto order = axis_order(a);
      Strides dims{};
      for (int i = 0; i < a.in[0].ndim(); ++i)
        dims[static_cast<std::size_t>(i)] = a.in[0].size(order[static_cast<std::size_t>(i)]);
      return {{Shape(std::span<const std::int64_t>(dims.data(), static_cast<std::size_t>(a.in[0].ndim()))),
               a.in[0].dtype()}};
    },
    .view = [](const OpArgs& a) -> Tensors {
      const auto order = axis_order(a);
      const Tensor& t = a.in[0];
      Strides strides{}, dims{};
      for (std::size_t i = 0; i < static_cast<std::size_t>(t.ndim()); ++i) {
        strides[i] = t.stride(order[i]);
        dims[i] = t.size(order[i]);
      }
      const Shape shape(std::span<const std::int64_t>(dims.data(), static_cast<std::size_t>(t.ndim())));
      return {TapeAccess::view(t, shape, strides.data(), 0)};
    },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const AxisList axes = a.attributes.as<PermuteAttributes>().axes;
      std::array<int, Shape::kMaxDims> inverse{};
      for (int i = 0; i < axes.count(); ++i)
        inverse[static_cast<std::size_t>(axes[i] < 0 ? axes[i] + axes.count() : axes[i])] = i;
      AxisList back;
      for (int i = 0; i < axes.count(); ++i) back.push_back(inverse[static_cast<std::size_t>(i)]);
      return {apply_one(kPermute, {a.grad[0]}, PermuteAttributes{back})};
    },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 3}, -1, 1)}, PermuteAttributes{{1, 0}}},
                                     {{uniform({2, 3, 4}, -1, 1)}, PermuteAttributes{{2, 0, -2}}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1)}, PermuteAttributes{{0, 0}}},
               "permute: [0, 0] is no order of the 2 axes of f64 [2, 3]; each must stand in it once"}};
        },
};

constinit const OpDef kReshape{
    .name = "reshape",
    .doc = "the same elements in C order under another shape; a view when contiguous, else a copy",
    .attributes = &ReshapeAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const Shape shape = a.attributes.as<ReshapeAttributes>().shape;
      if (shape.size() != a.in[0].size())
        throw ShapeError("reshape", fmt::format("{} has {} elements and {} has {}", a.in[0].text(),
                                                a.in[0].size(), shape.text(), shape.size()));
      return {{shape, a.in[0].dtype()}};
    },
    .view = [](const OpArgs& a) -> Tensors {
      const Shape shape = a.attributes.as<ReshapeAttributes>().shape;
      const Tensor& t = a.in[0];
      // Axes of length 1 that come or go move nothing, whatever the strides.
      Strides strides{};
      int from = 0;
      bool same = t.size() > 0;
      for (int i = 0; same && i < shape.ndim(); ++i) {
        if (shape[i] == 1) continue;
        while (from < t.ndim() && t.size(from) == 1) ++from;
        same = from < t.ndim() && t.size(from) == shape[i];
        if (same) strides[static_cast<std::size_t>(i)] = t.stride(from++);
      }
      if (same) return {TapeAccess::view(t, shape, strides.data(), 0)};
      std::int64_t stride = 1;
      for (int i = shape.ndim() - 1; i >= 0; --i) {
        strides[static_cast<std::size_t>(i)] = stride;
        stride *= shape[i];
      }
      return {TapeAccess::view(dense(t), shape, strides.data(), 0)};
    },
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0].reshape(a.in_specs[0].shape)}; },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 6}, -1, 1)}, ReshapeAttributes{{3, 4}}},
                                     {{uniform({4}, -1, 1)}, ReshapeAttributes{{2, 1, 2}}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 3}, 0, 1)}, ReshapeAttributes{{4}}},
                                         "reshape: f64 [2, 3] has 6 elements and [4] has 4"}};
        },
};

constinit const OpDef kContiguous{
    .name = "contiguous",
    .doc = "the same elements in C order without gaps",
    .infer = same_spec,
    .cpu =
        [](const KernelArgs& a) {
          copy_elements(a.in[0], const_cast<std::byte*>(a.out[0].raw()), strides_of(a.out[0]).data());
        },
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0]}; },
    .samples = [] { return std::vector<Sample>{{{uniform({2, 3}, -1, 1).transpose()}}}; },
};

constinit const OpDef kCast{
    .name = "to",
    .doc = "another element type, rounded as C++ does",
    .attributes = &CastAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const std::int64_t dtype = a.attributes.as<CastAttributes>().dtype;
      if (dtype < 0 || dtype > static_cast<std::int64_t>(DType::boolean))
        throw DTypeError(a.name, "no element type has the number " + std::to_string(dtype));
      return {{a.in[0].shape(), static_cast<DType>(dtype)}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const Tensor from_dense = dense(a.in[0]);
          with_type(a.out[0].dtype(), [&](auto to_zero) {
            using To = decltype(to_zero);
            To* to = a.out[0].mutable_data<To>().data();
            with_type(from_dense.dtype(), [&](auto from_zero) {
              using From = decltype(from_zero);
              const From* from = reinterpret_cast<const From*>(from_dense.raw());
              constexpr std::int64_t kGrain = 1 << 16;
              parallel_for(from_dense.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
                for (std::int64_t i = begin; i < end; ++i) to[i] = static_cast<To>(from[i]);
              });
            });
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0].to(a.in_specs[0].dtype)}; },
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 3}, -1, 1)}, CastAttributes{static_cast<std::int64_t>(DType::f64)}},
              {{whole_numbers({4}, 9)}, CastAttributes{static_cast<std::int64_t>(DType::f64)}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2}, 0, 1)}, CastAttributes{77}}, "to: no element type has the number 77"}};
        },
};

constinit const OpDef kAlias{
    .name = "alias",
    .doc = "the same values under a tape node of its own",
    .infer = same_spec,
    .view = [](const OpArgs& a) -> Tensors { return {a.in[0]}; },
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0]}; },
    .samples = [] { return std::vector<Sample>{{{uniform({2, 3}, -1, 1)}}}; },
};

constinit const OpDef kAccumulate{
    .name = "accumulate",
    .doc = "the sum of two tensors of one shape: where gradients meet",
    .arity = 2,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      if (a.in[0].shape() != a.in[1].shape() || a.in[0].dtype() != a.in[1].dtype() ||
          !is_floating(a.in[0].dtype()))
        throw ShapeError(a.name, "gradients are " + a.in[0].text() + " and " + a.in[1].text() +
                                     "; they must be alike, f32 or f64");
      return same_spec(a);
    },
    .cpu =
        [](const KernelArgs& a) {
          const Tensor left = dense(a.in[0]), right = dense(a.in[1]);
          const auto add = [&](auto zero) {
            using T = decltype(zero);
            T* to = a.out[0].mutable_data<T>().data();
            const T *l = left.data<T>().data(), *r = right.data<T>().data();
            constexpr std::int64_t kGrain = 1 << 15;
            parallel_for(left.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
              for (std::int64_t i = begin; i < end; ++i) to[i] = l[i] + r[i];
            });
          };
          left.dtype() == DType::f32 ? add(float{}) : add(double{});
        },
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0], a.grad[0]}; },
    .over = {0, -1, -1, -1},
    .samples = [] { return std::vector<Sample>{{{uniform({2, 3}, -1, 1), uniform({2, 3}, 0, 2)}}}; },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), uniform({3, 2}, 0, 1)}},
               "accumulate: gradients are f64 [2, 3] and f64 [3, 2]; they must be alike, f32 or f64"}};
        },
};

std::span<const OpDef* const> view_ops() {
  static constexpr const OpDef* kOps[] = {&kSlice,      &kUnslice, &kPermute, &kReshape,
                                          &kContiguous, &kCast,    &kAlias,   &kAccumulate};
  return kOps;
}

}  // namespace cairn
