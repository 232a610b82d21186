// Private to kernels/: what the table of kernels is made of. Each takes what its `supports` agrees to.
#pragma once

#include "cairn/tensor/slots.h"

namespace cairn::kernels {

bool onednn_conv2d_supports(const KernelArgs& a);
void onednn_conv2d(const KernelArgs& a);
bool onednn_conv2d_data_gradient_supports(const KernelArgs& a);
void onednn_conv2d_data_gradient(const KernelArgs& a);
bool onednn_conv2d_weight_gradient_supports(const KernelArgs& a);
void onednn_conv2d_weight_gradient(const KernelArgs& a);
bool onednn_bf16_conv2d_supports(const KernelArgs& a);
void onednn_bf16_conv2d(const KernelArgs& a);
bool onednn_bf16_conv2d_data_gradient_supports(const KernelArgs& a);
void onednn_bf16_conv2d_data_gradient(const KernelArgs& a);
bool onednn_bf16_conv2d_weight_gradient_supports(const KernelArgs& a);
void onednn_bf16_conv2d_weight_gradient(const KernelArgs& a);
bool onednn_bf16_linear_supports(const KernelArgs& a);
void onednn_bf16_linear(const KernelArgs& a);
bool onednn_bf16_matmul_supports(const KernelArgs& a);
void onednn_bf16_matmul(const KernelArgs& a);

// Highway: the instruction set is chosen at run time.
bool simd_unary_supports(const KernelArgs& a);
void simd_exp(const KernelArgs& a);
void simd_log(const KernelArgs& a);
void simd_tanh(const KernelArgs& a);
void simd_sigmoid(const KernelArgs& a);
void simd_silu(const KernelArgs& a);
void simd_gelu(const KernelArgs& a);
void simd_relu(const KernelArgs& a);
bool simd_binary_supports(const KernelArgs& a);  // two of one shape, or one of them a single number
void simd_add(const KernelArgs& a);
void simd_subtract(const KernelArgs& a);
void simd_multiply(const KernelArgs& a);
void simd_divide(const KernelArgs& a);
bool simd_gate_supports(const KernelArgs& a);
void simd_gate(const KernelArgs& a);
bool simd_few_rows_supports(const KernelArgs& a);  // of linear
void simd_few_rows(const KernelArgs& a);
bool winograd_conv2d_supports(const KernelArgs& a);  // windows of 3 x 3
void winograd_conv2d(const KernelArgs& a);
Tensor winograd_conv2d_prepare(const KernelArgs& a);  // the transformed filters
void winograd_conv2d_prepared(const KernelArgs& a, const Tensor& filters);
bool winograd_conv2d_data_gradient_supports(const KernelArgs& a);
void winograd_conv2d_data_gradient(const KernelArgs& a);
bool winograd_conv2d_weight_gradient_supports(const KernelArgs& a);
void winograd_conv2d_weight_gradient(const KernelArgs& a);
bool simd_few_images_supports(const KernelArgs& a);  // of conv2d
bool simd_conv2d_supports(const KernelArgs& a);
void simd_conv2d(const KernelArgs& a);
bool simd_linear_supports(const KernelArgs& a);
void simd_linear(const KernelArgs& a);
Tensor simd_linear_prepare(const KernelArgs& a);  // the weight, packed for the products
void simd_linear_prepared(const KernelArgs& a, const Tensor& packed);
bool simd_matmul_supports(const KernelArgs& a);
void simd_matmul(const KernelArgs& a);
bool simd_softmax_supports(const KernelArgs& a);  // of softmax and log_softmax, along the last axis
void simd_softmax(const KernelArgs& a);
void simd_log_softmax(const KernelArgs& a);
bool simd_cross_entropy_supports(const KernelArgs& a);  // and its gradient
void simd_cross_entropy(const KernelArgs& a);
void simd_cross_entropy_gradient(const KernelArgs& a);
bool simd_norm_supports(const KernelArgs& a);  // batch_norm, layer_norm and their gradients
void simd_batch_norm(const KernelArgs& a);
void simd_batch_norm_gradient(const KernelArgs& a);
void simd_batch_norm_relu_gradient(const KernelArgs& a);
void simd_batch_norm_add_relu_gradient(const KernelArgs& a);
void simd_batch_norm_inference(const KernelArgs& a);
void simd_layer_norm(const KernelArgs& a);
void simd_layer_norm_gradient(const KernelArgs& a);
bool simd_pool_supports(const KernelArgs& a);
void simd_max_pool2d(const KernelArgs& a);
void simd_max_pool2d_gradient(const KernelArgs& a);
void simd_average_pool2d(const KernelArgs& a);
void simd_average_pool2d_gradient(const KernelArgs& a);

}  // namespace cairn::kernels
