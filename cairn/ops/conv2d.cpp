#include "cairn/ops/conv2d.h"

#include "cairn/ops/activation_internal.h"
#include "cairn/ops/catalogue_internal.h"
#include "cairn/ops/checks_internal.h"
#include "cairn/ops/conv2d_internal.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/reduce.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/samples.h"

namespace cairn {

const ParamList& Conv2dAttributes::list() {
  using A = Conv2dAttributes;
  static const ParamList l{
      param<&A::stride_rows>("stride_rows", "rows that the window moves", at_least(1)),
      param<&A::stride_columns>("stride_columns", "columns that the window moves", at_least(1)),
      param<&A::top>("top", "rows of zeros above", at_least(0)),
      param<&A::bottom>("bottom", "rows of zeros below", at_least(0)),
      param<&A::left>("left", "columns of zeros in front", at_least(0)),
      param<&A::right>("right", "columns of zeros behind", at_least(0)),
      param<&A::dilation_rows>("dilation_rows", "rows from tap to tap", at_least(1)),
      param<&A::dilation_columns>("dilation_columns", "columns from tap to tap", at_least(1)),
      param<&A::groups>("groups", "parts of the channels that do not see each other", at_least(1)),
      param<&A::rows>("rows", "rows of a gradient's result; 0: not one", at_least(0)),
      param<&A::columns>("columns", "columns of a gradient's result; 0: not one", at_least(0)),
      param<&A::relu>("relu", "max(y, 0)"),
  };
  return l;
}

namespace {

using A = Conv2dAttributes;

void check_attributes(const char* where, const A& at) {
  const auto wrong = [&](const char* name, int value, int least) {
    if (value < least)
      throw ShapeError(where, fmt::format("{} = {} is outside [{}, inf)", name, value, least));
  };
  wrong("stride", std::min(at.stride_rows, at.stride_columns), 1);
  wrong("dilation", std::min(at.dilation_rows, at.dilation_columns), 1);
  wrong("padding", std::min(std::min(at.top, at.bottom), std::min(at.left, at.right)), 0);
  wrong("groups", at.groups, 1);
}

Conv2dShape shape_of(const A& at, const Shape& images, const Shape& weight) {
  Conv2dShape s{images[0], images[3], weight[0], at.groups, {}, {}};
  s.rows = {images[1], weight[1], at.stride_rows, at.dilation_rows, at.top, at.bottom};
  s.columns = {images[2], weight[2], at.stride_columns, at.dilation_columns, at.left, at.right};
  return s;
}

// What must hold of any convolution's images and weight; the words name the tensors as they are given.
void check_pair(const OpArgs& a, const A& at, const Shape& images, const Shape& weight) {
  if (weight[3] * at.groups != images[3])
    throw ShapeError(a.name,
                     fmt::format("images {} have {} channels and weight {} sees {}{}; they must be equal",
                                 images.text(), images[3], weight.text(), weight[3] * at.groups,
                                 at.groups > 1 ? fmt::format(" in {} groups", at.groups) : std::string()),
                     images[1] == weight[3] * at.groups ? "Images lie N H W C, weights O Kh Kw I." : "");
  if (weight[0] % at.groups != 0)
    throw ShapeError(a.name, fmt::format("{} filters do not divide into {} groups", weight[0], at.groups));
  const Conv2dShape s = shape_of(at, images, weight);
  if (s.rows.kernel < 1 || s.columns.kernel < 1 || s.out_rows() < 1 || s.out_columns() < 1)
    throw ShapeError(
        a.name, fmt::format("a window of {} x {} does not fit images of {} x {} with padding", s.rows.reach(),
                            s.columns.reach(), s.rows.input + s.rows.before + s.rows.after,
                            s.columns.input + s.columns.before + s.columns.after));
}

TensorSpecs infer_forward(const OpArgs& a) {
  const auto at = a.attributes.as<A>();
  need_count(a, 2, 3, "images, weight and, if there is one, bias");
  need_floating(a);
  check_attributes(a.name, at);
  need_ndim(a, 0, 4, "images [N, H, W, C]");
  need_ndim(a, 1, 4, "a weight [O, Kh, Kw, C / groups]");
  check_pair(a, at, a.in[0].shape(), a.in[1].shape());
  if (a.in.size() == 3) need_shape(a, 2, {a.in[1].size(0)}, "bias");
  const Conv2dShape s = shape_of(at, a.in[0].shape(), a.in[1].shape());
  return {{{s.images, s.out_rows(), s.out_columns(), s.filters}, a.in[0].dtype()}};
}

void check_result(const OpArgs& a, const Conv2dShape& s, const Tensor& gradient) {
  const Shape made{s.images, s.out_rows(), s.out_columns(), s.filters};
  if (made != gradient.shape())
    throw ShapeError(a.name,
                     fmt::format("{} does not fit; the convolution makes {}", gradient.text(), made.text()));
}

TensorSpecs infer_data_gradient(const OpArgs& a) {
  const auto at = a.attributes.as<A>();
  need_floating(a);
  check_attributes(a.name, at);
  need_ndim(a, 0, 4, "images [N, P, Q, I]");
  need_ndim(a, 1, 4, "a weight [I, Kh, Kw, O / groups]");
  const Shape weight = a.in[1].shape();
  if (a.in[0].size(3) != weight[0])
    throw ShapeError(a.name,
                     fmt::format("images {} have {} channels and weight {} takes {}; they must be equal",
                                 a.in[0].shape().text(), a.in[0].size(3), weight.text(), weight[0]));
  const Shape images{a.in[0].size(0), at.rows, at.columns, weight[3] * at.groups};
  check_pair(a, at, images, weight);
  check_result(a, shape_of(at, images, weight), a.in[0]);
  return {{images, a.in[0].dtype()}};
}

TensorSpecs infer_weight_gradient(const OpArgs& a) {
  const auto at = a.attributes.as<A>();
  need_floating(a);
  check_attributes(a.name, at);
  need_ndim(a, 0, 4, "images [N, H, W, C]");
  need_ndim(a, 1, 4, "a gradient [N, P, Q, O]");
  const Shape weight{a.in[1].size(3), at.rows, at.columns, a.in[0].size(3) / at.groups};
  check_pair(a, at, a.in[0].shape(), weight);
  check_result(a, shape_of(at, a.in[0].shape(), weight), a.in[1]);
  return {{weight, a.in[0].dtype()}};
}

A forward_of(A at) {  // the attributes of the plain convolution
  at.rows = at.columns = 0;
  at.relu = false;
  return at;
}
A with_result(A at, std::int64_t rows, std::int64_t columns) {
  at = forward_of(at);
  at.rows = static_cast<std::int32_t>(rows);
  at.columns = static_cast<std::int32_t>(columns);
  return at;
}
Tensor data_gradient(const Tensor& g, const Tensor& w, const A& at, const Shape& images) {
  return apply_one(kConv2dDataGradient, {g, w}, with_result(at, images[1], images[2]));
}
Tensor weight_gradient(Tensor x, const Tensor& g, const A& at, const Shape& weight) {
  return apply_one(kConv2dWeightGradient, {x, g}, with_result(at, weight[1], weight[2]));
}

Tensors forward_vjp(const VjpArgs& a) {
  const auto at = a.attributes.as<A>();
  const Tensor g = at.relu ? relu_gate(std::move(a.grad[0]), std::move(a.out[0])) : std::move(a.grad[0]);
  Tensors r(a.in_specs.size());
  if (r.size() == 3 && a.wanted[2]) r[2] = sum(g, {0, 1, 2});
  if (a.wanted[1]) r[1] = weight_gradient(std::move(a.in[0]), g, at, a.in_specs[1].shape);
  if (a.wanted[0]) r[0] = data_gradient(g, a.in[1], at, a.in_specs[0].shape);
  return r;
}
Tensors data_gradient_vjp(const VjpArgs& a) {  // <G, D(g, w)> = <conv(G, w), g>
  const auto at = a.attributes.as<A>();
  Tensors r(2);
  if (a.wanted[0]) r[0] = apply_one(kConv2d, {a.grad[0], a.in[1]}, forward_of(at));
  if (a.wanted[1]) r[1] = weight_gradient(a.grad[0], a.in[0], at, a.in_specs[1].shape);
  return r;
}

std::vector<Sample> forward_samples() {
  return {{{uniform({2, 4, 5, 2}, -1, 1), uniform({3, 3, 2, 2}, -1, 1), uniform({3}, -1, 1)}, A{}},
          {{uniform({1, 5, 5, 4}, -1, 1), uniform({4, 3, 3, 2}, -1, 1)}, A{2, 2, 1, 0, 1, 1, 1, 1, 2}},
          {{uniform({1, 6, 5, 3}, -1, 1), uniform({3, 2, 2, 1}, -1, 1)}, A{1, 2, 0, 1, 2, 0, 2, 3, 3}},
          {{uniform({2, 3, 3, 1}, -1, 1), uniform({2, 2, 2, 1}, -1, 1), uniform({2}, 3, 4)},
           A{1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, true}},
          {{uniform({0, 3, 3, 1}, -1, 1), uniform({2, 2, 2, 1}, -1, 1)}, A{}}};
}
std::vector<Sample> data_gradient_samples() {
  return {{{uniform({2, 2, 4, 3}, -1, 1), uniform({3, 3, 2, 2}, -1, 1)}, A{1, 1, 0, 0, 0, 0, 1, 1, 1, 4, 5}},
          {{uniform({1, 2, 3, 4}, -1, 1), uniform({4, 3, 3, 2}, -1, 1)}, A{2, 2, 1, 0, 1, 1, 1, 1, 2, 5, 5}}};
}

}  // namespace

Conv2dShape conv2d_shape(const KernelArgs& a) {
  return shape_of(a.attributes.as<A>(), a.in[0].shape(), a.in[1].shape());
}
Conv2dShape conv2d_data_gradient_shape(const KernelArgs& a) {
  return shape_of(a.attributes.as<A>(), a.out[0].shape(), a.in[1].shape());
}
Conv2dShape conv2d_weight_gradient_shape(const KernelArgs& a) {
  return shape_of(a.attributes.as<A>(), a.in[0].shape(), a.out[0].shape());
}

constinit const OpDef kConv2d{
    .name = "conv2d",
    .doc = "sums of a window's values times each filter's weights, plus a bias; N H W C",
    .arity = -1,
    .attributes = &A::list,
    .infer = infer_forward,
    .cpu = conv2d_reference,
    .vjp = forward_vjp,
    .saves_for = [](const Attributes& attributes, std::size_t) -> Saves {
      return {.inputs = 0b11, .outputs = attributes.as<A>().relu ? 1U : 0U};
    },
    .slot = SlotId::conv2d,
    .samples = forward_samples,
    .bad_samples =
        [] {
          const Tensor x = uniform({1, 4, 4, 3}, 0, 1), w = uniform({2, 3, 3, 3}, 0, 1);
          return std::vector<BadSample>{
              {{{uniform({4, 4, 3}, 0, 1), w}, A{}},
               "conv2d: f64 [4, 4, 3] is given; it takes images [N, H, W, C]"},
              {{{uniform({1, 3, 4, 4}, 0, 1), w}, A{}},
               "conv2d: images [1, 3, 4, 4] have 4 channels and weight [2, 3, 3, 3] sees 3; they must be "
               "equal. "
               "Images lie N H W C, weights O Kh Kw I."},
              {{{x, uniform({2, 5, 3, 3}, 0, 1)}, A{}},
               "conv2d: a window of 5 x 3 does not fit images of 4 x 4 with padding"},
              {{{x, uniform({2, 3, 3, 1}, 0, 1)}, A{1, 1, 0, 0, 0, 0, 1, 1, 3}},
               "conv2d: 2 filters do not divide into 3 groups"},
              {{{x, w, uniform({3}, 0, 1)}, A{}}, "conv2d: bias is [3]; it must be [2]"},
              {{{x, w}, A{0, 1}}, "conv2d: stride = 0 is outside [1, inf)"},
              {{{x, w.to(DType::f32)}, A{}},
               "conv2d: f64 [1, 4, 4, 3] and f32 [2, 3, 3, 3] are given; they must have one element type. "
               "Convert "
               "one with to()."},
              {{{x}, A{}},
               "conv2d: 1 tensors are given; it takes images, weight and, if there is one, bias"}};
        },
};

constinit const OpDef kConv2dDataGradient{
    .name = "conv2d_data_gradient",
    .doc = "each value spread over its window with the filter's weights: the gradient of conv2d for images",
    .arity = 2,
    .attributes = &A::list,
    .infer = infer_data_gradient,
    .cpu = conv2d_data_gradient_reference,
    .vjp = data_gradient_vjp,
    .saves = {.inputs = 0b11},
    .slot = SlotId::conv2d_data_gradient,
    .samples = data_gradient_samples,
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 2, 4, 3}, 0, 1), uniform({3, 3, 2, 2}, 0, 1)},
                A{1, 1, 0, 0, 0, 0, 1, 1, 1, 4, 6}},
               "conv2d_data_gradient: f64 [2, 2, 4, 3] does not fit; the convolution makes [2, 2, 5, 3]"}};
        },
};

constinit const OpDef kConvTranspose2d{
    .name = "conv_transpose2d",
    .doc = "each value spread over its window with the filter's weights: a convolution backwards; N H W C",
    .arity = 2,
    .attributes = &A::list,
    .infer = infer_data_gradient,
    .cpu = conv2d_data_gradient_reference,
    .vjp = data_gradient_vjp,
    .saves = {.inputs = 0b11},
    .slot = SlotId::conv2d_data_gradient,
    .samples = data_gradient_samples,
    .bad_samples =
        [] {
          return std::vector<BadSample>{{{{uniform({2, 2, 4, 2}, 0, 1), uniform({3, 3, 2, 2}, 0, 1)},
                                          A{1, 1, 0, 0, 0, 0, 1, 1, 1, 4, 5}},
                                         "conv_transpose2d: images [2, 2, 4, 2] have 2 channels and weight "
                                         "[3, 3, 2, 2] takes 3; they must be "
                                         "equal"}};
        },
};

constinit const OpDef kConv2dWeightGradient{
    .name = "conv2d_weight_gradient",
    .doc = "sums over images of window values times gradients: the gradient of conv2d for its weight",
    .arity = 2,
    .attributes = &A::list,
    .infer = infer_weight_gradient,
    .cpu = conv2d_weight_gradient_reference,
    .vjp = [](const VjpArgs& a) -> Tensors {  // <W, G(x, g)> = <conv(x, W), g>
      const auto at = a.attributes.as<A>();
      Tensors r(2);
      if (a.wanted[0]) r[0] = data_gradient(a.in[1], a.grad[0], at, a.in_specs[0].shape);
      if (a.wanted[1]) r[1] = apply_one(kConv2d, {a.in[0], a.grad[0]}, forward_of(at));
      return r;
    },
    .saves = {.inputs = 0b11},
    .slot = SlotId::conv2d_weight_gradient,
    .samples =
        [] {
          return std::vector<Sample>{{{uniform({2, 4, 5, 2}, -1, 1), uniform({2, 2, 4, 3}, -1, 1)},
                                      A{1, 1, 0, 0, 0, 0, 1, 1, 1, 3, 2}},
                                     {{uniform({1, 5, 5, 4}, -1, 1), uniform({1, 2, 3, 4}, -1, 1)},
                                      A{2, 2, 1, 0, 1, 1, 1, 1, 2, 3, 3}}};
        },
    .bad_samples =
        [] {
          return std::vector<BadSample>{
              {{{uniform({2, 4, 5, 2}, 0, 1), uniform({1, 2, 4, 3}, 0, 1)},
                A{1, 1, 0, 0, 0, 0, 1, 1, 1, 3, 2}},
               "conv2d_weight_gradient: f64 [1, 2, 4, 3] does not fit; the convolution makes [2, 2, 4, 3]"}};
        },
};

namespace {

A attributes_of(const Pair& stride, const Padding& padding, const Pair& dilation, std::int32_t groups) {
  return {stride.rows,   stride.columns, padding.top,      padding.bottom, padding.left,
          padding.right, dilation.rows,  dilation.columns, groups};
}

bool positive(const A& at) {  // else infer says so
  return std::min(std::min(at.stride_rows, at.stride_columns),
                  std::min(at.dilation_rows, at.dilation_columns)) > 0;
}

Tensor convolve(std::initializer_list<Tensor> in, const Conv2dOptions& o) {
  A at = attributes_of(o.stride, o.padding, o.dilation, o.groups);
  at.relu = o.relu;
  const Tensor &x = *in.begin(), &w = *(in.begin() + 1);
  if (o.padding.is_same && x.ndim() == 4 && w.ndim() == 4 && positive(at)) {
    same_padding(x.size(1), w.size(1), at.stride_rows, at.dilation_rows, at.top, at.bottom);
    same_padding(x.size(2), w.size(2), at.stride_columns, at.dilation_columns, at.left, at.right);
  }
  return apply_one(kConv2d, in, at);
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Conv2dOptions& options) {
  return convolve({x, weight}, options);
}
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options) {
  return convolve({x, weight, bias}, options);
}

Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const ConvTranspose2dOptions& o) {
  A at = attributes_of(o.stride, o.padding, o.dilation, o.groups);
  check_attributes("conv_transpose2d", at);
  if (x.ndim() == 4 && weight.ndim() == 4) {
    const bool same = o.padding.is_same;
    const WindowAxis rows =
        transposed_axis(kConvTranspose2d.name, x.size(1),
                        {0, weight.size(1), at.stride_rows, at.dilation_rows, at.top, at.bottom}, same,
                        o.output_padding.rows);
    const WindowAxis columns =
        transposed_axis(kConvTranspose2d.name, x.size(2),
                        {0, weight.size(2), at.stride_columns, at.dilation_columns, at.left, at.right}, same,
                        o.output_padding.columns);
    const auto narrow = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
    at.top = narrow(rows.before);
    at.bottom = narrow(rows.after);
    at.left = narrow(columns.before);
    at.right = narrow(columns.after);
    at.rows = narrow(rows.input);
    at.columns = narrow(columns.input);
  }
  return apply_one(kConvTranspose2d, {x, weight}, at);
}
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvTranspose2dOptions& options) {
  return conv_transpose2d(x, weight, options) + bias;
}

std::span<const OpDef* const> conv_ops() {
  static constexpr const OpDef* kOps[] = {&kConv2d, &kConv2dDataGradient, &kConv2dWeightGradient,
                                          &kConvTranspose2d};
  return kOps;
}

}  // namespace cairn
