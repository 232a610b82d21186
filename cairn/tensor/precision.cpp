#include "cairn/tensor/precision.h"

#include "cairn/base/error.h"
#include "cairn/tensor/tape_internal.h"

namespace cairn {

void require_precision(Precision precision, std::string_view where) {
  if (precision == Precision::f32) return;
  if (const std::string why = why_no_bf16(); !why.empty())
    throw UsageError(std::string(where), "bf16 is asked for, and " + why, "Leave it at f32.");
}

PrecisionScope::PrecisionScope(Precision precision, std::string_view where)
    : outer_(thread_state().precision) {
  require_precision(precision, where);
  thread_state().precision = precision;
}
PrecisionScope::~PrecisionScope() { thread_state().precision = outer_; }

Precision matrix_precision() { return thread_state().precision; }

}  // namespace cairn
