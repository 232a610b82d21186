// The debugger of networks: looks for the mistakes that make a network learn badly, or not at all, without a
// word. Each finding has a name, the numbers that show it, and a remedy.
//
//   const NetworkCheck check = check_network(net, x, y);   // any class with operator() and visit()
//   std::cout << check.text();
//
// After Karpathy: A recipe for training neural networks; 2019, and the practices that Goodfellow, Bengio,
// Courville: Deep learning; 2016, chapter 11, collects.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/base/params.h"
#include "cairn/base/progress.h"
#include "cairn/base/stop.h"
#include "cairn/nn/module.h"
#include "cairn/optim/rate_test.h"
#include "cairn/train/layer_probe.h"

namespace cairn {

struct NetworkCheckOptions {
  std::string optimizer = "adam";
  double learning_rate = 0;  // 0: not judged
  std::int64_t batch_size = 32;
  std::int64_t steps = 300;  // to overfit one batch, at most, at each rate that is tried
  std::int64_t seed = 0;
  std::string accept;  // findings that are meant to be so: names, separated by commas
  static const ParamList& list();
};

// x is a batch; the result of forward is what the loss gets.
struct NetworkUnderCheck {
  ModuleRef net;
  std::function<Tensor(const Tensor& x)> forward;
  // The mean loss of a batch; empty: cross_entropy for classes (y i64), mse for values.
  std::function<Tensor(const Tensor& output, const Tensor& y)> loss;
};

struct Finding {
  std::string name;      // "softmax_twice": one of findings()
  std::string place;     // a layer, a parameter, a column; may be empty
  std::string evidence;  // one sentence with numbers
  std::string remedy;
};

struct NetworkCheck {
  struct Measured {  // what one look has found, faulty or not
    std::string what, value;
  };
  struct GradientCheck {  // a tensor's gradient against central differences, f64
    std::string parameter;
    std::int64_t compared = 0, skipped = 0;  // numbers; skipped: a kink lies in between
    double error = 0;                        // the largest, relative
  };
  std::vector<Finding> findings;
  std::vector<Measured> measured;
  std::vector<LayerStatistics> layers;  // at the start, for one batch in training
  std::vector<GradientCheck> gradients;
  RateTest rates;
  bool passed() const { return findings.empty(); }
  std::string text() const;
  Json json() const;
};

// Everything that can be found: its name and what it means.
struct FindingKind {
  const char *name, *meaning;
};
std::span<const FindingKind> findings();

// x [N, ...] and y, i64 classes [N] or values of the output's shape, one row an example. The network is
// afterwards as it was. ShapeError, UsageError (an unknown name in `accept`); what the network itself throws.
NetworkCheck check_network(const NetworkUnderCheck& subject, const Tensor& x, const Tensor& y,
                           const NetworkCheckOptions& options = {}, const StopToken& stop = {},
                           Progress* progress = nullptr);
template <class Net>
NetworkCheck check_network(Net& net, const Tensor& x, const Tensor& y,
                           const NetworkCheckOptions& options = {},
                           std::function<Tensor(const Tensor& output, const Tensor& y)> loss = {}) {
  return check_network({net, [&net](const Tensor& batch) { return net(batch); }, std::move(loss)}, x, y,
                       options);
}

}  // namespace cairn
