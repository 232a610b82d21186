#include "cairn/train/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/model/state_file.h"
#include "cairn/nn/snapshot.h"
#include "cairn/train/event_file.h"
#include "cairn/train/flight_recorder.h"
#include "cairn/train/step_replay.h"

namespace cairn {

const ParamList& TrainerOptions::list() {
  using P = TrainerOptions;
  static const ParamList l{
      param<&P::epochs>("epochs", "passes over the examples", between(1, 1e9)),
      param<&P::accumulate>("accumulate", "batches whose mean gradient makes one step", between(1, 1e9)),
      param<&P::patience>("patience", "epochs without gain before the end; 0: all epochs", at_least(0)),
      param<&P::min_gain>("min_gain", "a smaller gain counts as none", at_least(0)),
      param<&P::keep_best>("keep_best", "with patience: the best epoch's weights at the end"),
      param<&P::folder>("folder", "for checkpoint.cairn, log.jsonl and flight.cairn"),
      param<&P::checkpoint_every>("checkpoint_every", "epochs between two checkpoints", at_least(1)),
      param<&P::replay>("replay", "steps whose batches repeat in form are recorded once and replayed"),
      param<&P::look_every>("look_every", "batches between two looks at the layers; 0: none", at_least(0)),
      param<&P::explodes>("explodes", "a loss this many times the first ones' ends the training; 0: never",
                          at_least(0)),
      param<&P::tensorboard>("tensorboard", "whether event files for TensorBoard are written"),
  };
  return l;
}

Trainer::Trainer(TrainerOptions options) : options_(std::move(options)) {
  validate({"trainer", &options_, &TrainerOptions::list()});
  Schedule check(options_.schedule);
}

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

// One call of fit(): what a checkpoint holds, and the loop.
class Run {
 public:
  Run(const TrainerOptions& o, ModuleRef net, Optimizer& opt, const Loader& data, const Trainer::Loss& loss,
      const TrainerHooks& hooks)
      : o_(o),
        net_(net),
        opt_(opt),
        data_(data),
        loss_(loss),
        hooks_(hooks),
        steps_(net),
        schedule_(o.schedule),
        rate_(opt.learning_rate()),
        recorder_(net, {.every = o.look_every,
                        .explodes = o.explodes,
                        .file = recording_file(o, hooks),
                        .network = hooks.network,
                        .loss = hooks.loss}) {}

  History run() {
    if (data_.num_batches() == 0) throw DataError("trainer", "there is no batch to learn from");
    resume();
    if (o_.tensorboard && !o_.folder.empty()) events_.emplace(o_.folder);
    if (hooks_.progress) hooks_.progress->begin("epochs", o_.epochs - std::ssize(history_.epochs));
    while (!ended_ && std::ssize(history_.epochs) < o_.epochs) {
      hooks_.stop.throw_if_requested("trainer");
      one_epoch(std::ssize(history_.epochs));
      if (hooks_.progress) hooks_.progress->advance(1);
    }
    if (hooks_.progress) hooks_.progress->end();
    opt_.set_learning_rate(rate_);
    history_.replayed = steps_.replayed();
    history_.not_replayed = steps_.refusal();
    if (o_.patience > 0 && o_.keep_best && best_weights_.any()) best_weights_.put_back(net_);
    return std::move(history_);
  }

 private:
  static std::string recording_file(const TrainerOptions& o, const TrainerHooks& hooks) {
    if (!hooks.recording.empty()) return hooks.recording;
    return o.folder.empty() ? std::string() : o.folder + "/flight.cairn";
  }

  void one_epoch(std::int64_t index) {
    const auto begin = Clock::now();
    set_training(net_, true);
    double total = 0;
    std::int64_t examples = 0, waiting = 0;
    Gradients sum;
    if (o_.schedule.unit == "epoch") opt_.set_learning_rate(rate_ * schedule_.factor(index));
    steps_.begin_epoch();
    const Loader::Pass pass = data_.pass(index);
    const std::int64_t batches = data_.num_batches();
    std::int64_t number = 0;
    Loader::Iterator at = pass.begin();
    const std::function<Tensor()> again = [&] { return loss_(*at, at.rows()); };
    const std::function<Tensor()> observed = [&] {
      const Tensor loss = again();
      if (LayerProbe* probe = recorder_.probe()) probe->stop();  // the gradient is looked at apart
      return loss;
    };
    for (; at != pass.end(); ++at, ++number) {
      hooks_.stop.throw_if_requested("trainer");
      recorder_.begin(index + 1, number + 1, index * batches + number);
      const std::int64_t together = std::min(o_.accumulate, waiting + batches - number);
      const double factor = 1 / static_cast<double>(together);
      StepReplay::Result result;
      if (LayerProbe* probe = recorder_.probe())
        result = steps_.take(factor, observed, {.on_operation = probe->gradients()});
      else
        result = o_.replay ? steps_.step(*at, factor, again) : steps_.take(factor, again);
      const double value = result.loss.item();
      recorder_.check(value, opt_.learning_rate(), *at, at.rows(), again);
      total += value * static_cast<double>(at.rows().size());
      examples += std::ssize(at.rows());
      recorder_.end(opt_.learning_rate(), *at, at.rows());
      if (waiting++ == 0)
        sum = std::move(result.gradients);
      else
        sum += result.gradients;
      if (waiting < together) continue;
      if (o_.schedule.unit == "step") opt_.set_learning_rate(rate_ * schedule_.factor(opt_.steps()));
      try {
        opt_.step(sum);
      } catch (const FitError& e) {  // nothing has moved
        recorder_.broken(e.message(), opt_.learning_rate(), *at, at.rows(), again);
      }
      sum = Gradients();
      waiting = 0;
    }
    Epoch epoch{.number = index + 1,
                .loss = total / static_cast<double>(examples),
                .learning_rate = opt_.learning_rate()};
    if (hooks_.validate) {
      const EvaluationScope evaluation(net_);
      epoch.validation = hooks_.validate();
    }
    epoch.seconds = seconds_since(begin);
    epoch.examples_a_second = static_cast<double>(examples) / std::max(epoch.seconds, 1e-9);
    history_.epochs.push_back(epoch);
    watch(epoch);
    recorder_.end_epoch(epoch.loss);
    for (std::string& remark : recorder_.take_remarks()) {
      if (hooks_.progress) hooks_.progress->remark(remark);
      history_.remarks.push_back(std::move(remark));
    }
    tell(epoch);
    if (hooks_.on_epoch && !hooks_.on_epoch(epoch)) ended_ = true;
    const bool last = ended_ || epoch.number == o_.epochs;
    if (!o_.folder.empty() && (last || (epoch.number % o_.checkpoint_every == 0 && sound(epoch))))
      write_checkpoint();
  }

  // A loss on its way out of all bounds does not replace a good checkpoint.
  bool sound(const Epoch& epoch) const {
    constexpr double kFar = 100;
    double best = std::numeric_limits<double>::infinity();
    for (const Epoch& e : history_.epochs) best = std::min(best, e.loss);
    return best <= 0 || epoch.loss <= kFar * best;
  }

  void watch(const Epoch& epoch) {
    const double watched = hooks_.validate ? epoch.validation : epoch.loss;
    if (history_.best_epoch == 0 || watched < best_ - o_.min_gain) {
      best_ = watched;
      history_.best_epoch = epoch.number;
      if (o_.patience > 0 && o_.keep_best) best_weights_.take(net_);
    } else if (o_.patience > 0 && epoch.number - history_.best_epoch >= o_.patience) {
      history_.stopped_early = ended_ = true;
    }
  }

  void tell(const Epoch& e) {
    if (!hooks_.log && o_.folder.empty()) return;
    Json event{{"epoch", e.number}, {"loss", e.loss}, {"learning_rate", e.learning_rate}};
    if (hooks_.validate) event["validation"] = number(e.validation);
    if (hooks_.log) hooks_.log(event);
    if (o_.folder.empty()) return;
    event["seconds"] = e.seconds;
    event["examples_a_second"] = e.examples_a_second;
    if (!recorder_.layers().empty()) {
      event["layers"] = Json::array();
      for (const LayerStatistics& s : recorder_.layers())
        event["layers"].push_back({{"layer", s.layer},
                                   {"mean", number(s.mean)},
                                   {"stddev", number(s.stddev)},
                                   {"gradient", number(s.gradient)},
                                   {"dead", s.dead},
                                   {"saturated", s.saturated}});
    }
    std::ofstream file(o_.folder + "/log.jsonl", std::ios::app);
    file << event.dump() << "\n";
    if (!file.flush()) throw FileError(o_.folder + "/log.jsonl", "cannot be written");
    if (events_) tell_tensorboard(e);
  }

  void tell_tensorboard(const Epoch& e) {
    events_->scalar("loss/train", e.loss, e.number);
    if (hooks_.validate) events_->scalar("loss/validation", e.validation, e.number);
    events_->scalar("learning_rate", e.learning_rate, e.number);
    events_->scalar("examples_a_second", e.examples_a_second, e.number);
    for (const LayerStatistics& s : recorder_.layers()) {
      const std::string layer = s.layer.substr(0, s.layer.find(' '));
      events_->scalar("activations/" + layer + "/stddev", s.stddev, e.number);
      if (!std::isnan(s.gradient)) events_->scalar("gradients/" + layer, s.gradient, e.number);
      if (s.dead > 0) events_->scalar("dead_units/" + layer, static_cast<double>(s.dead), e.number);
    }
    for (const NamedParameter& p : parameters(net_)) {
      const Tensor values = p.parameter->value().detach().contiguous().to(DType::f64);
      events_->histogram("weights/" + p.name, values.data<double>(), e.number);
    }
  }

  std::string checkpoint() const { return o_.folder + "/checkpoint.cairn"; }
  static constexpr const char* kKind = "training checkpoint";

  // No clock: the same run writes the same bytes.
  void visit(Visitor& v) {
    v.child("network", net_);
    v.child("optimizer", opt_);
    v.value("best", best_);
    v.value("best_epoch", history_.best_epoch);
    v.value("stopped_early", history_.stopped_early);
    v.value("ended", ended_);
    v.value("rate", rate_);
    std::vector<double> losses, validations, rates;
    for (const Epoch& e : history_.epochs) {
      losses.push_back(e.loss);
      validations.push_back(e.validation);
      rates.push_back(e.learning_rate);
    }
    v.value("losses", losses);
    v.value("validations", validations);
    v.value("rates", rates);
    if (v.loading()) {
      if (losses.size() != validations.size() || losses.size() != rates.size())
        throw ModelFileError("checkpoint", "its lists of epochs differ in length");
      history_.epochs.clear();
      for (std::size_t i = 0; i < losses.size(); ++i)
        history_.epochs.push_back({.number = static_cast<std::int64_t>(i) + 1,
                                   .loss = losses[i],
                                   .validation = validations[i],
                                   .learning_rate = rates[i]});
      if (history_.best_epoch < 0 || history_.best_epoch > std::ssize(history_.epochs) || !(rate_ >= 0))
        throw ModelFileError("checkpoint", "its best epoch or learning rate cannot be");
    }
    v.enter("best_weights");
    best_weights_.visit(v, net_);
    v.leave();
  }

  void write_checkpoint() {
    save_state(checkpoint(), kKind, [&](Visitor& v) { visit(v); });
  }

  void resume() {
    if (o_.folder.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(o_.folder, error);
    if (error) throw FileError(o_.folder, fmt::format("cannot be made: {}", error.message()));
    if (!std::filesystem::exists(checkpoint())) return;
    load_state(checkpoint(), kKind, [&](Visitor& v) { visit(v); });
    // A longer training goes on where a whole one had ended; one that had no gain stays ended.
    if (std::ssize(history_.epochs) < o_.epochs && !history_.stopped_early) ended_ = false;
  }

  const TrainerOptions& o_;
  ModuleRef net_;
  Optimizer& opt_;
  const Loader& data_;
  const Trainer::Loss& loss_;
  const TrainerHooks& hooks_;
  StepReplay steps_;
  Schedule schedule_;
  double rate_, best_ = 0;
  FlightRecorder recorder_;
  std::optional<EventFile> events_;
  History history_;
  Snapshot best_weights_;
  bool ended_ = false;
};

}  // namespace

History Trainer::fit(ModuleRef net, Optimizer& optimizer, const Loader& data, const Loss& loss,
                     const TrainerHooks& hooks) const {
  return Run(options_, net, optimizer, data, loss, hooks).run();
}

}  // namespace cairn
