#include <cmath>

#include "cairn/ops/activation.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/elementwise_internal.h"
#include "cairn/ops/loss_internal.h"

namespace cairn {
namespace {

using A = LossAttributes;

Reduction reduction(const OpArgs& a) { return reduction_of(a.attributes.as<A>().reduction); }

std::vector<Sample> all_reductions(const Tensors& in, double a = 0, double b = 0) {
  return {{in, A{0, a, b}}, {in, A{1, a, b}}, {in, A{2, a, b}}};
}
Tensors logits_and_targets() { return {distinct({2, 3}, -3, 3.3), uniform({2, 3}, 0.1, 0.9)}; }

// log(1 + e^x) - t x
Tensor with_logits(const Tensor& x, const Tensor& t) { return softplus(x) - t * x; }

constinit const OpDef kBce{
    .name = "bce",
    .doc = "-(t log p + (1 - t) log(1 - p)) of probabilities",
    .arity = 2,
    .attributes = &A::list,
    .infer = pair_spec,
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor &p = a.in[0], &t = a.in[1];
      return {reduced(reduction(a), negative(t * log(p) + (1.0 - t) * log1p(negative(p))))};
    },
    .samples = [] { return all_reductions({uniform({2, 3}, 0.1, 0.9), uniform({2, 3}, 0.1, 0.9)}); },
};

constinit const OpDef kBceWithLogits{
    .name = "bce_with_logits",
    .doc = "-(t log p + (1 - t) log(1 - p)) with p = sigmoid(x), exact for large x",
    .arity = 2,
    .attributes = &A::list,
    .infer = pair_spec,
    .cpu =
        [](const KernelArgs& a) {
          pair_kernel(a, [](double x, double t) {
            return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - t * x;
          });
        },
    .composed = [](const OpArgs& a) -> Tensors {
      return {reduced(reduction(a), with_logits(a.in[0], a.in[1]))};
    },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Tensor g = share_of(a, reduction_of(a.attributes.as<A>().reduction), a.in[0].size());
      return {a.wanted[0] ? (sigmoid(a.in[0]) - a.in[1]) * g : Tensor(),
              a.wanted[1] ? negative(a.in[0]) * g : Tensor()};
    },
    .saves = {.inputs = 0b11},
    .samples =
        [] {
          std::vector<Sample> all = all_reductions(logits_and_targets());
          all.push_back({{Tensor::from(std::vector<double>{800, -800}), uniform({2}, 0.1, 0.9)}, A{2}});
          return all;
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({3, 1}, 0, 1), uniform({3}, 0, 1)}, A{}},
                                         "bce_with_logits: inputs are [3, 1] and targets are [3]; they must "
                                         "be equal. Did you mean reshape?"}};
        },
};

// With p = pos_weight: w ((1 - t) x + (1 + (p - 1) t) log(1 + e^-x)).
constinit const OpDef kWeightedBce{
    .name = "weighted_bce_with_logits",
    .doc = "bce_with_logits with a weight each and one for t = 1",
    .arity = 4,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a);
      const TensorSpecs specs = pair_spec({a.in.first(2), a.attributes, a.name});
      static constexpr const char* kNames[] = {"weight", "pos_weight"};
      for (std::size_t i = 2; i < 4; ++i)
        if (broadcast_shape(a.name, a.in[i].shape(), a.in[0].shape()) != a.in[0].shape())
          throw ShapeError(a.name, fmt::format("{} is {}; it must broadcast to {}", kNames[i - 2],
                                               a.in[i].shape().text(), a.in[0].shape().text()));
      return specs;
    },
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor &x = a.in[0], &t = a.in[1];
      const Tensor each = (1.0 - t) * x + (1.0 + (a.in[3] - 1.0) * t) * softplus(negative(x));
      return {reduced(reduction(a), a.in[2] * each)};
    },
    .samples =
        [] {
          Tensors in = logits_and_targets();
          in.push_back(uniform({2, 1}, 0.5, 2));
          in.push_back(uniform({3}, 0.5, 2));
          return all_reductions(in);
        },
    .bad_samples =
        [] {
          Tensors in = logits_and_targets();
          in.push_back(uniform({4, 1, 1}, 0.5, 2));
          in.push_back(uniform({3}, 0.5, 2));
          return std::vector<BadSample>{
              {{in, A{}}, "weighted_bce_with_logits: weight is [4, 1, 1]; it must broadcast to [2, 3]"}};
        },
};

constinit const OpDef kFocal{
    .name = "focal",
    .doc = "alpha_t (1 - p_t)^gamma (-log p_t), p_t the probability of the target",
    .arity = 2,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      const auto at = a.attributes.as<A>();
      if (!(at.b >= 0) || !(at.a <= 1))
        throw ParamError(
            a.name, fmt::format("alpha = {} and gamma = {}; alpha is 1 at most (negative: none) and gamma 0 "
                                "at least",
                                at.a, at.b));
      return pair_spec(a);
    },
    // 1 - p_t = p + t - 2 p t for t of 0 and 1, and what lies between is read the same way.
    .composed = [](const OpArgs& a) -> Tensors {
      const auto at = a.attributes.as<A>();
      const Tensor &x = a.in[0], &t = a.in[1];
      const Tensor p = sigmoid(x);
      Tensor each = power(p + t - scale(p * t, 2), at.b) * with_logits(x, t);
      if (at.a >= 0) each = scale(t, 2 * at.a - 1, 1 - at.a) * each;
      return {reduced(reduction_of(at.reduction), each)};
    },
    .samples =
        [] {
          std::vector<Sample> all = all_reductions(logits_and_targets(), 0.25, 2);
          all.push_back({logits_and_targets(), A{0, -1, 1.5}});
          return all;
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{logits_and_targets(), A{0, 0.25, -1}},
               "focal: alpha = 0.25 and gamma = -1; alpha is 1 at most (negative: none) and "
               "gamma 0 at least"}};
        },
};

constinit const OpDef kHinge{
    .name = "hinge",
    .doc = "max(0, 1 - t x), t = -1 or 1",
    .arity = 2,
    .attributes = &A::list,
    .infer = pair_spec,
    .composed = [](const OpArgs& a) -> Tensors {
      return {reduced(reduction(a), relu(1.0 - a.in[0] * a.in[1]))};
    },
    .samples = [] { return all_reductions({distinct({2, 3}, -3, 3.3), uniform({2, 3}, 0.9, 1.1)}); },
};

}  // namespace

Tensor bce(const Tensor& probabilities, const Tensor& targets, Reduction r) {
  return apply_one(kBce, {probabilities, targets}, A{number_of(r)});
}
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, const BceOptions& o) {
  const A at{number_of(o.reduction)};
  if (!o.weight.defined() && !o.pos_weight.defined()) return apply_one(kBceWithLogits, {logits, targets}, at);
  const Tensor one = Tensor::full({}, 1, logits.dtype());
  return apply_one(
      kWeightedBce,
      {logits, targets, o.weight.defined() ? o.weight : one, o.pos_weight.defined() ? o.pos_weight : one},
      at);
}
Tensor focal(const Tensor& logits, const Tensor& targets, double alpha, double gamma, Reduction r) {
  return apply_one(kFocal, {logits, targets}, A{number_of(r), alpha, gamma});
}
Tensor hinge(const Tensor& scores, const Tensor& targets, Reduction r) {
  return apply_one(kHinge, {scores, targets}, A{number_of(r)});
}

std::span<const OpDef* const> binary_loss_ops() {
  static constexpr const OpDef* kOps[] = {&kBce, &kBceWithLogits, &kWeightedBce, &kFocal, &kHinge};
  return kOps;
}

}  // namespace cairn
