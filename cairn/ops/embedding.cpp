#include "cairn/ops/embedding.h"

#include <cstring>
#include <vector>

#include "cairn/base/parallel.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {
namespace {

struct EmbeddingAttributes {
  std::int64_t padding = -1;
  std::int64_t rows = 0;  // of the table: the gradient's result
  static const ParamList& list() {
    using A = EmbeddingAttributes;
    static const ParamList l{
        param<&A::padding>("padding", "a number that stands for nothing; -1: none", at_least(-1)),
        param<&A::rows>("rows", "rows of the gradient's table; 0: not one", at_least(0))};
    return l;
  }
};
using A = EmbeddingAttributes;

void check_index(const OpArgs& a, std::size_t i, std::int64_t below) {
  if (a.in[i].dtype() != DType::i64)
    throw DTypeError(a.name, fmt::format("the index is {}; it must be i64", a.in[i].text()),
                     "Convert it with to().");
  const Tensor flat = dense(a.in[i]);
  for (const std::int64_t v : flat.data<std::int64_t>())
    if (v < 0 || v >= below)
      throw ShapeError(a.name, fmt::format("index {} is outside of the table's {} rows", v, below));
}
Shape with_width(const Shape& index, std::int64_t width) {
  SmallVector<std::int64_t, 8> dims;
  for (const std::int64_t d : index.dims()) dims.push_back(d);
  dims.push_back(width);
  return Shape(std::span<const std::int64_t>(dims.data(), dims.size()));
}

TensorSpecs infer(const OpArgs& a) {
  need_floating(a, 0, 1);
  need_ndim(a, 0, 2, "a table [V, D]");
  check_index(a, 1, a.in[0].size(0));
  return {{with_width(a.in[1].shape(), a.in[0].size(1)), a.in[0].dtype()}};
}
TensorSpecs infer_gradient(const OpArgs& a) {
  const auto at = a.attributes.as<A>();
  need_floating(a, 0, 1);
  if (a.in[0].ndim() < 1)
    throw ShapeError(a.name, fmt::format("{} is given; it takes rows [..., D]", a.in[0].text()));
  const std::int64_t width = a.in[0].size(a.in[0].ndim() - 1);
  need_shape(a, 0, with_width(a.in[1].shape(), width), "the gradient");
  check_index(a, 1, at.rows);
  return {{{at.rows, width}, a.in[0].dtype()}};
}

void kernel(const KernelArgs& a) {
  const auto at = a.attributes.as<A>();
  const Tensor table = dense(a.in[0]), index = dense(a.in[1]);
  const std::size_t bytes = static_cast<std::size_t>(table.size(1)) * size_of(table.dtype());
  if (a.out[0].size() == 0) return;
  const auto rows = index.data<std::int64_t>();
  auto* to = const_cast<std::byte*>(a.out[0].raw());
  const auto grain = static_cast<std::int64_t>(std::max<std::size_t>(1, (1 << 16) / bytes));
  parallel_for(index.size(), grain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      if (rows[i] == at.padding)
        std::memset(to + i * bytes, 0, bytes);
      else
        std::memcpy(to + i * bytes, table.raw() + static_cast<std::size_t>(rows[i]) * bytes, bytes);
    }
  });
}

// Each row of the table adds what is its own, in the order of the index: the sum has one shape for any number
// of threads, and no two of them write to one row.
void gradient_kernel(const KernelArgs& a) {
  const auto at = a.attributes.as<A>();
  const Tensor gradient = dense(a.in[0]), index = dense(a.in[1]);
  const std::int64_t width = a.out[0].size(1);
  const auto rows = index.data<std::int64_t>();
  std::vector<std::int64_t> begins(static_cast<std::size_t>(at.rows) + 1), places(rows.size());
  for (const std::int64_t r : rows) ++begins[static_cast<std::size_t>(r) + 1];
  for (std::size_t r = 0; r + 1 < begins.size(); ++r) begins[r + 1] += begins[r];
  std::vector<std::int64_t> next(begins.begin(), begins.end() - 1);
  for (std::size_t i = 0; i < rows.size(); ++i)
    places[static_cast<std::size_t>(next[static_cast<std::size_t>(rows[i])]++)] =
        static_cast<std::int64_t>(i);
  with_floating(gradient.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* g = gradient.data<T>().data();
    T* table = a.out[0].mutable_data<T>().data();
    parallel_for(at.rows, std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, width)),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) {
                     T* __restrict to = table + r * width;
                     std::fill_n(to, width, T(0));
                     if (r == at.padding) continue;
                     for (auto k = begins[static_cast<std::size_t>(r)];
                          k < begins[static_cast<std::size_t>(r) + 1]; ++k) {
                       const T* from = g + places[static_cast<std::size_t>(k)] * width;
                       for (std::int64_t c = 0; c < width; ++c) to[c] += from[c];
                     }
                   }
                 });
  });
}

extern const OpDef kEmbeddingGradient;

constinit const OpDef kEmbedding{
    .name = "embedding",
    .doc = "the rows of a table that an index names; zeros at padding",
    .arity = 2,
    .attributes = &A::list,
    .infer = infer,
    .cpu = kernel,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kEmbeddingGradient, {a.grad[0], a.in[1]},
                        A{a.attributes.as<A>().padding, a.in_specs[0].shape[0]}),
              Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({4, 3}, -1, 1), indices({1, 3, 1, 0, 2, 1}, {2, 3})}, A{}},
                                     {{uniform({3, 2}, -1, 1), indices({2, 0, 2}, {3})}, A{0}},
                                     {{uniform({3, 2}, -1, 1), indices({}, {0})}, A{}}};
        },
    .bad_samples =
        [] {
          const Tensor table = uniform({3, 2}, 0, 1);
          return std::vector<BadSample>{
              {{{table, indices({0, 3}, {2})}, A{}}, "embedding: index 3 is outside of the table's 3 rows"},
              {{{table, uniform({2}, 0, 1)}, A{}},
               "embedding: the index is f64 [2]; it must be i64. Convert it with to()."}};
        },
};

constinit const OpDef kEmbeddingGradient{
    .name = "embedding_gradient",
    .doc = "rows added where an index says, but at padding: the gradient of embedding for its table",
    .arity = 2,
    .attributes = &A::list,
    .infer = infer_gradient,
    .cpu = gradient_kernel,
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kEmbedding, {a.grad[0], a.in[1]}, A{a.attributes.as<A>().padding}), Tensor()};
    },
    .saves = {.inputs = 0b10},
    .samples =
        [] {
          return std::vector<Sample>{
              {{uniform({2, 3, 2}, -1, 1), indices({1, 3, 1, 0, 2, 1}, {2, 3})}, A{2, 5}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 2}, 0, 1), indices({0, 1, 1}, {3})}, A{-1, 3}},
                                         "embedding_gradient: the gradient is [2, 2]; it must be [3, 2]"}};
        },
};

}  // namespace

Tensor embedding(const Tensor& table, const Tensor& index, std::int64_t padding_index) {
  return apply_one(kEmbedding, {table, index}, A{padding_index});
}

std::span<const OpDef* const> embedding_ops() {
  static constexpr const OpDef* kOps[] = {&kEmbedding, &kEmbeddingGradient};
  return kOps;
}

}  // namespace cairn
