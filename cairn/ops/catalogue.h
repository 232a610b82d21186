// Every operation. Tests, benchmarks and documentation are driven by this list.
#pragma once

#include <string_view>
#include <vector>

#include "cairn/tensor/op.h"

namespace cairn {

const std::vector<const OpDef*>& all_ops();
const OpDef& op_named(std::string_view name);  // UsageError with the nearest name

}  // namespace cairn
