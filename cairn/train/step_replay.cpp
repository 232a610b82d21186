#include "cairn/train/step_replay.h"

#include <algorithm>

#include "cairn/ops/elementwise.h"

namespace cairn {
namespace {

constexpr std::size_t kMostForms = 8;     // batches of more shapes than that are not worth their memory
constexpr int kMostChanges = 2;           // after that the loss is no function of batch and network
constexpr std::int64_t kCheckEvery = 64;  // replays, at most

class StateWalk : public ModuleWalk {
 public:
  explicit StateWalk(ReplayState& state) : state_(state) {}

 protected:
  void on_parameter(const std::string& /*path*/, Parameter& p) override {
    if (p.defined()) state_.parameters.push_back(&p);
  }
  void on_tensor(const std::string& /*path*/, Tensor& t) override {
    if (t.defined()) state_.tensors.push_back(&t);
  }

 private:
  ReplayState& state_;
};

Tensors inputs_of(const Batch& batch) {
  Tensors inputs{batch.x, batch.y};
  if (batch.weights.defined()) inputs.push_back(batch.weights);
  return inputs;
}

Tensor scaled(const Tensor& loss, double factor) { return factor == 1 ? loss : loss * factor; }

}  // namespace

StepReplay::StepReplay(ModuleRef net) : net_(net) {
  StateWalk walk(state_);
  net_.visit(walk);
}

void StepReplay::begin_epoch() {
  for (Form& f : forms_) f.check = f.since >= f.check_after;
}

StepReplay::Form* StepReplay::find(std::span<const Tensor> inputs, double factor) {
  for (Form& f : forms_)
    if (f.factor == factor && f.replay.fits(inputs)) return &f;
  return nullptr;
}

StepReplay::Result StepReplay::step(const Batch& batch, double factor, const std::function<Tensor()>& loss) {
  if (!refusal_.empty() || !replays_allowed()) return take(factor, loss);
  const Tensors inputs = inputs_of(batch);
  Form* known = find(inputs, factor);
  if (known && known->confirmed && !known->check) return replay_step(inputs, *known);
  if (!known && forms_.size() == kMostForms) return take(factor, loss);
  return record_step(inputs, factor, loss, known);
}

StepReplay::Result StepReplay::take(double factor, const std::function<Tensor()>& loss,
                                    const BackwardOptions& options) const {
  const Tensor value = loss();
  return {value.detach(), backward(scaled(value, factor), net_, options)};
}

StepReplay::Result StepReplay::record_step(std::span<const Tensor> inputs, double factor,
                                           const std::function<Tensor()>& loss, Form* known) {
  Result result;
  if (known) known->replay.rest();  // the recording needs as much
  Recording recording = record(inputs, state_, [&](std::span<const Tensor>) {
    result = take(factor, loss);
    Tensors all{result.loss};
    for (const Parameter* p : state_.parameters)
      all.push_back(p->frozen() ? Tensor() : result.gradients.of(p->value()));
    return all;
  });
  if (!recording.replay.refusal().empty()) {
    refusal_ = recording.replay.refusal();
    forms_.clear();
  } else if (!known) {
    forms_.push_back({.factor = factor, .replay = std::move(recording.replay)});
  } else if (known->replay.same_as(recording.replay)) {
    known->confirmed = true;
    known->check = false;
    known->since = 0;
    known->check_after = std::min(2 * known->check_after, kCheckEvery);
  } else if (++known->changes > kMostChanges) {
    refusal_ = "the operations of a step, or numbers in them, differ from batch to batch";
    forms_.clear();
  } else {
    known->replay = std::move(recording.replay);
    known->confirmed = known->check = false;
  }
  return result;
}

PredictReplay::PredictReplay(ModuleRef net, std::function<Tensor(const Tensor& x)> forward)
    : forward_(std::move(forward)) {
  state_.parameters_stay = true;
  StateWalk walk(state_);
  net.visit(walk);
}

Tensor PredictReplay::operator()(const Tensor& x) {
  const NoGrad no_grad;
  if (refused_ || !replays_allowed()) return forward_(x);
  const Tensor inputs[] = {x};
  const auto known = std::ranges::find_if(forms_, [&](const Form& f) { return f.replay.fits(inputs); });
  if (known != forms_.end() && known->confirmed) {
    ++replayed_;
    return known->replay.run(inputs)[0];
  }
  if (known == forms_.end() && forms_.size() == kMostForms) return forward_(x);
  Recording recording =
      record(inputs, state_, [&](std::span<const Tensor> in) -> Tensors { return {forward_(in[0])}; });
  const Tensor y = recording.results[0];
  if (!recording.replay.refusal().empty())
    refused_ = true;
  else if (known == forms_.end())
    forms_.push_back({.replay = std::move(recording.replay)});
  else if (known->replay.same_as(recording.replay))
    known->confirmed = true;
  else
    refused_ = true;  // it is no function of the batch alone
  return y;
}

StepReplay::Result StepReplay::replay_step(std::span<const Tensor> inputs, Form& form) {
  const Tensors all = form.replay.run(inputs);
  SmallVector<Tensor, 16> leaves, gradients;
  for (std::size_t i = 0; i < state_.parameters.size(); ++i) {
    if (!all[i + 1].defined()) continue;
    leaves.push_back(state_.parameters[i]->value());
    gradients.push_back(all[i + 1]);
  }
  ++replayed_;
  ++form.since;
  return {all[0], Gradients::from({leaves.data(), leaves.size()}, {gradients.data(), gradients.size()})};
}

}  // namespace cairn
