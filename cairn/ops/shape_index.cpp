#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/reduce_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

struct IndexAttributes {
  std::int64_t axis = 0;
  static const ParamList& list() {
    static const ParamList l{param<&IndexAttributes::axis>("axis", "the axis that the index speaks of")};
    return l;
  }
};
struct OneHotAttributes {
  std::int64_t classes = 1, dtype = 0;
  static const ParamList& list() {
    static const ParamList l{
        param<&OneHotAttributes::classes>("classes", "how many there are", at_least(0)),
        param<&OneHotAttributes::dtype>("dtype", "the element type's number", between(0, 5))};
    return l;
  }
};

void check_index(const OpArgs& a, const Tensor& index, std::int64_t below) {
  if (index.dtype() != DType::i64)
    throw DTypeError(a.name, fmt::format("the index is {}; it must be i64", index.text()),
                     "Convert it with to().");
  const Tensor flat = dense(index);
  for (const std::int64_t i : flat.data<std::int64_t>())
    if (i < 0 || i >= below) throw ShapeError(a.name, fmt::format("index {} is outside [0, {})", i, below));
}
int axis_of(const OpArgs& a) {
  return checked_axis(a.name, a.attributes.as<IndexAttributes>().axis, a.in[0]);
}

// x [outer, n, inner] in C order.
struct Split {
  std::int64_t outer = 1, n = 1, inner = 1;
};
Split split_at(const Shape& shape, std::int64_t axis) {
  const int at = static_cast<int>(axis < 0 ? axis + shape.ndim() : axis);
  Split s;
  for (int i = 0; i < shape.ndim(); ++i) (i < at ? s.outer : i == at ? s.n : s.inner) *= shape[i];
  return s;
}
Shape with_length(const Shape& shape, int axis, std::int64_t n) {
  SmallVector<std::int64_t, 8> dims;
  for (int i = 0; i < shape.ndim(); ++i) dims.push_back(i == axis ? n : shape[i]);
  return Shape(std::span<const std::int64_t>(dims.data(), dims.size()));
}
bool same_but(const Shape& a, const Shape& b, int axis) {
  bool same = a.ndim() == b.ndim();
  for (int i = 0; same && i < a.ndim(); ++i) same = i == axis || a[i] == b[i];
  return same;
}
Tensor zeros_like(const TensorSpec& spec) { return Tensor::zeros(spec.shape, spec.dtype); }

void copy_all(const Tensor& from, Tensor& to) {
  const Tensor x = dense(from);
  if (x.size() > 0)
    std::memcpy(const_cast<std::byte*>(to.raw()), x.raw(),
                static_cast<std::size_t>(x.size()) * size_of(x.dtype()));
}

}  // namespace

constinit const OpDef kIndexSelect{
    .name = "index_select",
    .doc = "rows of an axis in the order of an index",
    .arity = 2,
    .attributes = &IndexAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const int axis = axis_of(a);
      if (a.in[1].ndim() != 1)
        throw ShapeError(a.name, fmt::format("the index is {}; it must have one axis", a.in[1].text()));
      check_index(a, a.in[1], a.in[0].size(axis));
      return {{with_length(a.in[0].shape(), axis, a.in[1].size()), a.in[0].dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const Tensor x = dense(a.in[0]), index = dense(a.in[1]);
          if (a.out[0].size() == 0) return;
          const Split s = split_at(x.shape(), a.attributes.as<IndexAttributes>().axis);
          const auto at = index.data<std::int64_t>();
          const std::size_t width = static_cast<std::size_t>(s.inner) * size_of(x.dtype());
          auto* to = const_cast<std::byte*>(a.out[0].raw());
          for (std::int64_t o = 0; o < s.outer; ++o)
            for (const std::int64_t i : at) {
              std::memcpy(to, x.raw() + static_cast<std::size_t>(o * s.n + i) * width, width);
              to += width;
            }
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {index_add(zeros_like(a.in_specs[0]), a.in[1], a.grad[0],
                        static_cast<int>(a.attributes.as<IndexAttributes>().axis)),
              Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({4, 2}, -1, 1), indices({3, 0, 3}, {3})}, IndexAttributes{0}},
              {{uniform({3, 2}, -1, 1).transpose(), indices({1, 2}, {2})}, IndexAttributes{-1}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({4, 2}, 0, 1), indices({4}, {1})}, IndexAttributes{0}},
               "index_select: index 4 is outside [0, 4)"},
              {{{uniform({4, 2}, 0, 1), uniform({1}, 0, 1)}, IndexAttributes{0}},
               "index_select: the index is f64 [1]; it must be i64. Convert it with to()."}};
        },
};

constinit const OpDef kIndexAdd{
    .name = "index_add",
    .doc = "x with rows added where an index says",
    .arity = 3,
    .attributes = &IndexAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const int axis = axis_of(a);
      if (a.in[1].ndim() != 1)
        throw ShapeError(a.name, fmt::format("the index is {}; it must have one axis", a.in[1].text()));
      if (!(a.in[2].shape() == with_length(a.in[0].shape(), axis, a.in[1].size())) ||
          a.in[2].dtype() != a.in[0].dtype())
        throw ShapeError(a.name, fmt::format("{} cannot be added to {} at {} places of axis {}",
                                             a.in[2].text(), a.in[0].text(), a.in[1].size(), axis));
      check_index(a, a.in[1], a.in[0].size(axis));
      return same_number(a);
    },
    .cpu =
        [](const KernelArgs& a) {
          copy_all(a.in[0], a.out[0]);
          const Tensor index = dense(a.in[1]), source = dense(a.in[2]);
          if (source.size() == 0) return;
          const Split s = split_at(a.out[0].shape(), a.attributes.as<IndexAttributes>().axis);
          const auto at = index.data<std::int64_t>();
          with_type(source.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const T* from = source.data<T>().data();
            T* const y = a.out[0].mutable_data<T>().data();
            for (std::int64_t o = 0; o < s.outer; ++o)
              for (const std::int64_t i : at) {
                T* to = y + (o * s.n + i) * s.inner;
                for (std::int64_t k = 0; k < s.inner; ++k) to[k] = static_cast<T>(to[k] + *from++);
              }
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const int axis = static_cast<int>(a.attributes.as<IndexAttributes>().axis);
      return {a.grad[0], Tensor(), a.wanted[2] ? index_select(a.grad[0], a.in[1], axis) : Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({4, 2}, -1, 1), indices({3, 0, 3}, {3}), uniform({3, 2}, 0, 1)}, IndexAttributes{0}},
              {{uniform({2, 3}, -1, 1), indices({1}, {1}), uniform({2, 1}, 0, 1)}, IndexAttributes{1}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({4, 2}, 0, 1), indices({1}, {1}), uniform({2, 2}, 0, 1)}, IndexAttributes{0}},
               "index_add: f64 [2, 2] cannot be added to f64 [4, 2] at 1 places of axis 0"}};
        },
};

constinit const OpDef kGather{
    .name = "gather",
    .doc = "one element an index along an axis",
    .arity = 2,
    .attributes = &IndexAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const int axis = axis_of(a);
      if (!same_but(a.in[0].shape(), a.in[1].shape(), axis))
        throw ShapeError(a.name,
                         fmt::format("the index is {} and x is {}; they may differ along axis {} only",
                                     a.in[1].text(), a.in[0].text(), axis));
      check_index(a, a.in[1], a.in[0].size(axis));
      return {{a.in[1].shape(), a.in[0].dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const Tensor x = dense(a.in[0]), index = dense(a.in[1]);
          const std::int64_t axis = a.attributes.as<IndexAttributes>().axis;
          const Split s = split_at(x.shape(), axis), t = split_at(index.shape(), axis);
          const auto at = index.data<std::int64_t>();
          with_width(size_of(x.dtype()), [&](auto zero) {
            using W = decltype(zero);
            const W* from = reinterpret_cast<const W*>(x.raw());
            W* to = reinterpret_cast<W*>(const_cast<std::byte*>(a.out[0].raw()));
            const std::int64_t n = index.size();
            for (std::int64_t k = 0; k < n; ++k)
              to[k] =
                  from[(k / (t.n * t.inner) * s.n + at[static_cast<std::size_t>(k)]) * s.inner + k % t.inner];
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {scatter_add(zeros_like(a.in_specs[0]), a.in[1], a.grad[0],
                          static_cast<int>(a.attributes.as<IndexAttributes>().axis)),
              Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 3}, -1, 1), indices({2, 0, 1, 1}, {2, 2})}, IndexAttributes{1}},
              {{uniform({3, 2}, -1, 1), indices({2, 0}, {1, 2})}, IndexAttributes{0}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), indices({0}, {1, 1})}, IndexAttributes{1}},
               "gather: the index is i64 [1, 1] and x is f64 [2, 3]; they may differ along axis 1 only"}};
        },
};

namespace {

// Alike in shape but along the axis, where `index` says the places of `source` in x.
void check_scatter(const OpArgs& a) {
  const int axis = axis_of(a);
  if (!same_but(a.in[0].shape(), a.in[1].shape(), axis) || !(a.in[1].shape() == a.in[2].shape()) ||
      a.in[2].dtype() != a.in[0].dtype())
    throw ShapeError(
        a.name,
        fmt::format("x is {}, the index {}, the source {}; the last two must be alike, and differ from x "
                    "along axis {} only",
                    a.in[0].text(), a.in[1].text(), a.in[2].text(), axis));
  check_index(a, a.in[1], a.in[0].size(axis));
}

// f(place in x, number in the index) for every element of the index.
template <class F>
void each_place(const Shape& x, const Tensor& index, std::int64_t axis, F&& f) {
  const Split s = split_at(x, axis), t = split_at(index.shape(), axis);
  const Tensor flat = dense(index);
  const auto at = flat.data<std::int64_t>();
  const std::int64_t n = flat.size();
  for (std::int64_t k = 0; k < n; ++k)
    f((k / (t.n * t.inner) * s.n + at[static_cast<std::size_t>(k)]) * s.inner + k % t.inner,
      static_cast<std::size_t>(k));
}

// `k`: of the index's elements, in rows.
[[noreturn]] void refuse_second(const OpArgs& a, std::int64_t k) {
  const Tensor index = dense(a.in[1]);
  const std::int64_t value = index.data<std::int64_t>()[static_cast<std::size_t>(k)];
  std::vector<std::int64_t> at;
  for (int axis = index.ndim() - 1; axis >= 0; --axis) {
    at.insert(at.begin(), k % index.size(axis));
    k /= index.size(axis);
  }
  throw ShapeError(a.name,
                   fmt::format("the index names {} of axis {} twice, the second time at [{}]; every place "
                               "takes one number of the source",
                               value, axis_of(a), fmt::join(at, ", ")),
                   "scatter_add adds what falls together.");
}

}  // namespace

constinit const OpDef kScatter{
    .name = "scatter",
    .doc = "x with one element an index in the place of its own, along an axis",
    .arity = 3,
    .attributes = &IndexAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      check_scatter(a);
      std::vector<bool> taken(static_cast<std::size_t>(a.in[0].size()));
      each_place(a.in[0].shape(), a.in[1], axis_of(a), [&](std::int64_t place, std::size_t k) {
        if (taken[static_cast<std::size_t>(place)]) refuse_second(a, static_cast<std::int64_t>(k));
        taken[static_cast<std::size_t>(place)] = true;
      });
      return {{a.in[0].shape(), a.in[0].dtype()}};
    },
    .cpu =
        [](const KernelArgs& a) {
          copy_all(a.in[0], a.out[0]);
          const Tensor source = dense(a.in[2]);
          with_width(size_of(source.dtype()), [&](auto zero) {
            using W = decltype(zero);
            const W* from = reinterpret_cast<const W*>(source.raw());
            W* to = reinterpret_cast<W*>(const_cast<std::byte*>(a.out[0].raw()));
            each_place(a.out[0].shape(), a.in[1], a.attributes.as<IndexAttributes>().axis,
                       [&](std::int64_t place, std::size_t k) { to[place] = from[k]; });
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const int axis = static_cast<int>(a.attributes.as<IndexAttributes>().axis);
      return {a.wanted[0] ? scatter(a.grad[0], a.in[1], zeros_like(a.in_specs[2]), axis) : Tensor(), Tensor(),
              a.wanted[2] ? gather(a.grad[0], a.in[1], axis) : Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 3}, -1, 1), indices({2, 0, 1, 2}, {2, 2}), uniform({2, 2}, 0, 1)},
               IndexAttributes{1}},
              {{uniform({3, 2}, -1, 1), indices({2, 0}, {1, 2}), uniform({1, 2}, 0, 1)},
               IndexAttributes{-2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), indices({2, 0, 1, 1}, {2, 2}), uniform({2, 2}, 0, 1)},
                IndexAttributes{1}},
               "scatter: the index names 1 of axis 1 twice, the second time at [1, 1]; every place takes one "
               "number of the source. scatter_add adds what falls together."},
              {{{uniform({2, 3}, 0, 1), indices({0, 3}, {2, 1}), uniform({2, 1}, 0, 1)}, IndexAttributes{1}},
               "scatter: index 3 is outside [0, 3)"}};
        },
};

constinit const OpDef kScatterAdd{
    .name = "scatter_add",
    .doc = "x with one element an index added along an axis",
    .arity = 3,
    .attributes = &IndexAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      check_scatter(a);
      return same_number(a);
    },
    .cpu =
        [](const KernelArgs& a) {
          copy_all(a.in[0], a.out[0]);
          const Tensor source = dense(a.in[2]);
          with_type(source.dtype(), [&](auto zero) {
            using T = decltype(zero);
            const auto from = source.data<T>();
            T* to = a.out[0].mutable_data<T>().data();
            each_place(
                a.out[0].shape(), a.in[1], a.attributes.as<IndexAttributes>().axis,
                [&](std::int64_t place, std::size_t k) { to[place] = static_cast<T>(to[place] + from[k]); });
          });
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const int axis = static_cast<int>(a.attributes.as<IndexAttributes>().axis);
      return {a.grad[0], Tensor(), a.wanted[2] ? gather(a.grad[0], a.in[1], axis) : Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 3}, -1, 1), indices({2, 0, 1, 1}, {2, 2}), uniform({2, 2}, 0, 1)},
               IndexAttributes{1}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), indices({0, 1}, {2, 1}), uniform({2, 2}, 0, 1)}, IndexAttributes{1}},
               "scatter_add: x is f64 [2, 3], the index i64 [2, 1], the source f64 [2, 2]; the last two must "
               "be alike, and differ from x along axis 1 only"}};
        },
};

constinit const OpDef kOneHot{
    .name = "one_hot",
    .doc = "1 at the index, 0 elsewhere, along a new last axis",
    .attributes = &OneHotAttributes::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto o = a.attributes.as<OneHotAttributes>();
      check_index(a, a.in[0], o.classes);
      SmallVector<std::int64_t, 9> dims;
      for (const std::int64_t d : a.in[0].shape().dims()) dims.push_back(d);
      dims.push_back(o.classes);
      return {{Shape(std::span<const std::int64_t>(dims.data(), dims.size())), static_cast<DType>(o.dtype)}};
    },
    .cpu =
        [](const KernelArgs& a) {
          const Tensor index = dense(a.in[0]);
          const std::int64_t classes = a.attributes.as<OneHotAttributes>().classes;
          with_type(a.out[0].dtype(), [&](auto zero) {
            using T = decltype(zero);
            const auto to = a.out[0].mutable_data<T>();
            std::fill(to.begin(), to.end(), T(0));
            std::int64_t row = 0;
            for (const std::int64_t i : index.data<std::int64_t>())
              to[static_cast<std::size_t>(row++ * classes + i)] = T(1);
          });
        },
    .vjp = not_differentiable,
    .samples = [] { return std::vector<Sample>{{{indices({2, 0}, {2})}, OneHotAttributes{3, 1}}}; },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{indices({3}, {1})}, OneHotAttributes{3, 0}}, "one_hot: index 3 is outside [0, 3)"}};
        },
};

Tensor index_select(const Tensor& x, const Tensor& index, int axis) {
  return apply_one(kIndexSelect, {x, index}, IndexAttributes{axis});
}
Tensor index_add(const Tensor& x, const Tensor& index, const Tensor& source, int axis) {
  return apply_one(kIndexAdd, {x, index, source}, IndexAttributes{axis});
}
Tensor gather(const Tensor& x, const Tensor& index, int axis) {
  return apply_one(kGather, {x, index}, IndexAttributes{axis});
}
Tensor scatter(const Tensor& x, const Tensor& index, const Tensor& source, int axis) {
  return apply_one(kScatter, {x, index, source}, IndexAttributes{axis});
}
Tensor scatter_add(const Tensor& x, const Tensor& index, const Tensor& source, int axis) {
  return apply_one(kScatterAdd, {x, index, source}, IndexAttributes{axis});
}
Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype) {
  return apply_one(kOneHot, {index}, OneHotAttributes{classes, static_cast<std::int64_t>(dtype)});
}
Tensor arange(std::int64_t n, DType dtype) {
  Tensor t = Tensor::empty({n}, DType::i64);
  std::int64_t i = 0;
  for (std::int64_t& v : t.mutable_data<std::int64_t>()) v = i++;
  return t.to(dtype);
}
Tensor eye(std::int64_t n, DType dtype) { return one_hot(arange(n), n, dtype); }

std::span<const OpDef* const> index_ops() {
  static constexpr const OpDef* kOps[] = {&kIndexSelect, &kIndexAdd,   &kGather,
                                          &kScatter,     &kScatterAdd, &kOneHot};
  return kOps;
}

}  // namespace cairn
