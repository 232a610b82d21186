// The task and the classes of a table that is read in parts, whatever a sample of it lacks.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>

#include "cairn/data/dataset.h"
#include "cairn/data/stack.h"

namespace cairn {

// The distinct values of a target, until they are so many that they can be no classes.
class TargetValues {
 public:
  void add(const Column& target);  // of a part: columns of one kind and the same levels
  bool empty() const { return seen_.empty(); }
  // Sets the classes, and the task where it is open: as a Dataset of all rows would. The reason for the task;
  // the errors of Dataset. Not for no value.
  std::string settle(DatasetOptions& options) &&;

 private:
  bool full() const { return seen_.size() > kMostTargetClasses; }
  std::unordered_set<std::string> seen_;
  GrowingTable rows_;  // one of each value
};

}  // namespace cairn
