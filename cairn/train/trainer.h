// Epochs of training: callbacks, validation, early stopping, gradient accumulation, checkpoints that a run
// can be taken up from to the same bytes.
//
//   Trainer trainer({.epochs = 20, .patience = 3, .folder = "runs/net"});
//   const History history = trainer.fit(net, opt, loader,
//       [&](const Batch& b) { return cross_entropy(net(b.x), b.y); },
//       {.validate = [&] { return cross_entropy(net(x_dev), y_dev).item(); }});
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/base/progress.h"
#include "cairn/base/stop.h"
#include "cairn/optim/optimizer.h"
#include "cairn/optim/schedule.h"
#include "cairn/train/loader.h"

namespace cairn {

struct TrainerOptions {
  std::int64_t epochs = 10;
  std::int64_t accumulate = 1;        // batches whose mean gradient makes one step
  std::int64_t patience = 0;          // epochs without gain before the end; 0: all epochs
  double min_gain = 0;                // of the watched loss
  bool keep_best = true;              // with patience: the weights of the best epoch at the end
  std::string folder;                 // for checkpoint.cairn, log.jsonl and flight.cairn; empty: none
  std::int64_t checkpoint_every = 1;  // epochs
  bool replay = true;                 // steps whose batches repeat in form are recorded once and replayed
  std::int64_t look_every = 100;  // batches between two looks of the flight recorder at the layers; 0: none
  double explodes = 1e4;          // a loss this many times the first ones' ends the training; 0: never
  bool tensorboard = false;       // event files in the folder
  ScheduleParams schedule = {};
  // Beside the schedule: the rate falls when the watched loss, or that of training, stands still.
  std::optional<PlateauParams> plateau = {};
  double ema = 0;  // decay of a running mean of the weights, which is validated and kept; 0: none
  static const ParamList& list();
};

struct Epoch {
  std::int64_t number = 0;  // from 1
  double loss = 0;          // mean over the epoch's examples, as they were seen
  double validation = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = 0, seconds = 0, examples_a_second = 0;
};

struct History {
  std::vector<Epoch> epochs;
  std::int64_t best_epoch = 0;  // by validation, or by the training loss; 0: none
  bool stopped_early = false;
  std::int64_t replayed = 0;         // steps of this call that were replayed
  std::string not_replayed;          // why they could not be; empty: they could
  std::vector<std::string> remarks;  // of the flight recorder: dead units, a loss that stands still
};

struct FlightRecording;  // cairn/train/flight_recorder.h

struct TrainerHooks {
  std::function<double()> validate;  // a loss, called with the network in evaluation, after each epoch
  std::function<void(Json& event)> describe;  // adds to an epoch's event: metrics of what validate() saw
  std::function<bool(const Epoch& epoch)> on_epoch;  // false ends the training
  std::function<void(const Json& event)> log;        // {"epoch": 3, "loss": 0.2, ...}; beside log.jsonl
  StopToken stop;
  Progress* progress = nullptr;
  std::string name;  // of the training, before the epoch's number on a person's screen
  // Where they are not the folder's checkpoint.cairn, flight.cairn and the folder itself (event files).
  std::string checkpoint, recording, events;
  // What the training is of (data, settings, build): a checkpoint of another one is not gone on from but
  // replaced. Empty: whoever names the folder knows.
  std::string key;
  // What makes a flight recording one that `cairn check` can replay: the network as JSON, the loss by its
  // name, and what else that loss needs (label smoothing).
  std::string network, loss;
  std::function<void(FlightRecording& recording)> complete;
};

class Trainer {
 public:
  // The mean loss of a batch, a function of it and of the network alone: it is not called for every batch
  // (train/step_replay.h) unless `replay` is false. rows are the numbers of its examples.
  using Loss = std::function<Tensor(const Batch& batch, std::span<const std::int64_t> rows)>;

  explicit Trainer(TrainerOptions options);  // ParamError

  // Goes on from checkpoint.cairn where there is one. FitError when the loss is not finite or has
  // exploded, with the layer and the batch where it began; the checkpoint is then the last good one.
  // Interrupted; ModelFileError when the checkpoint is of another network or optimiser.
  History fit(ModuleRef net, Optimizer& optimizer, const Loader& data, const Loss& loss,
              const TrainerHooks& hooks = {}) const;
  History fit(ModuleRef net, Optimizer& optimizer, const Loader& data,
              const std::function<Tensor(const Batch&)>& loss, const TrainerHooks& hooks = {}) const {
    return fit(
        net, optimizer, data, [&](const Batch& b, std::span<const std::int64_t>) { return loss(b); }, hooks);
  }

 private:
  TrainerOptions options_;
};

}  // namespace cairn
