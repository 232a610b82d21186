// Private to tensor/: what apply() and backward() tell while a function is recorded (replay.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "cairn/tensor/op.h"
#include "cairn/tensor/replay.h"
#include "cairn/tensor/slots.h"
#include "cairn/tensor/step_counter.h"
#include "cairn/tensor/tape_internal.h"

namespace cairn {

// A tensor of a recording: a shape, strides and an offset on one of its storages.
struct Operand {
  int storage = -1;
  Tensor form;  // without storage
};

struct RecordedCall {
  const OpDef* op = nullptr;
  const KernelSlot* slot = nullptr;  // null: op->cpu
  std::uint32_t constant = 0;        // inputs, of KernelArgs
  Attributes attributes;
  SmallVector<Operand> in, out;
  const ModulePlace* place = nullptr;
  int counter = -1;            // of Recorder::counters, for an attribute that differs at each run
  std::int64_t ahead = 0;      // of the counter's value when the run begins
  bool checks_values = false;  // its shape rule looks at whole numbers: it must do so at each run
};

struct RecordedStorage {
  enum class Kind : std::uint8_t { input, parameter, state, constant, made };
  Kind kind = Kind::made;
  std::size_t index = 0;              // of the inputs, the parameters or the state's tensors
  std::size_t bytes = 0;              //
  std::size_t made_at = 0, last = 0;  // calls
  Tensor constant;                    // keeps its memory
  std::weak_ptr<Storage> alive;       // so that no other storage gets its address while we record
};

struct RecordedCounter {
  StepCounter* counter = nullptr;
  std::int64_t begin = 0, taken = 0;
};

class Recorder {
 public:
  Recorder();  // attaches to this thread; UsageError when there is one
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder();

  void outside(const Tensor& t, RecordedStorage::Kind kind, std::size_t index);
  void run(const OpDef& op, const KernelSlot* slot, const KernelArgs& args);  // runs it and notes it
  std::uint32_t constants(std::span<const Tensor> in) const;  // which of them are parameters that stay
  void view(const Tensor& in, const Tensor& out);
  void constant(const Tensor& t);  // made of numbers that the program said: full(), zeros()
  void count(StepCounter& counter, std::uint64_t value);
  void touch(const Tensor& t, bool writes);  // the program reads or writes values
  void refuse(std::string why);              // the first counts
  int find(const Tensor& t) const;           // -1: never seen
  bool is_made(const Tensor& t) const;       // by a call: memory of the recording's own

  // Kernels and shape rules may look at values.
  class Looking {
   public:
    explicit Looking(Recorder* r) : recorder_(r) {
      if (r) ++r->looking_;
    }
    Looking(const Looking&) = delete;
    Looking& operator=(const Looking&) = delete;
    ~Looking() {
      if (recorder_) --recorder_->looking_;
    }

   private:
    Recorder* recorder_;
  };

  std::vector<RecordedCall> calls;
  std::vector<RecordedStorage> storages;
  std::vector<RecordedCounter> counters;
  std::string refusal;
  bool parameters_stay = false;

 private:
  Operand operand(const OpDef& op, const Tensor& t);
  Operand made(const Tensor& t);
  void bind_counter(RecordedCall& call);
  std::unordered_map<const Storage*, int> index_;
  int looking_ = 0;
  int pending_ = -1;  // the counter that a number was just taken from
};

}  // namespace cairn
