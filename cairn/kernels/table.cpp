// Which kernels run an operation faster than its plain reference: one line an operation, from fast to less
// fast. A row that is not set is empty.
#include "cairn/kernels/table_internal.h"

namespace cairn {
namespace {

using namespace kernels;

#if CAIRN_ONEDNN
constexpr KernelSlot kConv2d[] = {{"onednn", onednn_conv2d_supports, onednn_conv2d}};
constexpr KernelSlot kConv2dDataGradient[] = {
    {"onednn", onednn_conv2d_data_gradient_supports, onednn_conv2d_data_gradient}};
constexpr KernelSlot kConv2dWeightGradient[] = {
    {"onednn", onednn_conv2d_weight_gradient_supports, onednn_conv2d_weight_gradient}};
#endif
constexpr KernelSlot kLinear[] = {{"blas", blas_linear_supports, blas_linear}};

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
#if CAIRN_ONEDNN
  table[SlotId::conv2d] = kConv2d;
  table[SlotId::conv2d_data_gradient] = kConv2dDataGradient;
  table[SlotId::conv2d_weight_gradient] = kConv2dWeightGradient;
#endif
  table[SlotId::linear] = kLinear;
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

}  // namespace cairn
