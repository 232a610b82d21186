// The operations that `bench ops` measures, at shapes of the networks that the courses and the bench table
// train.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/tensor/op.h"

namespace cairn {

// An input before it takes memory.
struct CaseInput {
  Shape shape;
  double low = -1, high = 1;  // f32, uniform between them
  std::int64_t below = 0;     // > 0: whole numbers below it
  Tensor made() const;
};

struct OperationCase {
  const OpDef* op = nullptr;
  std::vector<CaseInput> in;
  Attributes attributes;
  double flops = 0;  // 0: memory decides
  std::string shapes() const;
  double bytes() const;  // of the inputs and of what comes out
};

OperationCase product_case(std::int64_t side);  // of two square matrices
std::vector<OperationCase> operation_cases(std::int64_t batch_size);

}  // namespace cairn
