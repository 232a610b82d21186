// How the learning rate changes: by the number of the step or epoch, or when a loss stops falling.
//
//   const Schedule schedule({.kind = "cosine", .total = 1000, .warm_up = 50});
//   opt.set_learning_rate(1e-3 * schedule.factor(opt.steps()));
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cairn/base/params.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

struct ScheduleParams {
  std::string kind = "constant";
  std::int64_t total = 0;
  std::int64_t warm_up = 0;
  std::int64_t every = 1;
  double factor = 0.5;
  double decay = 1;
  double last = 0;
  double rise = 0.3;
  std::string unit = "step";
  static const ParamList& list();
};

// What the learning rate is multiplied by, t = 0, 1, 2, ... counted in `unit`s:
//   constant      1
//   step          factor^floor(t / every)
//   exponential   factor^t
//   inverse_time  1 / (1 + decay floor(t / every))
//   linear        from 1 to `last` at t = total - 1
//   cosine        last + (1 - last) (1 + cos(pi t / (total - 1))) / 2 (Loshchilov, Hutter: SGDR; 2017)
//   one_cycle     by cosines from 1/25 up to 1 in the share `rise`, then down to 1/250000 (Smith:
//   Super-convergence; 2018)
// During the first warm_up units it rises linearly to 1; the schedule begins after them.
class Schedule {
 public:
  explicit Schedule(ScheduleParams params);  // ParamError: a kind that needs `total` without one
  double factor(std::int64_t t) const;
  const ScheduleParams& params() const { return params_; }

 private:
  ScheduleParams params_;
};

// The kinds by name, and what goes by a loss: for the program's tables and the documentation.
struct ScheduleEntry {
  const char* name;      // "cosine"
  const char* doc;       // the factor, or when the rate falls
  const char* uses;      // the parameters that it reads, "total, last"
  bool by_loss = false;  // class Plateau, which is no kind of Schedule
};
std::span<const ScheduleEntry> schedules();

struct PlateauParams {
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4;
  double lowest = 0;
  static const ParamList& list();
};

// Multiplies the rate by `factor` when more than `patience` values in a row were no gain of `threshold` over
// the best.
class Plateau {
 public:
  explicit Plateau(PlateauParams params);
  double next_rate(double value, double rate);  // value: a loss, of an epoch
  void visit(Visitor& v);

 private:
  PlateauParams params_;
  double best_ = 0;
  bool any_ = false;
  std::int64_t without_gain_ = 0;
};

}  // namespace cairn
