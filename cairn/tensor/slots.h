// Where faster kernels stand. tensor/ declares which operations have a place, kernels/ fills the table: an
// index, not a search; an empty row means that there is none.
#pragma once

#include <cstddef>
#include <span>

#include "cairn/tensor/op.h"
#include "cairn/tensor/precision.h"

namespace cairn {

struct KernelSlot {
  const char* name;                     // "onednn", "simd": shown when a person asks why
  bool (*supports)(const KernelArgs&);  // shapes, strides, element types, the machine's instruction set
  void (*run)(const KernelArgs&);
  Precision precision = Precision::f32;  // bf16: asked only within a PrecisionScope
  // Inputs, one bit each, of which something is made once where all of them are constant (KernelArgs), and
  // the kernel that takes it with the others; 0: nothing pays. It may be four times as large as they are, and
  // it is made again for another instruction set.
  std::uint32_t prepared_inputs = 0;
  Tensor (*prepare)(const KernelArgs&) = nullptr;
  void (*run_prepared)(const KernelArgs&, const Tensor& prepared) = nullptr;
};
using SlotRow = std::span<const KernelSlot>;  // from fast to less fast
struct SlotTable {
  SlotRow rows[static_cast<std::size_t>(SlotId::count)];
  constexpr SlotRow& operator[](SlotId id) { return rows[static_cast<std::size_t>(id)]; }
  constexpr const SlotRow& operator[](SlotId id) const { return rows[static_cast<std::size_t>(id)]; }
};
extern const SlotTable kCpuSlots;  // constinit in kernels/table.cpp; one such table a device

}  // namespace cairn
