// How fast the operations of networks run on this machine: for each, at shapes that networks have, the kernel
// that is chosen, the time of a call, and the share of what the machine can do at most.
//
//   std::cout << bench_operations({.batch_size = 32}).text();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/base/params.h"
#include "cairn/base/progress.h"
#include "cairn/base/stop.h"

namespace cairn {

struct OperationBenchOptions {
  std::int64_t batch_size = 32;
  double seconds = 0.1;
  std::string operations;
  std::string precision = "f32";
  std::uint64_t max_memory = 0;  // bytes an operation may take; 0: what the machine has left
  static const ParamList& list();
};

struct OperationTime {
  std::string operation, shapes;  // "[32, 32, 32, 16] [16, 3, 3, 16]"
  std::string kernel;             // "onednn", "onednn_bf16", "simd"; "reference": the plain one
  double seconds = 0;             // of a call, the fastest
  double flops = 0;               // of a call; 0: memory decides, not arithmetic
  double bytes = 0;               // that a call reads and writes, each number once
  // Of the peak that decides. Above 1 the numbers came from the processor's caches.
  double share = 0;
};

struct OperationBench {
  std::string instruction_set;
  int threads = 1;
  double peak_flops = 0;  // a second, of the fastest large product of matrices in the same run
  double peak_bytes = 0;  // a second, of a copy of 128 MiB in the same run, both ways counted
  std::vector<OperationTime> rows;
  std::string text() const;
  Json json() const;
};

// UsageError: an operation that is not measured. ResourceError, before anything is measured: one that would
// take more memory than it may. Interrupted.
OperationBench bench_operations(const OperationBenchOptions& options = {}, const StopToken& stop = {},
                                Progress* progress = nullptr);

}  // namespace cairn
