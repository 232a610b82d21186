// Loss and gradients of one batch after another, or what a network in evaluation gives for each; where
// batches repeat in form, by replaying what the first ones did (tensor/replay.h), with the same numbers to
// the last bit.
//
// The loss must be a function of the batch (inputs, targets, weights) and the network alone, because it is
// not called for every batch. A step is replayed when two recordings of it brought the same operations and
// constants, and it is recorded again now and then, at the beginning of an epoch; a step that cannot be
// replayed is simply taken. Of predictions see PredictReplay.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cairn/nn/module.h"
#include "cairn/tensor/replay.h"
#include "cairn/train/loader.h"

namespace cairn {

class StepReplay {
 public:
  struct Result {
    Tensor loss;
    Gradients gradients;  // of factor times the loss
  };

  // The network must live longer and stay where it is.
  explicit StepReplay(ModuleRef net);
  Result step(const Batch& batch, double factor, const std::function<Tensor()>& loss);
  // Without a recording.
  Result take(double factor, const std::function<Tensor()>& loss, const BackwardOptions& options = {}) const;
  void begin_epoch();

  std::int64_t replayed() const { return replayed_; }      // steps so far
  const std::string& refusal() const { return refusal_; }  // why none is replayed any more; empty: it may be

 private:
  struct Form {  // of a batch, and what is known of its steps
    double factor = 1;
    Replay replay;
    bool confirmed = false;  // by a second recording
    int changes = 0;
    std::int64_t since = 0, check_after = 1;  // replays since the last recording, and when to record again
    bool check = false;
  };
  Form* find(std::span<const Tensor> inputs, double factor);
  Result record_step(std::span<const Tensor> inputs, double factor, const std::function<Tensor()>& loss,
                     Form* known);
  Result replay_step(std::span<const Tensor> inputs, Form& form);

  ModuleRef net_;
  ReplayState state_;
  std::vector<Form> forms_;
  std::int64_t replayed_ = 0;
  std::string refusal_;
};

// What a network in evaluation gives for one batch after another, replayed where batches repeat in form. Its
// kernels are those for parameters that stay, so that last bits may differ from what the network itself
// gives. For one thread; the network must live longer, stay where it is and keep its weights or their places.
class PredictReplay {
 public:
  explicit PredictReplay(ModuleRef net, std::function<Tensor(const Tensor& x)> forward);
  Tensor operator()(const Tensor& x);
  std::int64_t replayed() const { return replayed_; }  // batches so far

 private:
  struct Form {
    Replay replay;
    bool confirmed = false;  // by a second recording
  };
  std::function<Tensor(const Tensor& x)> forward_;
  ReplayState state_;
  std::vector<Form> forms_;
  std::int64_t replayed_ = 0;
  bool refused_ = false;
};

}  // namespace cairn
