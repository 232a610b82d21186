// ONNX's own node tests of what networks are made of. Every test of these operations either runs or stands
// under the reason why Cairn has no such thing; the numbers of both are pinned.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "cairn/ops/activation.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/norm.h"
#include "cairn/ops/pool2d.h"
#include "cairn/ops/shape_ops.h"
#include "tests/support/golden.h"
#include "tests/support/onnx_node.h"
#include "tests/support/shared_data.h"

using namespace cairn;
using test::OnnxNode;

namespace {

struct Skip {
  std::string reason;
};

using In = std::vector<Tensor>;  // undefined: left out

// N C ... to N ... C and back.
Tensor channels_last(const Tensor& t) {
  AxisList axes{0};
  for (int i = 2; i < t.ndim(); ++i) axes.push_back(i);
  axes.push_back(1);
  return permute(t, axes);
}
Tensor channels_second(const Tensor& t) {
  AxisList axes{0, t.ndim() - 1};
  for (int i = 1; i + 1 < t.ndim(); ++i) axes.push_back(i);
  return permute(t, axes);
}
void only_images(const Tensor& x) {
  if (x.ndim() != 4) throw Skip{"one or three dimensions"};
}
Pair pair_of(const OnnxNode& n, const std::string& name, std::int64_t otherwise) {
  const auto v = n.list(name, {otherwise, otherwise});
  return {static_cast<int>(v[0]), static_cast<int>(v[1])};
}
Padding padding_of(const OnnxNode& n) {
  const std::string automatic = n.text("auto_pad", "NOTSET");
  if (automatic == "SAME_UPPER") return Padding::same();
  if (automatic == "SAME_LOWER") throw Skip{"the odd row of same padding in front"};
  const auto p = n.list("pads", {0, 0, 0, 0});  // top, left, bottom, right
  return {static_cast<int>(p[0]), static_cast<int>(p[2]), static_cast<int>(p[1]), static_cast<int>(p[3])};
}
Tensor or_none(const In& in, std::size_t i) { return i < in.size() ? in[i] : Tensor(); }

Tensor run_conv(const OnnxNode& n, const In& in) {
  only_images(in[0]);
  const Conv2dOptions o{.stride = pair_of(n, "strides", 1),
                        .padding = padding_of(n),
                        .dilation = pair_of(n, "dilations", 1),
                        .groups = static_cast<std::int32_t>(n.number("group", 1))};
  const Tensor x = channels_last(in[0]), w = channels_last(in[1]), b = or_none(in, 2);
  return channels_second(b.defined() ? conv2d(x, w, b, o) : conv2d(x, w, o));
}
Tensor run_conv_transpose(const OnnxNode& n, const In& in) {
  only_images(in[0]);
  if (n.has("output_shape")) throw Skip{"output_shape in place of output_padding"};
  const ConvTranspose2dOptions o{.stride = pair_of(n, "strides", 1),
                                 .padding = padding_of(n),
                                 .dilation = pair_of(n, "dilations", 1),
                                 .output_padding = pair_of(n, "output_padding", 0),
                                 .groups = static_cast<std::int32_t>(n.number("group", 1))};
  return channels_second(conv_transpose2d(channels_last(in[0]), channels_last(in[1]), o));
}
Tensor run_pool(const OnnxNode& n, const In& in) {
  only_images(in[0]);
  if (n.number("ceil_mode", 0)) throw Skip{"ceil_mode"};
  if (n.outputs.size() > 1) throw Skip{"places of the largest"};
  for (const std::int64_t d : n.list("dilations", {1}))
    if (d != 1) throw Skip{"pooling with dilation"};
  const Pool2dOptions o{.stride = pair_of(n, "strides", 1),
                        .padding = padding_of(n),
                        .count_padding = n.number("count_include_pad", 0) != 0};
  const Tensor x = channels_last(in[0]);
  const Pair window = pair_of(n, "kernel_shape", 1);
  return channels_second(n.op == "MaxPool" ? max_pool2d(x, window, o) : average_pool2d(x, window, o));
}
Tensor run_global_average(const OnnxNode&, const In& in) {
  return channels_second(adaptive_average_pool2d(channels_last(in[0]), 1));
}
Tensor run_batch_norm(const OnnxNode& n, const In& in) {
  const NormOptions o{.epsilon = n.real("epsilon", 1e-5)};
  const Tensor x = channels_last(in[0]);
  return channels_second(n.number("training_mode", 0)
                             ? batch_norm(x, in[1], in[2], o).y
                             : batch_norm_inference(x, in[1], in[2], in[3], in[4], o));
}
Tensor run_layer_norm(const OnnxNode& n, const In& in) {  // over all axes from `axis` on
  const Tensor& x = in[0];
  std::int64_t axis = n.number("axis", -1), width = 1;
  if (axis < 0) axis += x.ndim();
  for (int i = static_cast<int>(axis); i < x.ndim(); ++i) width *= x.size(i);
  const Tensor beta = in.size() > 2 ? in[2] : Tensor::zeros(in[1].shape(), x.dtype());
  return layer_norm(x.reshape({x.size() / width, width}), in[1].reshape({width}), beta.reshape({width}),
                    n.real("epsilon", 1e-5))
      .reshape(x.shape());
}
Tensor run_group_norm(const OnnxNode& n, const In& in) {
  const std::int64_t groups = n.op == "InstanceNormalization" ? in[0].size(1) : n.number("num_groups", 1);
  if (in[1].size() != in[0].size(1)) throw Skip{"a factor for each group instead of each channel"};
  return channels_second(group_norm(channels_last(in[0]), in[1], in[2], groups, n.real("epsilon", 1e-5)));
}
Tensor run_softmax(const OnnxNode& n, const In& in) {
  const int axis = static_cast<int>(n.number("axis", -1));
  return n.op == "Softmax" ? softmax(in[0], axis) : log_softmax(in[0], axis);
}
Tensor run_class_loss(const OnnxNode& n, const In& in) {
  const std::string r = n.text("reduction", "mean");
  const ClassLossOptions o{.class_weights = or_none(in, 2),
                           .ignore_index = n.number("ignore_index", -100),
                           .reduction = r == "mean"  ? Reduction::mean
                                        : r == "sum" ? Reduction::sum
                                                     : Reduction::none};
  const Tensor x = channels_last(in[0]);
  return n.op == "SoftmaxCrossEntropyLoss" ? cross_entropy(x, in[1], o) : nll(x, in[1], o);
}
Tensor run_unary(const OnnxNode& n, const In& in) {
  if (n.text("approximate", "none") != "none") throw Skip{"gelu by tanh"};
  const std::map<std::string, Tensor (*)(const Tensor&)> functions{
      {"Exp", exp},   {"Log", log},   {"Tanh", tanh}, {"Sigmoid", sigmoid},
      {"Gelu", gelu}, {"Relu", relu}, {"Mish", mish}, {"Softplus", softplus}};
  return functions.at(n.op)(in[0]);
}

const std::map<std::string, std::function<Tensor(const OnnxNode&, const In&)>> kRunners{
    {"Conv", run_conv},
    {"ConvTranspose", run_conv_transpose},
    {"MaxPool", run_pool},
    {"AveragePool", run_pool},
    {"GlobalAveragePool", run_global_average},
    {"BatchNormalization", run_batch_norm},
    {"LayerNormalization", run_layer_norm},
    {"GroupNormalization", run_group_norm},
    {"InstanceNormalization", run_group_norm},
    {"Softmax", run_softmax},
    {"LogSoftmax", run_softmax},
    {"NegativeLogLikelihoodLoss", run_class_loss},
    {"SoftmaxCrossEntropyLoss", run_class_loss},
    {"Exp", run_unary},
    {"Log", run_unary},
    {"Tanh", run_unary},
    {"Sigmoid", run_unary},
    {"Gelu", run_unary},
    {"Relu", run_unary},
    {"Mish", run_unary},
    {"Softplus", run_unary}};

std::vector<double> values_of(const Tensor& t) {
  const Tensor d = t.to(DType::f64).contiguous();
  return {d.data<double>().begin(), d.data<double>().end()};
}

// "" when it ran and agreed; otherwise what differs.
std::string judge(const test::Files& files, const std::string& folder, const OnnxNode& node) {
  const std::string data = folder + "/test_data_set_0/";
  In in;
  int number = 0;
  for (const std::string& name : node.inputs) {
    if (name.empty()) {
      in.emplace_back();
      continue;
    }
    const auto t = test::tensor_of(files.at(data + "input_" + std::to_string(number++) + ".pb"));
    if (!t) throw Skip{"half precision or another element type"};
    in.push_back(*t);
  }
  if (!is_floating(in[0].dtype())) throw Skip{"whole numbers"};
  const auto expected = test::tensor_of(files.at(data + "output_0.pb"));
  const Tensor found = kRunners.at(node.op)(node, in);
  if (found.shape() != expected->shape()) return found.text() + " instead of " + expected->text();
  const double off = test::largest_difference(values_of(found), values_of(*expected));
  return off < 2e-5 ? "" : "off by " + std::to_string(off);
}

}  // namespace

TEST_CASE("ONNX node tests of convolution, pooling, normalisation, softmax, losses and activations") {
  const auto path = testing::shared_data("conformance/onnx/onnx_node_tests.tar.gz");
  if (!path) return;
  const test::Files files = test::read_tar_gz(*path);
  int ran = 0, skipped = 0;
  std::map<std::string, int> reasons;
  for (const auto& [name, bytes] : files) {
    if (!name.ends_with("/model.onnx")) continue;
    const auto nodes = test::nodes_of(bytes);
    if (nodes.size() != 1 || !kRunners.contains(nodes[0].op))
      continue;  // another operation, or one spelled out in small ones
    CAPTURE(name);
    try {
      const std::string problem = judge(files, name.substr(0, name.rfind('/')), nodes[0]);
      CHECK(problem == "");
      ++ran;
    } catch (const Skip& s) {
      ++skipped;
      ++reasons[s.reason];
    }
  }
  for (const auto& [reason, count] : reasons) MESSAGE("not run: " << count << " with " << reason);
  MESSAGE("ran " << ran << ", not run " << skipped);
  CHECK(ran == 137);
  CHECK(skipped == 30);
}
