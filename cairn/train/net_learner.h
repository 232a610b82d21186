// Makes a network a learner: what NetLearner fits is a Model like any other, judged, saved and served as they
// are.
//
//   NetLearner learner({.factory = [](std::int64_t inputs, std::int64_t outputs) { return
//   Network::parse(...); },
//                       .epochs = 30});
//   auto model = learner.fit(data);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cairn/model/registry.h"
#include "cairn/nn/network.h"
#include "cairn/optim/optimizer.h"
#include "cairn/tensor/precision.h"
#include "cairn/train/trainer.h"

namespace cairn {

struct NetLearnerParts {
  std::string name = "network";
  // Takes [inputs] numbers a sample, gives [outputs]: 1 value, or a logit a class.
  std::function<Network(std::int64_t inputs, std::int64_t outputs)> factory;
  std::string optimizer = "adam";
  std::string optimizer_params = "{}";  // JSON
  StepOptions step = {};
  TrainerOptions trainer = {};
  std::int64_t batch_size = 0;  // 0: 32, up to 512 for many rows
  double held_out =
      0.1;  // share of the rows that early stopping watches when the context brings no validation
  DType dtype = DType::f32;
  Precision products = Precision::f32;  // bf16: what is multiplied in training is rounded to it
  // The network is a person's declaration: it need not have all parameters that step.groups speak of. Else a
  // group that matches none is a UsageError.
  bool declared = false;
};

// Squared error on a standardised target, or cross-entropy of logits; weights multiply an example's loss. The
// network is drawn from the context's seed. FitError when the loss leaves the range of numbers.
class NetLearner final : public Learner {
 public:
  explicit NetLearner(NetLearnerParts parts) : parts_(std::move(parts)) {}
  std::string_view name() const override { return parts_.name; }
  ParamsView params() const override;
  std::unique_ptr<Learner> clone() const override { return std::make_unique<NetLearner>(*this); }
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;

 private:
  NetLearnerParts parts_;
};

}  // namespace cairn
