// Which kernels run an operation faster than its plain reference: one line an operation, from fast to less
// fast. A row that is not set is empty.
#include "cairn/kernels/table_internal.h"

#include <fmt/format.h>

#include "cairn/base/isa.h"
#include "cairn/tensor/precision.h"

namespace cairn {
namespace {

using namespace kernels;

#if CAIRN_ONEDNN
constexpr Precision kBf16 = Precision::bf16;
#endif
constexpr KernelSlot kConv2dWeightGradient[] = {
#if CAIRN_ONEDNN
    {"onednn_bf16", onednn_bf16_conv2d_weight_gradient_supports, onednn_bf16_conv2d_weight_gradient, kBf16},
#endif
    {"simd_winograd", winograd_conv2d_weight_gradient_supports, winograd_conv2d_weight_gradient},
#if CAIRN_ONEDNN
    {"onednn", onednn_conv2d_weight_gradient_supports, onednn_conv2d_weight_gradient},
#endif
};
constexpr KernelSlot kConv2dDataGradient[] = {
#if CAIRN_ONEDNN
    {"onednn_bf16", onednn_bf16_conv2d_data_gradient_supports, onednn_bf16_conv2d_data_gradient, kBf16},
#endif
    {"simd_winograd", winograd_conv2d_data_gradient_supports, winograd_conv2d_data_gradient},
#if CAIRN_ONEDNN
    {"onednn", onednn_conv2d_data_gradient_supports, onednn_conv2d_data_gradient},
#endif
};
constexpr KernelSlot kConv2d[] = {
#if CAIRN_ONEDNN
    {"onednn_bf16", onednn_bf16_conv2d_supports, onednn_bf16_conv2d, kBf16},
#endif
    {"simd_winograd", winograd_conv2d_supports, winograd_conv2d, Precision::f32, 0b10,
     winograd_conv2d_prepare, winograd_conv2d_prepared},
    {"simd_few_images", simd_few_images_supports, simd_conv2d},
#if CAIRN_ONEDNN
    {"onednn", onednn_conv2d_supports, onednn_conv2d},
#endif
    {"simd", simd_conv2d_supports, simd_conv2d},
};
constexpr KernelSlot kMatmul[] = {
#if CAIRN_ONEDNN
    {"onednn_bf16", onednn_bf16_matmul_supports, onednn_bf16_matmul, kBf16},
#endif
    {"simd", simd_matmul_supports, simd_matmul}};
constexpr KernelSlot kLinear[] = {{"simd_few_rows", simd_few_rows_supports, simd_few_rows},
#if CAIRN_ONEDNN
                                  {"onednn_bf16", onednn_bf16_linear_supports, onednn_bf16_linear, kBf16},
#endif
                                  {"simd", simd_linear_supports, simd_linear, Precision::f32, 0b10,
                                   simd_linear_prepare, simd_linear_prepared}};

constexpr KernelSlot kAdd[] = {{"simd", simd_binary_supports, simd_add}};
constexpr KernelSlot kSubtract[] = {{"simd", simd_binary_supports, simd_subtract}};
constexpr KernelSlot kMultiply[] = {{"simd", simd_binary_supports, simd_multiply}};
constexpr KernelSlot kDivide[] = {{"simd", simd_binary_supports, simd_divide}};
constexpr KernelSlot kGate[] = {{"simd", simd_gate_supports, simd_gate}};
constexpr KernelSlot kRelu[] = {{"simd", simd_unary_supports, simd_relu}};

constexpr KernelSlot kExp[] = {{"simd", simd_unary_supports, simd_exp}};
constexpr KernelSlot kLog[] = {{"simd", simd_unary_supports, simd_log}};
constexpr KernelSlot kTanh[] = {{"simd", simd_unary_supports, simd_tanh}};
constexpr KernelSlot kSigmoid[] = {{"simd", simd_unary_supports, simd_sigmoid}};
constexpr KernelSlot kSilu[] = {{"simd", simd_unary_supports, simd_silu}};
constexpr KernelSlot kGelu[] = {{"simd", simd_unary_supports, simd_gelu}};
constexpr KernelSlot kSoftmax[] = {{"simd", simd_softmax_supports, simd_softmax}};
constexpr KernelSlot kLogSoftmax[] = {{"simd", simd_softmax_supports, simd_log_softmax}};
constexpr KernelSlot kCrossEntropy[] = {{"simd", simd_cross_entropy_supports, simd_cross_entropy}};
constexpr KernelSlot kCrossEntropyGradient[] = {
    {"simd", simd_cross_entropy_supports, simd_cross_entropy_gradient}};
constexpr KernelSlot kBatchNorm[] = {{"simd", simd_norm_supports, simd_batch_norm}};
constexpr KernelSlot kBatchNormGradient[] = {{"simd", simd_norm_supports, simd_batch_norm_gradient}};
constexpr KernelSlot kBatchNormReluGradient[] = {{"simd", simd_norm_supports, simd_batch_norm_relu_gradient}};
constexpr KernelSlot kBatchNormAddReluGradient[] = {
    {"simd", simd_norm_supports, simd_batch_norm_add_relu_gradient}};
constexpr KernelSlot kBatchNormInference[] = {{"simd", simd_norm_supports, simd_batch_norm_inference}};
constexpr KernelSlot kLayerNorm[] = {{"simd", simd_norm_supports, simd_layer_norm}};
constexpr KernelSlot kLayerNormGradient[] = {{"simd", simd_norm_supports, simd_layer_norm_gradient}};
constexpr KernelSlot kMaxPool2d[] = {{"simd", simd_pool_supports, simd_max_pool2d}};
constexpr KernelSlot kMaxPool2dGradient[] = {{"simd", simd_pool_supports, simd_max_pool2d_gradient}};
constexpr KernelSlot kAveragePool2d[] = {{"simd", simd_pool_supports, simd_average_pool2d}};
constexpr KernelSlot kAveragePool2dGradient[] = {{"simd", simd_pool_supports, simd_average_pool2d_gradient}};

}  // namespace

constinit const SlotTable kCpuSlots = [] {
  SlotTable table{};
  table[SlotId::conv2d_data_gradient] = kConv2dDataGradient;
  table[SlotId::conv2d_weight_gradient] = kConv2dWeightGradient;
  table[SlotId::conv2d] = kConv2d;
  table[SlotId::add] = kAdd;
  table[SlotId::subtract] = kSubtract;
  table[SlotId::multiply] = kMultiply;
  table[SlotId::divide] = kDivide;
  table[SlotId::gate] = kGate;
  table[SlotId::relu] = kRelu;
  table[SlotId::linear] = kLinear;
  table[SlotId::matmul] = kMatmul;
  table[SlotId::exp] = kExp;
  table[SlotId::log] = kLog;
  table[SlotId::tanh] = kTanh;
  table[SlotId::sigmoid] = kSigmoid;
  table[SlotId::silu] = kSilu;
  table[SlotId::gelu] = kGelu;
  table[SlotId::softmax] = kSoftmax;
  table[SlotId::log_softmax] = kLogSoftmax;
  table[SlotId::cross_entropy] = kCrossEntropy;
  table[SlotId::cross_entropy_gradient] = kCrossEntropyGradient;
  table[SlotId::batch_norm] = kBatchNorm;
  table[SlotId::batch_norm_gradient] = kBatchNormGradient;
  table[SlotId::batch_norm_relu_gradient] = kBatchNormReluGradient;
  table[SlotId::batch_norm_add_relu_gradient] = kBatchNormAddReluGradient;
  table[SlotId::batch_norm_inference] = kBatchNormInference;
  table[SlotId::layer_norm] = kLayerNorm;
  table[SlotId::layer_norm_gradient] = kLayerNormGradient;
  table[SlotId::max_pool2d] = kMaxPool2d;
  table[SlotId::max_pool2d_gradient] = kMaxPool2dGradient;
  table[SlotId::average_pool2d] = kAveragePool2d;
  table[SlotId::average_pool2d_gradient] = kAveragePool2dGradient;
  return table;
}();

std::string why_no_bf16() {
#if CAIRN_ONEDNN
  if (has_bf16_units()) return "";
  return fmt::format("this processor has no units for it (avx512_bf16 or AMX); work goes by {}",
                     instruction_set());
#else
  return "this build lacks oneDNN, which has its kernels";
#endif
}

}  // namespace cairn
