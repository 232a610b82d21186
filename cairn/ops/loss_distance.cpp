#include "cairn/ops/activation.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss_internal.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {
namespace {

using A = LossAttributes;

// Vectors [..., D] of one shape; one loss a vector.
TensorSpecs vectors_spec(const OpArgs& a) {
  need_floating(a);
  const Shape s = a.in[0].shape();
  for (std::size_t i = 1; i < a.in.size(); ++i)
    if (a.in[i].shape() != s)
      throw ShapeError(
          a.name, fmt::format("vectors are {} and {}; they must be equal", s.text(), a.in[i].shape().text()));
  const Reduction r = reduction_of(a.attributes.as<A>().reduction);
  if (s.ndim() < 1 || (r == Reduction::mean && s.size() == 0))
    throw ShapeError(a.name,
                     fmt::format("{} is given; it takes vectors [..., D], one or more", a.in[0].text()));
  return {{reduced_to(r, Shape(s.dims().first(static_cast<std::size_t>(s.ndim() - 1)))), a.in[0].dtype()}};
}

std::vector<Sample> all_reductions(const Tensors& in, double a = 0, bool flag = false) {
  return {{in, A{0, a, 0, flag}}, {in, A{1, a, 0, flag}}, {in, A{2, a, 0, flag}}};
}

constinit const OpDef kCosineLoss{
    .name = "cosine_similarity_loss",
    .doc = "1 - <a, b> / (|a| |b|) of vectors",
    .arity = 2,
    .attributes = &A::list,
    .infer = vectors_spec,
    .composed = [](const OpArgs& a) -> Tensors {  // a vector of zeros is at right angles to all
      const auto at = a.attributes.as<A>();
      const Tensor lengths = clip(norm(a.in[0], -1) * norm(a.in[1], -1), 1e-12, INFINITY);
      return {reduced(reduction_of(at.reduction), 1.0 - sum(a.in[0] * a.in[1], -1) / lengths)};
    },
    .samples = [] { return all_reductions({distinct({2, 3}, -1, 1.3), uniform({2, 3}, 0.2, 1)}); },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), uniform({3, 2}, 0, 1)}, A{}},
               "cosine_similarity_loss: vectors are [2, 3] and [3, 2]; they must be equal"}};
        },
};

constinit const OpDef kTriplet{
    .name = "triplet",
    .doc = "max(0, |a - p|^2 - |a - n|^2 + margin) of anchors, positives and negatives",
    .arity = 3,
    .attributes = &A::list,
    .infer = vectors_spec,
    .composed = [](const OpArgs& a) -> Tensors {
      const auto at = a.attributes.as<A>();
      const auto distance = [&](const Tensor& other) {
        const Tensor d = a.in[0] - other;
        return at.flag ? sum(square(d), -1) : norm(d, -1);
      };
      return {reduced(reduction_of(at.reduction), relu(distance(a.in[1]) - distance(a.in[2]) + at.a))};
    },
    .samples =
        [] {
          const Tensors in{distinct({2, 3}, -1, 1.3), uniform({2, 3}, 0.2, 1), uniform({2, 3}, -0.3, 0.4)};
          std::vector<Sample> all = all_reductions(in, 3, true);
          all.push_back({in, A{0, 3, 0, false}});
          return all;
        },
    .bad_samples =
        [] {
          const Tensor x = uniform({2, 3}, 0, 1);
          return std::vector<BadSample>{{{{x, x, uniform({1, 3}, 0, 1)}, A{}},
                                         "triplet: vectors are [2, 3] and [1, 3]; they must be equal"}};
        },
};

}  // namespace

Tensor cosine_similarity_loss(const Tensor& a, const Tensor& b, Reduction r) {
  return apply_one(kCosineLoss, {a, b}, A{number_of(r)});
}
Tensor triplet(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
               const TripletOptions& o) {
  return apply_one(kTriplet, {anchor, positive, negative}, A{number_of(o.reduction), o.margin, 0, o.squared});
}

std::span<const OpDef* const> distance_loss_ops() {
  static constexpr const OpDef* kOps[] = {&kCosineLoss, &kTriplet};
  return kOps;
}

}  // namespace cairn
