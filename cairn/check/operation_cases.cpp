#include "cairn/check/operation_cases_internal.h"

#include <utility>

#include "cairn/base/random.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/catalogue.h"
#include "cairn/ops/conv2d.h"
#include "cairn/ops/linear.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/norm.h"
#include "cairn/ops/pool2d.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/samples.h"

namespace cairn {
namespace {

CaseInput numbers(const Shape& shape) { return {.shape = shape}; }
CaseInput positive(const Shape& shape) { return {.shape = shape, .low = 0.5, .high = 1.5}; }
CaseInput classes_of(const Shape& shape, std::int64_t below) { return {.shape = shape, .below = below}; }

void add(std::vector<OperationCase>& all, const char* op, std::vector<CaseInput> in,
         const Attributes& attributes = {}, double flops = 0) {
  all.push_back({&op_named(op), std::move(in), attributes, flops});
}

// A convolution of side x side pixels that keeps their number, or halves it, and both gradients; the first
// layer of a network needs none by its pictures.
void add_convolution(std::vector<OperationCase>& all, std::int64_t n, std::int64_t side, std::int64_t in,
                     std::int64_t out, int kernel, int stride) {
  const int around = kernel / 2;
  Conv2dAttributes at{.stride_rows = stride,
                      .stride_columns = stride,
                      .top = around,
                      .bottom = around,
                      .left = around,
                      .right = around};
  const std::int64_t result = (side + stride - 1) / stride;
  const CaseInput x = numbers({n, side, side, in}), w = numbers({out, kernel, kernel, in}),
                  g = numbers({n, result, result, out});
  const double flops =
      2.0 * static_cast<double>(n * result * result * out) * static_cast<double>(kernel * kernel * in);
  add(all, "conv2d", {x, w}, at, flops);
  Conv2dAttributes back = at;
  back.rows = back.columns = static_cast<std::int32_t>(side);
  if (in > 3) add(all, "conv2d_data_gradient", {g, w}, back, flops);
  back.rows = back.columns = kernel;
  add(all, "conv2d_weight_gradient", {x, g}, back, flops);
}

void add_norms(std::vector<OperationCase>& all, std::int64_t n) {
  const Shape wide{n, 32, 32, 16}, row{n * 64, 384};
  const CaseInput x = numbers(wide), g = numbers(wide), sixteen = positive({16}), shift = numbers({16});
  const NormAttributes plain{}, rectified{1e-5, true};
  add(all, "batch_norm", {x, sixteen, shift}, plain);
  add(all, "batch_norm_relu", {x, sixteen, shift}, rectified);
  add(all, "batch_norm_relu", {x, sixteen, shift, g}, rectified);
  add(all, "batch_norm_gradient", {g, x, sixteen, shift, sixteen}, plain);
  add(all, "batch_norm_relu_gradient", {g, x, sixteen, shift, shift, sixteen}, plain);
  add(all, "batch_norm_add_relu_gradient", {g, x, sixteen, x, shift, sixteen}, plain);
  add(all, "batch_norm_inference", {x, sixteen, shift, shift, sixteen}, plain);
  const CaseInput rows = numbers(row), of_rows = numbers(row), width = positive({384});
  add(all, "layer_norm", {rows, width, width}, plain);
  add(all, "layer_norm_gradient", {of_rows, rows, width, numbers({n * 64}), positive({n * 64})}, plain);
}

void add_pools(std::vector<OperationCase>& all, std::int64_t n) {
  const CaseInput x = numbers({n, 24, 24, 64}), pooled = numbers({n, 12, 12, 64});
  const Pool2dAttributes two{2, 2, 2, 2};
  Pool2dAttributes back = two;
  back.rows = back.columns = 24;
  add(all, "max_pool2d", {x}, two);
  add(all, "max_pool2d_gradient", {pooled, x}, two);
  add(all, "average_pool2d", {x}, two);
  add(all, "average_pool2d_gradient", {pooled}, back);
}

}  // namespace

Tensor CaseInput::made() const {
  if (below > 0) return whole_numbers(shape, below);
  Tensor t =
      Tensor::empty(shape, DType::f32);  // filled in place: uniform() takes thrice the memory on its way
  Random random(1, "operation cases");
  for (float& v : t.mutable_data<float>()) v = static_cast<float>(low + (high - low) * random.uniform());
  return t;
}

std::string OperationCase::shapes() const {
  std::string text;
  for (const CaseInput& i : in) text += (text.empty() ? "" : " ") + i.shape.text();
  return text;
}

double OperationCase::bytes() const {
  const auto of = [](const Shape& shape, DType dtype) {
    return static_cast<double>(shape.size()) * static_cast<double>(size_of(dtype));
  };
  double bytes = 0;
  Tensors views;  // one number each, seen from everywhere: the shape rule needs no more
  for (const CaseInput& i : in) {
    const DType dtype = i.below > 0 ? DType::i64 : DType::f32;
    views.push_back(broadcast_to(Tensor::zeros({}, dtype), i.shape));
    bytes += of(i.shape, dtype);
  }
  const TensorSpecs out =
      op->infer({.in = {views.data(), views.size()}, .attributes = attributes, .name = op->name});
  for (const TensorSpec& spec : out) bytes += of(spec.shape, spec.dtype);
  return bytes;
}

OperationCase product_case(std::int64_t side) {
  const auto n = static_cast<double>(side);
  return {&op_named("matmul"), {numbers({side, side}), numbers({side, side})}, {}, 2 * n * n * n};
}

std::vector<OperationCase> operation_cases(std::int64_t n) {
  std::vector<OperationCase> all;
  for (const std::int64_t side : {64, 256, 1024}) all.push_back(product_case(side));
  const auto examples = static_cast<double>(n);
  for (const auto& [in, out] : {std::pair<std::int64_t, std::int64_t>{8, 64}, {784, 512}, {9216, 128}})
    for (const std::int8_t activation : {std::int8_t{0}, std::int8_t{1}})
      add(all, "linear", {numbers({n, in}), numbers({out, in}), numbers({out})}, LinearAttributes{activation},
          2 * examples * static_cast<double>(in * out));
  add_convolution(all, n, 28, 1, 32, 3, 1);
  add_convolution(all, n, 32, 3, 16, 3, 1);
  add_convolution(all, n, 32, 16, 16, 3, 1);
  add_convolution(all, n, 32, 16, 32, 3, 2);
  add_convolution(all, n, 16, 32, 32, 3, 1);
  add_convolution(all, n, 8, 64, 64, 3, 1);
  add_convolution(all, n, 16, 32, 64, 1, 2);
  add_norms(all, n);
  add_pools(all, n);
  const CaseInput wide = numbers({n, 32, 32, 16}), other = numbers({n, 32, 32, 16});
  for (const char* op : {"add", "multiply"}) add(all, op, {wide, other});
  for (const char* op : {"relu", "exp", "tanh", "sigmoid", "silu", "gelu"}) add(all, op, {wide});
  add(all, "log", {positive(wide.shape)});
  const CaseInput logits = numbers({n * 64, 1000}), classes = classes_of({n * 64}, 1000);
  for (const char* op : {"softmax", "log_softmax"}) add(all, op, {logits}, SoftmaxAttributes{1});
  const ClassLossAttributes loss{0.0, -1, 0};
  add(all, "cross_entropy", {logits, classes}, loss);
  add(all, "cross_entropy_gradient", {positive({}), logits, classes}, loss);
  return all;
}

}  // namespace cairn
