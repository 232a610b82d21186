// A network as it was at one moment: parameters, running statistics, counters.
//
//   Snapshot before(net);
//   ...
//   before.put_back(net);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/nn/module.h"

namespace cairn {

// Holds handles, not copies: what is written later goes to new memory.
class Snapshot {
 public:
  Snapshot() = default;
  explicit Snapshot(ModuleRef net) { take(net); }
  void take(ModuleRef net);
  void put_back(ModuleRef net) const;  // into the same network, or a copy of it
  bool any() const { return !tensors_.empty(); }
  // As part of a checkpoint: on loading it gets the form of `net`.
  void visit(Visitor& v, ModuleRef net);
  // The first member of `net` that is not as it was, "bn1.running_mean"; empty: nothing has changed.
  std::string first_change(ModuleRef net) const;

 private:
  class Walk;
  std::vector<Tensor> tensors_;         // in the order of the walk
  std::vector<std::int64_t> counters_;  // whole numbers that count
};

}  // namespace cairn
