// The operations that `bench ops` measures, at shapes of the networks that the courses and the bench table
// train.
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/tensor/op.h"

namespace cairn {

struct OperationCase {
  const OpDef* op = nullptr;
  Tensors in;  // f32
  Attributes attributes;
  double flops = 0;  // 0: memory decides
};

OperationCase product_case(std::int64_t side);  // of two square matrices
std::vector<OperationCase> operation_cases(std::int64_t batch_size);

}  // namespace cairn
