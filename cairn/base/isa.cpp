#include "cairn/base/isa.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"

namespace cairn {
namespace {

struct InstructionSet {
  const char* name;
  std::int64_t target;   // of Highway; a smaller number is a wider set
  const char* openblas;  // the kernels that need no more than this set
  const char* without;   // what the C library's mathematics must not use
  const char* onednn;    // the widest its kernels may use; it has nothing below SSE4.1
};

// From narrow to wide. OpenBLAS has nothing below SSE3, which every x86-64 of the last twenty years runs.
constexpr const char* kNoFma = "-AVX,-AVX2,-FMA,-FMA4";
constexpr std::array kSets{
#if HWY_ARCH_X86
    InstructionSet{"sse2", HWY_EMU128, "PRESCOTT", kNoFma, "SSE41"},
    InstructionSet{"ssse3", HWY_SSSE3, "CORE2", kNoFma, "SSE41"},
    InstructionSet{"sse4", HWY_SSE4, "NEHALEM", kNoFma, "SSE41"},
    InstructionSet{"avx2", HWY_AVX2, "HASWELL", "", "AVX2"},
    InstructionSet{"avx512", HWY_AVX3, "SKYLAKEX", "", ""},
#else
    InstructionSet{"portable", HWY_EMU128, "", "", ""},
#endif
};

bool runs_here(const InstructionSet& set) {
  return set.target == HWY_EMU128 || (hwy::SupportedTargets() & set.target) != 0;
}

const InstructionSet*& chosen() {
  static const InstructionSet* set = nullptr;
  return set;
}

const InstructionSet& widest() {
  const InstructionSet* best = &kSets.front();
  for (const InstructionSet& set : kSets)
    if (runs_here(set)) best = &set;
  return *best;
}

const InstructionSet& find(std::string_view name) {
  std::vector<std::string> known, here = instruction_sets();
  for (const InstructionSet& set : kSets) {
    known.emplace_back(set.name);
    if (name != set.name) continue;
    if (std::ranges::find(here, name) != here.end()) return set;
    throw UsageError("--isa", fmt::format("this processor does not run {}", name),
                     fmt::format("It runs {}.", fmt::join(here, ", ")));
  }
  const std::string near = nearest(name, known);
  throw UsageError(
      "--isa", fmt::format("there is no instruction set '{}'", name),
      fmt::format("{}This processor runs {}.", near.empty() ? "" : fmt::format("Did you mean '{}'? ", near),
                  fmt::join(here, ", ")));
}

}  // namespace

std::vector<std::string> instruction_sets() {
  static const std::vector<std::string> names = [] {  // asked once: before anything is restricted
    std::vector<std::string> found;
    for (const InstructionSet& set : kSets)
      if (runs_here(set)) found.emplace_back(set.name);
    return found;
  }();
  return names;
}

void restrict_instruction_set(std::string_view name) {
  const InstructionSet& set = find(name);
  hwy::DisableTargets(set.target - 1);  // every wider set has a smaller number
  chosen() = &set;
}

const char* instruction_set() { return chosen() ? chosen()->name : widest().name; }

bool has_bf16_units() {
#if HWY_ARCH_X86
  return std::string_view(instruction_set()) == "avx512" && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

std::vector<EnvironmentValue> isa_environment(std::string_view name) {
  const InstructionSet& set = find(name);
  std::vector<EnvironmentValue> values;
  if (*set.openblas) values.push_back({"OPENBLAS_CORETYPE", set.openblas});
  if (*set.without) values.push_back({"GLIBC_TUNABLES", fmt::format("glibc.cpu.hwcaps={}", set.without)});
  if (*set.onednn) values.push_back({"ONEDNN_MAX_CPU_ISA", set.onednn});
  return values;
}

}  // namespace cairn
