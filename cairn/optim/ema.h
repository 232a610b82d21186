// A network whose weights are the running mean of another's: often better than any single state of it, and
// smoother.
//
//   Ema average(net, 0.999);
//   ... opt.step(...); average.update(net);
//   average.network()(x);
#pragma once

#include <cstdint>
#include <vector>

#include "cairn/nn/module.h"

namespace cairn {

// Every parameter of `into` becomes decay * itself + (1 - decay) * that of `from`; other tensors (running
// statistics) are taken over. ShapeError when the two are not of one structure.
void move_average(ModuleRef into, ModuleRef from, double decay);

template <class Net>
class Ema {
 public:
  explicit Ema(const Net& net, double decay = 0.999) : average_(net), decay_(decay) {}
  void update(Net& net) { move_average(average_, net, decay_); }
  Net& network() { return average_; }

 private:
  Net average_;
  double decay_;
};

// The same beside a network that is only known as a ModuleRef: what the trainer holds. The mean's decay is at
// most (1 + t) / (10 + t) after t steps, so that it soon forgets what was drawn (the rule of TensorFlow's
// ExponentialMovingAverage). Running statistics stay those of the network.
class WeightAverage {
 public:
  WeightAverage(ModuleRef net, double decay);  // ParamError: not in (0, 1); the network must live longer
  void update();                               // after a step
  void exchange();                             // weights and mean change places; again: as before
  void visit(Visitor& v);                      // for checkpoints

 private:
  std::vector<Parameter*> parameters_;
  std::vector<Tensor> means_;
  double decay_;
  std::int64_t updates_ = 0;
};

}  // namespace cairn
