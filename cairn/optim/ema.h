// A network whose weights are the running mean of another's: often better than any single state of it, and
// smoother.
//
//   Ema average(net, 0.999);
//   ... opt.step(...); average.update(net);
//   average.network()(x);
#pragma once

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

}  // namespace cairn
