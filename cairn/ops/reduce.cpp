#include "cairn/ops/reduce.h"

#include <algorithm>

#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce_internal.h"
#include "cairn/ops/shape_ops.h"

namespace cairn {

const ParamList& ReduceAttributes::list() {
  static const ParamList l{axes_param<&ReduceAttributes::axes>("axes", "what is reduced; none: everything"),
                           param<&ReduceAttributes::keepdims>("keepdims", "leaves axes of length 1")};
  return l;
}

Shape reduced_shape(const Shape& shape, std::uint32_t axes, bool keepdims) {
  SmallVector<std::int64_t, 8> dims;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (!(axes >> i & 1))
      dims.push_back(shape[i]);
    else if (keepdims)
      dims.push_back(1);
  }
  return Shape(std::span<const std::int64_t>(dims.data(), dims.size()));
}

std::uint32_t axes_of(const AxisList& axes, const Shape& shape) {
  if (axes.count() == 0) return (1U << shape.ndim()) - 1;
  std::uint32_t bits = 0;
  for (int i = 0; i < axes.count(); ++i) bits |= 1U << (axes[i] < 0 ? axes[i] + shape.ndim() : axes[i]);
  return bits;
}

TensorSpecs reduced_number(const OpArgs& a) {
  const auto r = a.attributes.as<ReduceAttributes>();
  const std::uint32_t axes = checked_axes(a.name, r.axes, a.in[0]);
  return {{reduced_shape(a.in[0].shape(), axes, r.keepdims), same_number(a)[0].dtype}};
}
TensorSpecs reduced_floating(const OpArgs& a) {
  same_as_first(a);
  return reduced_number(a);
}

Tensor with_axes(const Tensor& reduced, const Shape& shape, std::uint32_t axes) {
  return reduced.reshape(reduced_shape(shape, axes, true));
}

Lanes lanes_of(const Tensor& x, std::uint32_t axes) {
  Lanes l;
  for (int i = 0; i < x.ndim(); ++i) {
    const bool reduce = axes >> i & 1;
    auto& to = reduce ? l.reduced : l.kept;
    (reduce ? l.num_reduced : l.num_kept) *= x.size(i);
    if (x.size(i) == 1) continue;
    if (!to.empty() && to.back().stride == x.stride(i) * x.size(i))
      to.back() = {to.back().length * x.size(i), x.stride(i)};
    else
      to.push_back({x.size(i), x.stride(i)});
  }
  if (l.kept.empty()) l.kept.push_back({1, 1});
  if (l.reduced.empty()) l.reduced.push_back({1, 1});
  return l;
}

std::int64_t offset_of(const SmallVector<Lanes::Axis, 8>& axes, std::int64_t index) {
  std::int64_t offset = 0;
  for (std::size_t i = axes.size(); i-- > 0;) {
    if (axes[i].length == 0) return 0;
    offset += index % axes[i].length * axes[i].stride;
    index /= axes[i].length;
  }
  return offset;
}

namespace {

constexpr std::int64_t kBlock = 1 << 16;  // elements a thread adds at once
constexpr std::int64_t kLanes = 16;

template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;

// Sixteen running sums in the element type over 512 elements, then one wide sum: vectors, and few roundings.
template <class T>
Wide<T> sum_run(const T* x, std::int64_t stride, std::int64_t n) {
  Wide<T> total = 0;
  std::int64_t i = 0;
  if (stride == 1) {
    constexpr std::int64_t kPiece = 512;
    while (n - i >= kLanes) {
      T lane[kLanes] = {};
      const std::int64_t end = i + std::min(kPiece, (n - i) / kLanes * kLanes);
      for (; i < end; i += kLanes)
        for (std::int64_t j = 0; j < kLanes; ++j) lane[j] += x[i + j];
      for (const T v : lane) total += v;
    }
  }
  for (; i < n; ++i) total += x[i * stride];
  return total;
}

// Rows are added to a strip of columns: when the elements of one result lie far apart.
template <class T>
void sum_columns(const Lanes& l, const T* x, T* y) {
  constexpr std::int64_t kStrip = 256;
  const Lanes::Axis columns = l.kept[l.kept.size() - 1];
  const std::int64_t strips = (columns.length + kStrip - 1) / kStrip, groups = l.num_kept / columns.length;
  const std::int64_t work = kStrip * std::max<std::int64_t>(1, l.num_reduced);
  parallel_for(
      groups * strips, std::max<std::int64_t>(1, kBlock / work), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t item = begin; item < end; ++item) {
          const std::int64_t first = item % strips * kStrip, k = item / strips * columns.length + first;
          const std::int64_t m = std::min(kStrip, columns.length - first);
          Wide<T> total[kStrip] = {};
          const T* base = x + offset_of(l.kept, k);
          for (std::int64_t r = 0; r < l.num_reduced; ++r) {
            const T* row = base + offset_of(l.reduced, r);
            for (std::int64_t j = 0; j < m; ++j) total[j] += row[j];
          }
          for (std::int64_t j = 0; j < m; ++j) y[k + j] = static_cast<T>(total[j]);
        }
      });
}

template <class T>
void sum_kernel(const KernelArgs& a) {
  const Tensor& x = a.in[0];
  const Lanes l = lanes_of(x, axes_of(a.attributes.as<ReduceAttributes>().axes, x.shape()));
  const T* from = reinterpret_cast<const T*>(x.raw());
  T* y = reinterpret_cast<T*>(const_cast<std::byte*>(a.out[0].raw()));
  if (l.num_kept == 0) return;
  if (l.num_reduced == 0) {
    std::fill_n(y, l.num_kept, T(0));
  } else if (l.num_kept == 1 && l.reduced.size() == 1) {  // one long sum: blocks, added in a fixed tree
    const Lanes::Axis axis = l.reduced[0];
    y[0] = static_cast<T>(axis.length <= kBlock
                              ? sum_run(from, axis.stride, axis.length)
                              : parallel_reduce<Wide<T>>(
                                    axis.length, kBlock,
                                    [&](std::int64_t b, std::int64_t e) {
                                      return sum_run(from + b * axis.stride, axis.stride, e - b);
                                    },
                                    [](Wide<T>& into, const Wide<T>& other) { into += other; }));
  } else if (l.kept[l.kept.size() - 1].stride == 1 && l.kept[l.kept.size() - 1].length > 1) {
    sum_columns(l, from, y);
  } else {
    parallel_for(l.num_kept, std::max<std::int64_t>(1, kBlock / l.num_reduced),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t k = begin; k < end; ++k) {
                     Wide<T> total = 0;
                     each_run(l, from, k, [&](const T* p, std::int64_t stride, std::int64_t n) {
                       total += sum_run(p, stride, n);
                     });
                     y[k] = static_cast<T>(total);
                   }
                 });
  }
}

std::vector<Sample> reductions() {
  return {{{distinct({2, 3}, -2, 2.2)}, ReduceAttributes{}},
          {{distinct({2, 3, 4}, -2, 2.2)}, ReduceAttributes{{1}, true}},
          {{distinct({2, 3, 4}, -2, 2.2)}, ReduceAttributes{{0, -1}, false}},
          {{distinct({3, 2}, -2, 2.2).transpose()}, ReduceAttributes{{0}, false}}};
}
std::vector<Sample> reductions_and_nothing() {
  auto samples = reductions();
  samples.push_back({{uniform({0, 3}, 0, 1)}, ReduceAttributes{{0}, false}});
  samples.push_back({{distinct({40, 3}, -1, 1)}, ReduceAttributes{{0}, false}});
  return samples;
}

double count_of(const char* where, const Tensor& x, const AxisList& axes) {
  const std::uint32_t bits = checked_axes(where, axes, x);
  double n = 1;
  for (int i = 0; i < x.ndim(); ++i)
    if (bits >> i & 1) n *= static_cast<double>(x.size(i));
  if (n == 0) throw ShapeError(where, "the axes reduced of " + x.text() + " hold nothing");
  return n;
}

// The reduced axes last and as one.
Tensor joined_last(const Tensor& x, std::uint32_t bits) {
  AxisList order;
  std::int64_t n = 1;
  SmallVector<std::int64_t, 8> dims;
  for (int i = 0; i < x.ndim(); ++i)
    if (!(bits >> i & 1)) {
      order.push_back(i);
      dims.push_back(x.size(i));
    }
  for (int i = 0; i < x.ndim(); ++i)
    if (bits >> i & 1) {
      order.push_back(i);
      n *= x.size(i);
    }
  dims.push_back(n);
  const Tensor moved = x.ndim() == 0 ? x : permute(x, order);
  return moved.reshape(Shape(std::span<const std::int64_t>(dims.data(), dims.size())));
}

}  // namespace

constinit const OpDef kSum{
    .name = "sum",
    .doc = "sum over axes",
    .attributes = &ReduceAttributes::list,
    .infer = reduced_number,
    .cpu =
        [](const KernelArgs& a) {
          switch (a.in[0].dtype()) {
            case DType::f32:
              return sum_kernel<float>(a);
            case DType::f64:
              return sum_kernel<double>(a);
            case DType::i64:
              return sum_kernel<std::int64_t>(a);
            default:
              return sum_kernel<std::int32_t>(a);
          }
        },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Shape& shape = a.in_specs[0].shape;
      const auto r = a.attributes.as<ReduceAttributes>();
      return {broadcast_to(with_axes(a.grad[0], shape, axes_of(r.axes, shape)), shape)};
    },
    .samples = reductions_and_nothing,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1)}, ReduceAttributes{{2}, false}},
               "sum: axis 2 does not exist in f64 [2, 3]; its axes are -2 to 1"},
              {{{uniform({2, 3}, 0, 1)}, ReduceAttributes{{0, -2}, false}},
               "sum: axis -2 of f64 [2, 3] is given twice"},
              {{{Tensor::zeros({2}, DType::boolean)}, ReduceAttributes{}},
               "sum: bool [2] is given; it takes f32, f64, i64 and i32. Convert it with to()."}};
        },
};

constinit const OpDef kProd{
    .name = "prod",
    .doc = "product over axes",
    .attributes = &ReduceAttributes::list,
    .infer = reduced_number,
    // Halves are multiplied until one is left, so the gradient is right where elements are 0, too.
    .composed = [](const OpArgs& a) -> Tensors {
      const auto r = a.attributes.as<ReduceAttributes>();
      const Tensor& x = a.in[0];
      const std::uint32_t bits = axes_of(r.axes, x.shape());
      Tensor t = joined_last(x, bits);
      const int last = t.ndim() - 1;
      if (t.size(last) == 0) return {Tensor::full(reduced_shape(x.shape(), bits, r.keepdims), 1, x.dtype())};
      while (t.size(last) > 1) {
        const std::int64_t n = t.size(last), half = n / 2;
        Tensor product = multiply(t.slice(last, 0, half), t.slice(last, half, 2 * half));
        if (n % 2) product = concatenate({product, t.slice(last, n - 1, n)}, last);
        t = product;
      }
      return {t.reshape(reduced_shape(x.shape(), bits, r.keepdims))};
    },
    .samples =
        [] {
          auto samples = reductions();
          samples.push_back({{Tensor::from(std::vector<double>{2, 0, 3})}, ReduceAttributes{}});
          return samples;
        },
};

constinit const OpDef kVar{
    .name = "var",
    .doc = "mean square about the mean",
    .attributes = &ReduceAttributes::list,
    .infer = reduced_floating,
    .composed = [](const OpArgs& a) -> Tensors {
      const auto r = a.attributes.as<ReduceAttributes>();
      const Tensor centred = a.in[0] - mean(a.in[0], r.axes, true);
      return {mean(square(centred), r.axes, r.keepdims)};
    },
    .samples = reductions,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{whole_numbers({3}, 5)}, ReduceAttributes{}},
               "var: i64 [3] is given; it takes f32 and f64. Convert it with to()."},
              {{{uniform({2, 3}, 0, 1)}, ReduceAttributes{{2}}},
               "var: axis 2 does not exist in f64 [2, 3]; its axes are -2 to 1"}};
        },
};

constinit const OpDef kLogSumExp{
    .name = "logsumexp",
    .doc = "log of the sum of e^x over axes, without overflow",
    .attributes = &ReduceAttributes::list,
    .infer = reduced_floating,
    .composed = [](const OpArgs& a) -> Tensors {
      const auto r = a.attributes.as<ReduceAttributes>();
      const Tensor& x = a.in[0];
      Tensor shift = max(x.detach(), r.axes, true);
      shift = where(is_finite(shift), shift, Tensor::zeros({}, x.dtype()));
      const Tensor result = log(sum(exp(x - shift), r.axes, true)) + shift;
      return {result.reshape(reduced_shape(x.shape(), axes_of(r.axes, x.shape()), r.keepdims))};
    },
    .samples = reductions,
};

constinit const OpDef kNorm{
    .name = "norm",
    .doc = "Euclidean norm over axes; gradient 0 at 0",
    .attributes = &ReduceAttributes::list,
    .infer = reduced_floating,
    .composed = [](const OpArgs& a) -> Tensors {
      const auto r = a.attributes.as<ReduceAttributes>();
      return {sqrt(sum(square(a.in[0]), r.axes, r.keepdims))};
    },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const std::uint32_t bits = axes_of(a.attributes.as<ReduceAttributes>().axes, a.in_specs[0].shape);
      const Tensor norm = with_axes(a.out[0], a.in_specs[0].shape, bits);
      const Tensor one = Tensor::full({}, 1, norm.dtype()), zero = Tensor::zeros({}, norm.dtype());
      return {with_axes(a.grad[0], a.in_specs[0].shape, bits) * a.in[0] /
              where(equal(norm, zero), one, norm)};
    },
    .saves = {.inputs = 0b1, .outputs = 0b1},
    .samples = reductions,
};

Tensor sum(const Tensor& x, const AxisList& axes, bool keepdims) {
  return apply_one(kSum, {x}, ReduceAttributes{axes, keepdims});
}
Tensor mean(const Tensor& x, const AxisList& axes, bool keepdims) {
  return sum(x, axes, keepdims) / count_of("mean", x, axes);
}
Tensor prod(const Tensor& x, const AxisList& axes, bool keepdims) {
  return apply_one(kProd, {x}, ReduceAttributes{axes, keepdims});
}
Tensor var(const Tensor& x, const AxisList& axes, bool keepdims, double correction) {
  const double n = count_of("var", x, axes);
  if (n <= correction)
    throw ShapeError("var", to_text(n) + " elements of " + x.text() +
                                " are too few for correction = " + to_text(correction));
  const Tensor v = apply_one(kVar, {x}, ReduceAttributes{axes, keepdims});
  return correction == 0 ? v : scale(v, n / (n - correction));
}
Tensor stddev(const Tensor& x, const AxisList& axes, bool keepdims, double correction) {
  return sqrt(var(x, axes, keepdims, correction));
}
Tensor logsumexp(const Tensor& x, const AxisList& axes, bool keepdims) {
  return apply_one(kLogSumExp, {x}, ReduceAttributes{axes, keepdims});
}
Tensor norm(const Tensor& x, const AxisList& axes, bool keepdims) {
  return apply_one(kNorm, {x}, ReduceAttributes{axes, keepdims});
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  AxisList axes;
  const int more = x.ndim() - shape.ndim();
  for (int i = 0; i < x.ndim(); ++i)
    if (i < more || (shape[i - more] == 1 && x.size(i) != 1)) axes.push_back(i);
  const Tensor summed = axes.count() ? sum(x, axes, true) : x;
  return summed.reshape(shape);
}

std::span<const OpDef* const> reduce_ops() {
  static constexpr const OpDef* kOps[] = {&kSum, &kProd, &kVar, &kLogSumExp, &kNorm};
  return kOps;
}

}  // namespace cairn
