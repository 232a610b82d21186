// What flows through a network, module by module: activations on the way forward, gradients on the way back.
//
//   LayerProbe probe;
//   Tensor y = net(x);
//   probe.stop();                                     // the loss is nobody's layer
//   backward(cross_entropy(y, t), net, {.on_operation = probe.gradients()});
//   for (const LayerStatistics& s : probe.statistics()) ...
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"

namespace cairn {

// Of what one module gives for one batch; units are the numbers of the last axis.
struct LayerStatistics {
  std::string layer;                         // "fc1 (Linear 64 -> 10)"; "network" outside of every module
  std::string operation;                     // the last one that it ran
  double mean = 0, stddev = 0, largest = 0;  // largest by size
  double saturated = 0;                      // share of the numbers at the ends of a sigmoid or tanh
  std::int64_t units = 0, dead = 0;          // dead: a rectifier that gives 0 for every example
  bool finite = true;
  // Root of the mean square of the loss's gradient by these numbers; NaN: none came.
  double gradient = std::numeric_limits<double>::quiet_NaN();
  bool gradient_finite = true;
};

// Observes this thread from its construction until stop() or its end.
class LayerProbe : public ApplyObserver {
 public:
  // With `most` above 0 only a batch's first examples are looked at, about so many numbers of each module.
  explicit LayerProbe(std::int64_t most = 0) : most_(most) {}
  void begin(const OpDef& op, std::span<const Tensor> in, const Attributes& attributes) override;
  void end(const OpDef& op, std::span<const Tensor> in, std::span<const Tensor> out,
           const Attributes& attributes) override;
  void stop() { listening_ = false; }
  // For BackwardOptions::on_operation.
  std::function<void(const ModulePlace* place, std::span<const Tensor> gradients)> gradients();

  // In the order in which the modules were first met.
  std::vector<LayerStatistics> statistics() const;
  // What module number i of that order gave last.
  const Tensor& output(std::size_t i) const { return seen_[i].output; }
  std::size_t size() const { return seen_.size(); }

 private:
  struct Seen {
    const ModulePlace* place = nullptr;
    const OpDef* op = nullptr;
    Tensor output, gradient;
  };
  Seen& find(const ModulePlace* place);
  std::vector<Seen> seen_;
  std::int64_t most_ = 0;
  bool listening_ = true;
};

// What `t` holds; `op`, which made it, decides what counts as dead and saturated.
LayerStatistics statistics_of(const Tensor& t, const char* op);

}  // namespace cairn
