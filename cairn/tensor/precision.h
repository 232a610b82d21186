// In which numbers matrices are multiplied: f32 as they lie, or bf16 on the processor's own units for it.
// bf16 keeps f32's range and 8 of its 24 bits; products are added in f32, and weights, gradients and results
// stay f32 (Micikevicius et al. 2018, Mixed Precision Training; Kalamkar et al. 2019, A Study of BFLOAT16).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cairn {

enum class Precision : std::uint8_t { f32, bf16 };

// In its scope this thread's linear layers, products of matrices and convolutions of f32 may round what they
// multiply to bf16, where that is faster. UsageError, told as `where`, when the processor or the build
// cannot.
class PrecisionScope {
 public:
  explicit PrecisionScope(Precision precision, std::string_view where = "precision");
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;
  ~PrecisionScope();

 private:
  Precision outer_;
};
Precision matrix_precision();

// UsageError: why bf16 is not to be had here, and what is.
void require_precision(Precision precision, std::string_view where);

// Empty, or why there is no bf16. It stands in kernels/, beside the table of kernels.
std::string why_no_bf16();

}  // namespace cairn
