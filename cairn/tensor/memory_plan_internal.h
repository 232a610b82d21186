// Private to tensor/: where in one block each of many buffers lies, given from when to when it is used.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace cairn {

struct PlannedBuffer {
  std::size_t bytes = 0;
  std::size_t first = 0, last = 0;  // moments of use, both included
  std::size_t offset = 0;           // out: a multiple of 64
};
// Sets the offsets so that no two buffers that are used at one moment overlap; the bytes of the whole block.
// Largest first, each in the tightest gap that holds it (Pisarchyk, Lee: Efficient memory management for deep
// neural net inference; 2020, algorithm 3).
std::size_t plan_memory(std::span<PlannedBuffer> buffers);

}  // namespace cairn
