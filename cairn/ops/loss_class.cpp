#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss_internal.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {

const ParamList& ClassLossAttributes::list() {
  using A = ClassLossAttributes;
  static const ParamList l{
      param<&A::label_smoothing>("label_smoothing", "share of the target spread over all classes",
                                 between(0, 1)),
      param<&A::ignore_index>("ignore_index", "a target that adds nothing"),
      param<&A::reduction>("reduction", "0 mean, 1 sum, 2 none", between(0, 2))};
  return l;
}

namespace {

using A = ClassLossAttributes;

Shape rows_of(const Shape& s) { return Shape(s.dims().first(static_cast<std::size_t>(s.ndim() - 1))); }

void check_smoothing(const OpArgs& a) {
  const double s = a.attributes.as<A>().label_smoothing;
  if (!(s >= 0 && s <= 1)) throw ParamError(a.name, fmt::format("label_smoothing = {} is outside [0, 1]", s));
}
void check_scores(const OpArgs& a, std::size_t i) {
  if (a.in[i].ndim() < 1 || a.in[i].size(a.in[i].ndim() - 1) < 1)
    throw ShapeError(a.name,
                     fmt::format("{} is given; it takes one number a class, [..., C]", a.in[i].text()));
}
// Classes for the rows of `scores`, each in [0, C) or ignored.
void check_classes(const OpArgs& a, const Tensor& scores, const Tensor& targets) {
  const auto at = a.attributes.as<A>();
  const Shape rows = rows_of(scores.shape());
  if (targets.dtype() != DType::i64)
    throw DTypeError(a.name,
                     fmt::format("targets are {}; classes are i64 {}, probabilities {} {}", targets.text(),
                                 rows.text(), name_of(scores.dtype()), scores.shape().text()));
  if (targets.shape() != rows)
    throw ShapeError(a.name,
                     fmt::format("targets are {} and logits are {}; targets must be {}",
                                 targets.shape().text(), scores.shape().text(), rows.text()),
                     targets.size() == rows.size() ? "Did you mean reshape?" : "");
  const std::int64_t classes = scores.size(scores.ndim() - 1);
  bool any = false;
  const Tensor flat = dense(targets);
  for (const std::int64_t t : flat.data<std::int64_t>()) {
    if (t == at.ignore_index) continue;
    any = true;
    if (t < 0 || t >= classes)
      throw ShapeError(a.name, fmt::format("target {} is outside of the {} classes", t, classes),
                       "Classes count from 0; ignore_index names one that stands for none.");
  }
  if (!any && reduction_of(at.reduction) == Reduction::mean)
    throw ShapeError(a.name,
                     fmt::format("none of {} targets counts; there is nothing to average", targets.size()));
}
void check_weights(const OpArgs& a, std::size_t i) {
  need_shape(a, i, {a.in[0].size(a.in[0].ndim() - 1)}, "class_weights");
}
TensorSpecs loss_spec(const OpArgs& a) {
  return {
      {reduced_to(reduction_of(a.attributes.as<A>().reduction), rows_of(a.in[0].shape())), a.in[0].dtype()}};
}

struct Targets {
  Tensor classes;  // ignored ones are 0 here
  Tensor valid;    // bool
};
Targets targets_of(const Tensor& t, std::int64_t ignore) {
  Targets r{Tensor::zeros(t.shape(), DType::i64), Tensor::zeros(t.shape(), DType::boolean)};
  const Tensor flat = dense(t);
  const auto from = flat.data<std::int64_t>();
  const auto classes = r.classes.mutable_data<std::int64_t>();
  const auto valid = r.valid.mutable_data<bool>();
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != ignore) classes[i] = from[i], valid[i] = true;
  return r;
}
Tensor or_zero(const Tensor& valid, const Tensor& x) { return where(valid, x, Tensor::zeros({}, x.dtype())); }

// Log-probabilities against classes, with weights [C]: the definition.
Tensor class_loss(const Tensor& logs, const Tensor& targets, const Tensor& weights, const A& at) {
  const Reduction r = reduction_of(at.reduction);
  const Targets t = targets_of(targets, at.ignore_index);
  const Tensor weight =
      index_select(weights, t.classes.reshape({t.classes.size()})).reshape(t.classes.shape());
  const Tensor own = squeeze(gather(logs, expand_dims(t.classes, -1), -1), {-1});
  Tensor each = or_zero(t.valid, negative(own * weight));
  if (at.label_smoothing > 0) {
    const double share = at.label_smoothing / static_cast<double>(weights.size());
    each = scale(each, 1 - at.label_smoothing) +
           scale(or_zero(t.valid, negative(sum(logs * weights, -1))), share);
  }
  return r == Reduction::mean ? sum(each) / sum(or_zero(t.valid, weight)) : reduced(r, each);
}
Tensor ones_for(const Tensor& scores) {
  return Tensor::full({scores.size(scores.ndim() - 1)}, 1, scores.dtype());
}

// Rows of logits, plain: log of the sum of e^x, and what a gradient of 1 makes of a row.
template <class T>
double log_sum(const T* x, std::int64_t n) {
  double top = static_cast<double>(x[0]), total = 0;
  for (std::int64_t i = 1; i < n; ++i) top = std::max(top, static_cast<double>(x[i]));
  for (std::int64_t i = 0; i < n; ++i) total += std::exp(static_cast<double>(x[i]) - top);
  return top + std::log(total);
}

void cross_entropy_reference(const KernelArgs& a) {
  const auto at = a.attributes.as<A>();
  const Reduction r = reduction_of(at.reduction);
  const Tensor logits = dense(a.in[0]), targets = dense(a.in[1]);
  const auto t = targets.data<std::int64_t>();
  with_floating(logits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* x = logits.data<T>().data();
    T* y = a.out[0].mutable_data<T>().data();
    const std::int64_t classes = logits.size(logits.ndim() - 1);
    double total = 0, counted = 0;
    for (std::size_t i = 0; i < t.size(); ++i) {
      double loss = 0;
      if (t[i] != at.ignore_index) {
        const T* row = x + static_cast<std::int64_t>(i) * classes;
        const double all = log_sum(row, classes);
        loss = (1 - at.label_smoothing) * (all - static_cast<double>(row[t[i]]));
        for (std::int64_t c = 0; at.label_smoothing > 0 && c < classes; ++c)
          loss += at.label_smoothing / static_cast<double>(classes) * (all - static_cast<double>(row[c]));
        counted += 1;
      }
      if (r == Reduction::none) y[i] = static_cast<T>(loss);
      total += loss;
    }
    if (r != Reduction::none) *y = static_cast<T>(r == Reduction::mean ? total / counted : total);
  });
}

void cross_entropy_gradient_reference(const KernelArgs& a) {
  const auto at = a.attributes.as<A>();
  const Reduction r = reduction_of(at.reduction);
  const Tensor gradient = dense(a.in[0]), logits = dense(a.in[1]), targets = dense(a.in[2]);
  const auto t = targets.data<std::int64_t>();
  with_floating(logits.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *g = gradient.data<T>().data(), *x = logits.data<T>().data();
    T* dx = a.out[0].mutable_data<T>().data();
    const std::int64_t classes = logits.size(logits.ndim() - 1);
    double counted = 0;
    for (const std::int64_t v : t) counted += v != at.ignore_index;
    const double share = at.label_smoothing / static_cast<double>(classes);
    for (std::size_t i = 0; i < t.size(); ++i) {
      const T* row = x + static_cast<std::int64_t>(i) * classes;
      T* to = dx + static_cast<std::int64_t>(i) * classes;
      if (t[i] == at.ignore_index) {
        std::fill_n(to, classes, T(0));
        continue;
      }
      const double each =
          static_cast<double>(r == Reduction::none ? g[i] : *g) / (r == Reduction::mean ? counted : 1.0);
      const double all = log_sum(row, classes);
      for (std::int64_t c = 0; c < classes; ++c)
        to[c] = static_cast<T>(each * (std::exp(static_cast<double>(row[c]) - all) - share -
                                       (c == t[i] ? 1 - at.label_smoothing : 0.0)));
    }
  });
}

std::vector<Sample> class_samples(const Tensors& more, bool logs = false) {
  const auto with = [&](const Tensor& x, const Tensor& t) {
    Tensors in{logs ? log_softmax(x) : x, t};
    for (const Tensor& m : more) in.push_back(m);
    return in;
  };
  const Tensor x = distinct({4, 3}, -2, 2.2), t = indices({2, 0, -100, 1}, {4});
  return {{with(x, t), A{}},
          {with(x, t), A{0.2}},
          {with(x, indices({2, 0, 0, 1}, {4})), A{0.1, 0, 1}},
          {with(x.reshape({2, 2, 3}), t.reshape({2, 2})), A{0, -100, 2}}};
}
std::vector<BadSample> class_bad_samples() {
  const Tensor x = uniform({4, 3}, 0, 1);
  return {
      {{{x, indices({0, 1, 3, 0}, {4})}, A{}},
       "cross_entropy: target 3 is outside of the 3 classes. Classes count from 0; ignore_index names one "
       "that "
       "stands for none."},
      {{{x, indices({0, 1, 2, 0}, {4, 1})}, A{}},
       "cross_entropy: targets are [4, 1] and logits are [4, 3]; targets must be [4]. Did you mean reshape?"},
      {{{x, uniform({4}, 0, 1)}, A{}},
       "cross_entropy: targets are f64 [4]; classes are i64 [4], probabilities f64 [4, 3]"},
      {{{x, indices({7, 7, 7, 7}, {4})}, A{0, 7}},
       "cross_entropy: none of 4 targets counts; there is nothing to average"},
      {{{x, indices({0, 1, 2, 0}, {4})}, A{1.5}}, "cross_entropy: label_smoothing = 1.5 is outside [0, 1]"}};
}

}  // namespace

constinit const OpDef kCrossEntropy{
    .name = "cross_entropy",
    .doc = "-log of the target's share in softmax(x)",
    .arity = 2,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a, 0, 1);
      check_smoothing(a);
      check_scores(a, 0);
      check_classes(a, a.in[0], a.in[1]);
      return loss_spec(a);
    },
    .cpu = cross_entropy_reference,
    .composed = [](const OpArgs& a) -> Tensors {
      return {class_loss(log_softmax(a.in[0]), a.in[1], ones_for(a.in[0]), a.attributes.as<A>())};
    },
    .vjp = [](const VjpArgs& a) -> Tensors {
      return {apply_one(kCrossEntropyGradient, {a.grad[0], a.in[0], a.in[1]}, a.attributes), Tensor()};
    },
    .saves = {.inputs = 0b11},
    .slot = SlotId::cross_entropy,
    .samples =
        [] {
          std::vector<Sample> all = class_samples({});
          all.push_back({{distinct({2, 3}, 700, 720), indices({0, 2}, {2})}, A{}});
          return all;
        },
    .bad_samples = class_bad_samples,
};

constinit const OpDef kCrossEntropyGradient{
    .name = "cross_entropy_gradient",
    .doc = "softmax(x) less the target: the gradient of cross_entropy for its logits",
    .arity = 3,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a, 0, 2);
      check_smoothing(a);
      check_scores(a, 1);
      check_classes(a, a.in[1], a.in[2]);
      need_shape(a, 0, reduced_to(reduction_of(a.attributes.as<A>().reduction), a.in[2].shape()),
                 "the gradient");
      return {{a.in[1].shape(), a.in[1].dtype()}};
    },
    .cpu = cross_entropy_gradient_reference,
    .composed = [](const OpArgs& a) -> Tensors {
      const auto at = a.attributes.as<A>();
      const Tensor& x = a.in[1];
      const std::int64_t classes = x.size(x.ndim() - 1);
      const Targets t = targets_of(a.in[2], at.ignore_index);
      const Tensor valid = t.valid.to(x.dtype());
      const Tensor target = scale(one_hot(t.classes, classes, x.dtype()), 1 - at.label_smoothing,
                                  at.label_smoothing / static_cast<double>(classes));
      Tensor g = a.in[0];
      if (reduction_of(at.reduction) == Reduction::mean) g = g / sum(valid);
      return {(softmax(x) - target) * expand_dims(g * valid, -1)};
    },
    .slot = SlotId::cross_entropy_gradient,
    .samples =
        [] {
          std::vector<Sample> all;
          for (Sample s : class_samples({})) {
            const Shape g = s.attributes.as<A>().reduction == 2 ? s.in[1].shape() : Shape{};
            all.push_back({{uniform(g, 0.5, 1.5), s.in[0], s.in[1]}, s.attributes});
          }
          return all;
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({4}, 0, 1), uniform({4, 3}, 0, 1), indices({0, 1, 2, 0}, {4})}, A{}},
               "cross_entropy_gradient: the gradient is [4]; it must be []"}};
        },
};

namespace {

constinit const OpDef kWeightedCrossEntropy{
    .name = "weighted_cross_entropy",
    .doc = "cross_entropy with a weight for each class",
    .arity = 3,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a, 0, 1);
      need_floating(a, 2, 3);
      check_smoothing(a);
      check_scores(a, 0);
      check_classes(a, a.in[0], a.in[1]);
      check_weights(a, 2);
      return loss_spec(a);
    },
    .composed = [](const OpArgs& a) -> Tensors {
      return {class_loss(log_softmax(a.in[0]), a.in[1], a.in[2], a.attributes.as<A>())};
    },
    .samples = [] { return class_samples({uniform({3}, 0.5, 2)}); },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), indices({0, 2}, {2}), uniform({2}, 0, 1)}, A{}},
               "weighted_cross_entropy: class_weights is [2]; it must be [3]"}};
        },
};

constinit const OpDef kSoftCrossEntropy{
    .name = "soft_cross_entropy",
    .doc = "-sum of q w log softmax(x), targets q being probabilities and w weights of classes",
    .arity = 3,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a);
      check_smoothing(a);
      check_scores(a, 0);
      need_shape(a, 1, a.in[0].shape(), "the tensor of target probabilities");
      check_weights(a, 2);
      if (reduction_of(a.attributes.as<A>().reduction) == Reduction::mean && a.in[0].size() == 0)
        throw ShapeError(a.name, fmt::format("{} is given; there is nothing to average", a.in[0].text()));
      return loss_spec(a);
    },
    .composed = [](const OpArgs& a) -> Tensors {
      const auto at = a.attributes.as<A>();
      const double share = at.label_smoothing / static_cast<double>(a.in[2].size());
      const Tensor target = scale(a.in[1], 1 - at.label_smoothing, share);
      return {
          reduced(reduction_of(at.reduction), negative(sum(log_softmax(a.in[0]) * target * a.in[2], -1)))};
    },
    .samples =
        [] {
          const Tensors in{distinct({4, 3}, -2, 2.2), softmax(uniform({4, 3}, -1, 1)), uniform({3}, 0.5, 2)};
          return std::vector<Sample>{{in, A{}}, {in, A{0.2}}, {in, A{0, -100, 1}}, {in, A{0, -100, 2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), uniform({2, 2}, 0, 1), uniform({3}, 0, 1)}, A{}},
               "soft_cross_entropy: the tensor of target probabilities is [2, 2]; it must be [2, 3]"}};
        },
};

constinit const OpDef kNll{
    .name = "nll",
    .doc = "-x at the target, x being log-probabilities, with weights of classes",
    .arity = 3,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a, 0, 1);
      need_floating(a, 2, 3);
      check_smoothing(a);
      check_scores(a, 0);
      check_classes(a, a.in[0], a.in[1]);
      check_weights(a, 2);
      return loss_spec(a);
    },
    .composed = [](const OpArgs& a) -> Tensors {
      return {class_loss(a.in[0], a.in[1], a.in[2], a.attributes.as<A>())};
    },
    .samples = [] { return class_samples({uniform({3}, 0.5, 2)}, true); },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), indices({0, -1}, {2}), uniform({3}, 0, 1)}, A{}},
               "nll: target -1 is outside of the 3 classes. Classes count from 0; ignore_index names one "
               "that stands "
               "for none."}};
        },
};

constinit const OpDef kKlDivergence{
    .name = "kl_divergence",
    .doc = "sum over classes of t (log t - x), x being log-probabilities; 0 where t is 0",
    .arity = 2,
    .attributes = &A::list,
    .infer = [](const OpArgs& a) -> TensorSpecs {
      need_floating(a);
      check_scores(a, 0);
      need_shape(a, 1, a.in[0].shape(), "the tensor of target probabilities");
      if (reduction_of(a.attributes.as<A>().reduction) == Reduction::mean && a.in[0].size() == 0)
        throw ShapeError(a.name, fmt::format("{} is given; there is nothing to average", a.in[0].text()));
      return loss_spec(a);
    },
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor& t = a.in[1];
      const Tensor each = sum(t * (log(clip(t, 1e-37, INFINITY)) - a.in[0]), -1);
      return {reduced(reduction_of(a.attributes.as<A>().reduction), each)};
    },
    .samples =
        [] {
          const Tensors in{log_softmax(distinct({4, 3}, -2, 2.2)), softmax(uniform({4, 3}, -1, 1))};
          return std::vector<Sample>{{in, A{}}, {in, A{0, -100, 1}}, {in, A{0, -100, 2}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 3}, 0, 1), uniform({3}, 0, 1)}, A{}},
               "kl_divergence: the tensor of target probabilities is [3]; it must be [2, 3]"}};
        },
};

A attributes_of(const ClassLossOptions& o) {
  return {o.label_smoothing, o.ignore_index, number_of(o.reduction)};
}
Tensor weights_or_ones(const ClassLossOptions& o, const Tensor& scores) {
  if (o.class_weights.defined()) return o.class_weights;
  return Tensor::full({scores.ndim() > 0 ? scores.size(scores.ndim() - 1) : 0}, 1, scores.dtype());
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const ClassLossOptions& o) {
  const A at = attributes_of(o);
  if (targets.defined() && is_floating(targets.dtype()) && targets.ndim() == logits.ndim())
    return apply_one(kSoftCrossEntropy, {logits, targets, weights_or_ones(o, logits)}, at);
  if (o.class_weights.defined())
    return apply_one(kWeightedCrossEntropy, {logits, targets, o.class_weights}, at);
  return apply_one(kCrossEntropy, {logits, targets}, at);
}
Tensor nll(const Tensor& log_probabilities, const Tensor& targets, const ClassLossOptions& o) {
  return apply_one(kNll, {log_probabilities, targets, weights_or_ones(o, log_probabilities)},
                   attributes_of(o));
}
Tensor kl_divergence(const Tensor& log_probabilities, const Tensor& targets, Reduction r) {
  return apply_one(kKlDivergence, {log_probabilities, targets}, A{0, -100, number_of(r)});
}

std::span<const OpDef* const> class_loss_ops() {
  static constexpr const OpDef* kOps[] = {
      &kCrossEntropy, &kCrossEntropyGradient, &kWeightedCrossEntropy, &kSoftCrossEntropy,
      &kNll,          &kKlDivergence};
  return kOps;
}

}  // namespace cairn
