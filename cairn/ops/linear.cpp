#include "cairn/ops/linear.h"

#include <cmath>

#include "cairn/ops/activation.h"
#include "cairn/ops/activation_internal.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {

const ParamList& LinearAttributes::list() {
  static const ParamList l{
      param<&LinearAttributes::activation>("activation", "0 none, 1 relu, 2 sigmoid, 3 tanh", between(0, 3))};
  return l;
}

namespace {

LinearActivation activation_of(const Attributes& a) {
  return static_cast<LinearActivation>(a.as<LinearAttributes>().activation);
}

double activated(LinearActivation f, double v) {
  switch (f) {
    case LinearActivation::relu:
      return v < 0 ? 0 : v;
    case LinearActivation::sigmoid:
      return 1 / (1 + std::exp(-v));
    case LinearActivation::tanh:
      return std::tanh(v);
    case LinearActivation::none:
      break;
  }
  return v;
}
Tensor activated(LinearActivation f, const Tensor& v) {
  switch (f) {
    case LinearActivation::relu:
      return relu(v);
    case LinearActivation::sigmoid:
      return sigmoid(v);
    case LinearActivation::tanh:
      return tanh(v);
    case LinearActivation::none:
      break;
  }
  return v;
}
// The gradient of what goes into f, from that of its result y.
Tensor through(LinearActivation f, Tensor g, const Tensor& y) {
  switch (f) {
    case LinearActivation::relu:
      return relu_gate(std::move(g), y);
    case LinearActivation::sigmoid:
      return g * y * (1.0 - y);
    case LinearActivation::tanh:
      return g * (1.0 - square(y));
    case LinearActivation::none:
      break;
  }
  return g;
}

// All rows of [..., D] under one another.
Tensor as_rows(const Tensor& t) {
  if (t.ndim() == 2) return t;
  const std::int64_t width = t.size(t.ndim() - 1);
  std::int64_t rows = 1;
  for (int i = 0; i + 1 < t.ndim(); ++i) rows *= t.size(i);
  return t.reshape({rows, width});
}

TensorSpecs infer(const OpArgs& a) {
  need_count(a, 2, 3, "x, weight and, if there is one, bias");
  need_floating(a);
  const Tensor &x = a.in[0], &w = a.in[1];
  need_ndim(a, 1, 2, "a weight [out, in]");
  if (x.ndim() < 1) throw ShapeError(a.name, fmt::format("{} is given; it takes rows [..., in]", x.text()));
  const std::int64_t last = x.size(x.ndim() - 1);
  if (last != w.size(1))
    throw ShapeError(
        a.name,
        fmt::format("x is {} and weight is {}; x's last dimension ({}) must equal the weight's last ({})",
                    x.shape().text(), w.shape().text(), last, w.size(1)),
        last == w.size(0) ? "Weights lie [out, in]." : "");
  if (a.in.size() == 3) need_shape(a, 2, {w.size(0)}, "bias");
  SmallVector<std::int64_t, 8> dims;
  for (const std::int64_t d : x.shape().dims()) dims.push_back(d);
  dims.back() = w.size(0);
  return {{Shape(std::span<const std::int64_t>(dims.data(), dims.size())), x.dtype()}};
}

void reference(const KernelArgs& a) {
  const LinearActivation f = activation_of(a.attributes);
  const Tensor input = dense(a.in[0]), weight = dense(a.in[1]);
  const Tensor bias = a.in.size() == 3 ? dense(a.in[2]) : Tensor();
  with_floating(input.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *x = input.data<T>().data(), *w = weight.data<T>().data();
    const T* b = bias.defined() ? bias.data<T>().data() : nullptr;
    T* y = a.out[0].mutable_data<T>().data();
    const std::int64_t in = weight.size(1), out = weight.size(0);
    for (std::int64_t i = 0; i < a.out[0].size(); ++i) {
      const T *row = x + i / out * in, *column = w + i % out * in;
      double sum = b ? static_cast<double>(b[i % out]) : 0.0;
      for (std::int64_t k = 0; k < in; ++k)
        sum += static_cast<double>(row[k]) * static_cast<double>(column[k]);
      y[i] = static_cast<T>(activated(f, sum));
    }
  });
}

LinearAttributes with(LinearActivation f) { return {static_cast<std::int8_t>(f)}; }

}  // namespace

constinit const OpDef kLinear{
    .name = "linear",
    .doc = "x W^T + b, with an activation",
    .arity = -1,
    .attributes = &LinearAttributes::list,
    .infer = infer,
    .cpu = reference,
    .composed = [](const OpArgs& a) -> Tensors {
      const Tensor y = matmul(a.in[0], transpose(a.in[1]));
      return {activated(activation_of(a.attributes), a.in.size() == 3 ? y + a.in[2] : y)};
    },
    .vjp = [](const VjpArgs& a) -> Tensors {
      const Tensor g = as_rows(through(activation_of(a.attributes), std::move(a.grad[0]), a.out[0]));
      Tensors r(a.in_specs.size());
      if (a.wanted[0]) r[0] = matmul(g, a.in[1]).reshape(a.in_specs[0].shape);
      if (a.wanted[1]) r[1] = matmul(transpose(g), as_rows(a.in[0]));
      if (r.size() == 3 && a.wanted[2]) r[2] = sum(g, 0);
      return r;
    },
    .saves_for = [](const Attributes& attributes, std::size_t) -> Saves {
      return {.inputs = 0b11, .outputs = activation_of(attributes) == LinearActivation::none ? 0U : 1U};
    },
    .slot = SlotId::linear,
    .samples =
        [] {
          const Tensor x = uniform({4, 3}, -1, 1), w = uniform({2, 3}, -1, 1), b = uniform({2}, -1, 1);
          return std::vector<Sample>{{{x, w, b}, LinearAttributes{}},
                                     {{uniform({2, 2, 3}, -1, 1), w}, LinearAttributes{}},
                                     {{x, w, uniform({2}, 3, 4)}, with(LinearActivation::relu)},
                                     {{x, w, b}, with(LinearActivation::sigmoid)},
                                     {{uniform({3}, -1, 1), w, b}, with(LinearActivation::tanh)},
                                     {{uniform({0, 3}, -1, 1), w, b}, LinearAttributes{}}};
        },
    .bad_samples =
        [] {
          const Tensor w = uniform({2, 3}, 0, 1);
          return std::vector<BadSample>{{{{uniform({4, 5}, 0, 1), w}, LinearAttributes{}},
                                         "linear: x is [4, 5] and weight is [2, 3]; x's last dimension (5) "
                                         "must equal the weight's last (3)"},
                                        {{{uniform({4, 2}, 0, 1), w}, LinearAttributes{}},
                                         "linear: x is [4, 2] and weight is [2, 3]; x's last dimension (2) "
                                         "must equal the weight's last (3). "
                                         "Weights lie [out, in]."},
                                        {{{uniform({4, 3}, 0, 1), w, uniform({3}, 0, 1)}, LinearAttributes{}},
                                         "linear: bias is [3]; it must be [2]"}};
        },
};

Tensor linear(const Tensor& x, const Tensor& weight, LinearActivation activation) {
  return apply_one(kLinear, {x, weight}, with(activation));
}
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, LinearActivation activation) {
  return apply_one(kLinear, {x, weight, bias}, with(activation));
}

std::span<const OpDef* const> linear_ops() {
  static constexpr const OpDef* kOps[] = {&kLinear};
  return kOps;
}

}  // namespace cairn
