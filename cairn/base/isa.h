// The instruction set that numeric work may use: chosen at run time from what the processor offers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cairn {

// Names from narrow to wide that this build knows and this processor runs: "sse2", "ssse3", "sse4", "avx2",
// "avx512", ...
std::vector<std::string> instruction_sets();

// Restricts all work of this process to `name`. UsageError: unknown here, or the processor lacks it. Kernels
// of this library follow at once; OpenBLAS and the C library's mathematics read isa_environment() when the
// process starts.
void restrict_instruction_set(std::string_view name);

// The narrowest of the widest set and what restrict_instruction_set asked for: decides bytes of results.
const char* instruction_set();

// Units that multiply bf16 and add in f32 (avx512_bf16; every processor with AMX has it too), and work of
// this process may use them.
bool has_bf16_units();

// What must stand in the environment before the process starts so that the libraries around us keep to
// `name`.
struct EnvironmentValue {
  std::string name, value;
};
std::vector<EnvironmentValue> isa_environment(std::string_view name);

}  // namespace cairn
