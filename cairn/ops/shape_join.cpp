#include <fmt/format.h>

#include <algorithm>

#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/reduce_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

struct JoinAttributes {
  std::int64_t axis = 0;
  static const ParamList& list() {
    static const ParamList l{
        param<&JoinAttributes::axis>("axis", "the axis along which parts follow each other")};
    return l;
  }
};
struct PadAttributes {
  std::int64_t axis = 0, before = 0, after = 0;
  double value = 0;
  static const ParamList& list() {
    static const ParamList l{param<&PadAttributes::axis>("axis", "the axis that grows"),
                             param<&PadAttributes::before>("before", "elements in front", at_least(0)),
                             param<&PadAttributes::after>("after", "elements behind", at_least(0)),
                             param<&PadAttributes::value>("value", "what they hold")};
    return l;
  }
};
struct TriangleAttributes {
  std::int64_t diagonal = 0;
  bool upper = false;
  static const ParamList& list() {
    static const ParamList l{
        param<&TriangleAttributes::diagonal>("diagonal", "0: the main one, positive: above it"),
        param<&TriangleAttributes::upper>("upper", "what lies below goes, not above")};
    return l;
  }
};

using Numbers = SmallVector<std::int64_t, 8>;
Numbers strides_of(const Tensor& t) {
  Numbers s;
  for (int i = 0; i < t.ndim(); ++i) s.push_back(t.stride(i));
  return s;
}
Shape with_length(const Shape& shape, int axis, std::int64_t n) {
  Numbers dims;
  for (int i = 0; i < shape.ndim(); ++i) dims.push_back(i == axis ? n : shape[i]);
  return Shape(std::span<const std::int64_t>(dims.data(), dims.size()));
}
int axis_in(std::int64_t axis, const Shape& shape) {
  return static_cast<int>(axis < 0 ? axis + shape.ndim() : axis);
}

}  // namespace

constinit const OpDef kConcatenate{
    .name = "concatenate",
    .doc = "parts one behind the other along an axis",
    .arity = -1,
    .attributes = &JoinAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const Tensor& first = a.in[0];
      const int axis = checked_axis(a.name, a.attributes.as<JoinAttributes>().axis, first);
      std::int64_t n = 0;
      for (std::size_t k = 0; k < a.in.size(); ++k) {
        const Tensor& t = a.in[k];
        bool fits = t.ndim() == first.ndim() && t.dtype() == first.dtype();
        for (int i = 0; fits && i < t.ndim(); ++i) fits = i == axis || t.size(i) == first.size(i);
        if (!fits)
          throw ShapeError(a.name,
                           fmt::format("part 1 is {} and part {} is {}; they may differ along axis {} only",
                                       first.text(), k + 1, t.text(), axis));
        n += t.size(axis);
      }
      return {{with_length(first.shape(), axis, n), first.dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          Tensor& out = a.out[0];
          if (out.size() == 0) return;
          const int axis = axis_in(a.attributes.as<JoinAttributes>().axis, out.shape());
          auto* to = const_cast<std::byte*>(out.raw());
          const Numbers strides = strides_of(out);
          for (const Tensor& part : a.in) {
            copy_elements(part, to, strides.data());
            to += part.size(axis) * out.stride(axis) * static_cast<std::int64_t>(size_of(out.dtype()));
          }
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const int axis = axis_in(a.attributes.as<JoinAttributes>().axis, a.out_specs[0].shape);
      Tensors grads;
      std::int64_t begin = 0;
      for (std::size_t k = 0; k < a.in_specs.size(); ++k) {
        const std::int64_t n = a.in_specs[k].shape[axis];
        grads.push_back(a.wanted[k] ? a.grad[0].slice(axis, begin, begin + n) : Tensor());
        begin += n;
      }
      return grads;
    },
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 3}, -1, 1), uniform({2, 1}, -1, 1), uniform({2, 0}, 0, 1)}, JoinAttributes{1}},
              {{uniform({3, 2}, -1, 1).transpose(), uniform({1, 3}, 0, 1)}, JoinAttributes{-2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), uniform({2, 4}, 0, 1)}, JoinAttributes{0}},
               "concatenate: part 1 is f64 [2, 3] and part 2 is f64 [2, 4]; they may differ along axis 0 "
               "only"},
              {{{}, JoinAttributes{0}}, "concatenate: no tensor is given; it takes one or more"}};
        },
};

constinit const OpDef kPad{
    .name = "pad",
    .doc = "an axis made longer by a constant",
    .attributes = &PadAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto p = a.attributes.as<PadAttributes>();
      const int axis = checked_axis(a.name, p.axis, a.in[0]);
      if (p.before < 0 || p.after < 0)
        throw ShapeError(a.name,
                         fmt::format("before = {} and after = {} must not be negative", p.before, p.after),
                         "Use slice().");
      return {{with_length(a.in[0].shape(), axis, p.before + a.in[0].size(axis) + p.after), a.in[0].dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const auto p = a.attributes.as<PadAttributes>();
          Tensor& out = a.out[0];
          with_type(out.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const auto values = out.mutable_data<T>();
            std::fill(values.begin(), values.end(), static_cast<T>(p.value));
            const int axis = axis_in(p.axis, out.shape());
            copy_elements(a.in[0], reinterpret_cast<std::byte*>(values.data() + p.before * out.stride(axis)),
                          strides_of(out).data());
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const auto p = a.attributes.as<PadAttributes>();
      const int axis = axis_in(p.axis, a.in_specs[0].shape);
      return {a.grad[0].slice(axis, p.before, p.before + a.in_specs[0].shape[axis])};
    },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 3}, -1, 1)}, PadAttributes{1, 1, 2, 0.5}},
                                     {{uniform({3, 2}, -1, 1).transpose()}, PadAttributes{0, 0, 1, 0}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1)}, PadAttributes{0, -1, 0, 0}},
               "pad: before = -1 and after = 0 must not be negative. Use slice()."}};
        },
};

extern const OpDef kTriangle;
constinit const OpDef kTriangle{
    .name = "triangle",
    .doc = "zeros above or below a diagonal of the last two axes",
    .attributes = &TriangleAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      if (a.in[0].ndim() < 2) throw ShapeError(a.name, a.in[0].text() + " has no last two axes");
      return {{a.in[0].shape(), a.in[0].dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const auto p = a.attributes.as<TriangleAttributes>();
          Tensor& out = a.out[0];
          if (out.size() == 0) return;
          const Tensor x = dense(a.in[0]);
          const std::int64_t rows = out.size(out.ndim() - 2), columns = out.size(out.ndim() - 1);
          const auto width = static_cast<std::int64_t>(size_of(out.dtype()));
          auto* to = const_cast<std::byte*>(out.raw());
          std::memcpy(to, x.raw(), static_cast<std::size_t>(out.size() * width));
          for (std::int64_t r = 0; r < out.size() / columns; ++r) {
            const std::int64_t edge =
                r % rows + p.diagonal + (p.upper ? 0 : 1);  // kept: from here on, or up to here
            const std::int64_t at = std::clamp<std::int64_t>(edge, 0, columns);
            const std::int64_t begin = p.upper ? 0 : at, end = p.upper ? at : columns;
            std::memset(to + (r * columns + begin) * width, 0,
                        static_cast<std::size_t>((end - begin) * width));
          }
        },
    .vjp = [](const VjpArgs& a) -> Tensors { return {apply_one(kTriangle, {a.grad[0]}, a.attributes)}; },
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({3, 4}, -1, 1)}, TriangleAttributes{}},
                                     {{uniform({2, 3, 3}, -1, 1)}, TriangleAttributes{1, true}},
                                     {{uniform({3, 3}, -1, 1)}, TriangleAttributes{-5, false}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2}, 0, 1)}, TriangleAttributes{}}, "triangle: f64 [2] has no last two axes"}};
        },
};

Tensor concatenate(std::span<const Tensor> parts, int axis) {
  return apply_one(kConcatenate, parts, JoinAttributes{axis});
}
Tensor concatenate(std::initializer_list<Tensor> parts, int axis) {
  return concatenate(std::span<const Tensor>(parts.begin(), parts.size()), axis);
}
Tensor stack(std::span<const Tensor> parts, int axis) {
  std::vector<Tensor> wide;
  for (const Tensor& t : parts) wide.push_back(expand_dims(t, axis));
  return concatenate(wide, axis);
}
Tensor stack(std::initializer_list<Tensor> parts, int axis) {
  return stack(std::span<const Tensor>(parts.begin(), parts.size()), axis);
}
Tensor pad(const Tensor& x, int axis, std::int64_t before, std::int64_t after, double value) {
  return apply_one(kPad, {x}, PadAttributes{axis, before, after, value});
}
Tensor tril(const Tensor& x, std::int64_t diagonal) {
  return apply_one(kTriangle, {x}, TriangleAttributes{diagonal, false});
}
Tensor triu(const Tensor& x, std::int64_t diagonal) {
  return apply_one(kTriangle, {x}, TriangleAttributes{diagonal, true});
}

std::span<const OpDef* const> join_ops() {
  static constexpr const OpDef* kOps[] = {&kConcatenate, &kPad, &kTriangle};
  return kOps;
}

}  // namespace cairn
