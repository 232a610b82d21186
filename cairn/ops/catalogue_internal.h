// Private to ops/: each file's own list of operations; catalogue.cpp joins them.
#pragma once

#include <span>

#include "cairn/tensor/op.h"

namespace cairn {

std::span<const OpDef* const> arithmetic_ops();
std::span<const OpDef* const> math_ops();
std::span<const OpDef* const> compare_ops();
std::span<const OpDef* const> activation_ops();
std::span<const OpDef* const> softmax_ops();
std::span<const OpDef* const> reduce_ops();
std::span<const OpDef* const> extreme_ops();
std::span<const OpDef* const> scan_ops();
std::span<const OpDef* const> shape_view_ops();
std::span<const OpDef* const> join_ops();
std::span<const OpDef* const> index_ops();
std::span<const OpDef* const> matmul_ops();
std::span<const OpDef* const> conv_ops();
std::span<const OpDef* const> pool_ops();
std::span<const OpDef* const> adaptive_pool_ops();
std::span<const OpDef* const> batch_norm_ops();
std::span<const OpDef* const> layer_norm_ops();
std::span<const OpDef* const> linear_ops();
std::span<const OpDef* const> dropout_ops();
std::span<const OpDef* const> embedding_ops();
std::span<const OpDef* const> regression_loss_ops();
std::span<const OpDef* const> binary_loss_ops();
std::span<const OpDef* const> class_loss_ops();
std::span<const OpDef* const> distance_loss_ops();

}  // namespace cairn
