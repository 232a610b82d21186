// A function of tensors that is called once and then replayed: a flat list of kernels, already chosen, on
// memory that was planned beforehand. No shape rule, no search for a kernel, no tape and no allocation: what
// remains is the arithmetic, and its results are those of the function to the last bit.
//
//   auto [results, replay] = record({x, y}, state, [&](std::span<const Tensor> in) { ... });
//   while (replay.fits({x, y})) results = replay.run({x, y});
//
// What may differ at each run: the values of the inputs, of the state's parameters and tensors, and the
// StepCounters that the function took numbers from. All else is as it was when it was recorded: numbers that
// the program computes (`loss * weight_of(epoch)`) are constants of the replay; same_as() tells whether a
// second recording brought others.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/tensor/op.h"
#include "cairn/tensor/parameter.h"

namespace cairn {

// What the function reads beside its inputs, where it stands. It must stay there as long as the replay.
struct ReplayState {
  std::vector<const Parameter*> parameters;  // read; an optimizer moves them between two runs
  std::vector<Tensor*> tensors;              // read and set: running statistics
  // The parameters change rarely or never: kernels may be chosen that prepare them, and prepare them again
  // after a change.
  bool parameters_stay = false;
};

class Replay {
 public:
  Replay(Replay&&) noexcept;
  Replay& operator=(Replay&&) noexcept;
  ~Replay();

  // Why the function cannot be replayed; empty: it can. It cannot when the program looks at values (so shapes
  // could depend on them), writes values by hand, or brings in a tensor that is neither an input nor state.
  const std::string& refusal() const;
  // Whether it can, and the inputs and the state have the shapes, strides and element types they had, and the
  // same parameters are frozen.
  bool fits(std::span<const Tensor> inputs) const;
  // What the function would return, off the tape; sets the state's tensors. NotSupported with the refusal;
  // UsageError when the inputs do not fit. After an error nothing has changed.
  Tensors run(std::span<const Tensor> inputs);

  // Gives a large block back until the next run: something else needs memory in between.
  void rest();

  // The same kernels with the same constants on the same tensors.
  bool same_as(const Replay& other) const;
  std::size_t num_kernels() const;
  std::size_t planned_bytes() const;  // one block, taken at the first run, for all that lives within the step

 private:
  friend struct RecordingAccess;
  struct Plan;
  explicit Replay(std::unique_ptr<Plan> plan);
  std::unique_ptr<Plan> plan_;
};

// False while somebody wants to see each operation (ApplyObserver, set_check_finite) and inside a recording.
bool replays_allowed();

struct Recording {
  Tensors results;  // of the one call
  Replay replay;
};
// Calls `function` once, with all its effects, and notes what it does. It must do its work on this thread.
// UsageError inside of another recording.
Recording record(std::span<const Tensor> inputs, ReplayState state,
                 const std::function<Tensors(std::span<const Tensor> inputs)>& function);

}  // namespace cairn
