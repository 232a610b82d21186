// The flight recorder of a training: looks at activations and gradients every so many batches, watches the
// loss, and when something breaks tells in which layer and which batch it began and keeps what replays it.
//
//   cairn check runs/net/flight.cairn                // the batch again, layer by layer
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/nn/module.h"
#include "cairn/nn/snapshot.h"
#include "cairn/train/layer_probe.h"
#include "cairn/train/loader.h"

namespace cairn {

// The last moments: weights, counters and batch, so that one step can be run again.
struct FlightRecording {
  static constexpr const char* kKind = "flight recording";
  std::string network;  // as JSON; empty: a class of the user's own
  std::string loss;     // of BatchLoss: "cross_entropy", "mse"; empty: the user's own
  double label_smoothing = 0;
  std::string reason;
  std::int64_t epoch = 0, batch = 0;  // from 1
  std::vector<std::int64_t> rows;     // the examples' numbers
  double learning_rate = 0;
  Tensor x, y, weights;  // as BatchLoss takes them
  void visit(Visitor& v);
};
void save_recording(const std::string& path, FlightRecording& recording, ModuleRef net);
// ModelFileError: not a recording, or of another network, whose weights become those of the recording.
FlightRecording load_recording(const std::string& path, ModuleRef net);
// Without weights: what is needed to make the network.
FlightRecording read_recording(const std::string& path);

// Where one step first leaves the range of numbers.
struct FirstFault {
  std::string layer;      // empty: nowhere
  std::string operation;  // "log", "backward of log"
  std::string what;       // "NaN at [3, 0] of f32 [32, 10]"
  bool any() const { return !what.empty(); }
};
// Runs `loss` and its gradient once; `inputs` are looked at before.
FirstFault first_fault(ModuleRef net, const std::function<Tensor()>& loss, std::span<const Tensor> inputs);

struct FlightOptions {
  std::int64_t every = 100;   // batches between two looks at the layers; 0: none
  double explodes = 1e4;      // a loss that many times the first ones', ten batches long, ends the training
  std::string file;           // for the recording; empty: none
  std::string network, loss;  // as in FlightRecording
  std::function<void(FlightRecording& recording)> complete;  // what else a loss of a name needs; may be empty
};

class FlightRecorder {
 public:
  using Loss = std::function<Tensor()>;
  FlightRecorder(ModuleRef net, FlightOptions options);

  // Before a batch; where it is one that is looked at, there is a probe() that wants its gradients.
  void begin(std::int64_t epoch, std::int64_t batch, std::int64_t number);
  LayerProbe* probe() { return probe_.get(); }
  // FitError when the loss is NaN or infinite, or has exploded; `again` runs the batch once more.
  void check(double loss, double learning_rate, const Batch& batch, std::span<const std::int64_t> rows,
             const Loss& again);
  // For a gradient or step that failed: the same diagnosis, thrown as FitError.
  [[noreturn]] void broken(const std::string& what, double learning_rate, const Batch& batch,
                           std::span<const std::int64_t> rows, const Loss& again);
  // After the step: takes the statistics of a batch that was looked at.
  void end(double learning_rate, const Batch& batch, std::span<const std::int64_t> rows);
  // After an epoch; text for a person when training stands still, once.
  void end_epoch(double loss);

  const std::vector<LayerStatistics>& layers() const { return layers_; }     // of the last look
  bool looked() const { return !layers_.empty() && look_.epoch == epoch_; }  // in this epoch
  std::vector<std::string> take_remarks();                                   // each is given once
  void visit(Visitor& v);  // for checkpoints: what later remarks and the watch over the loss depend on

 private:
  void record(const std::string& reason, double learning_rate, const Batch& batch,
              std::span<const std::int64_t> rows);
  void remark_plateau();
  std::string place_text(std::span<const std::int64_t> rows) const;
  std::string replay_text() const;
  ModuleRef net_;
  FlightOptions options_;
  std::int64_t epoch_ = 0, batch_ = 0;
  std::unique_ptr<LayerProbe> probe_;
  std::vector<LayerStatistics> layers_;
  struct Look {  // the last one
    std::int64_t epoch = 0, batch = 0;
    double learning_rate = 0;
    Batch examples;
    std::vector<std::int64_t> rows;
  } look_;
  std::vector<std::string> remarks_;
  std::vector<double> epoch_losses_;
  std::vector<std::int64_t> counters_;  // of the network, before the batch
  bool has_counters_ = true, told_dead_ = false;
  double reference_ = 0;  // the largest of the first losses
  std::int64_t first_losses_ = 0, above_ = 0, dead_looks_ = 0;
};

}  // namespace cairn
