#include "cairn/train/trainer.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/model/state_file.h"
#include "cairn/nn/snapshot.h"
#include "cairn/optim/ema.h"
#include "cairn/train/epoch_log_internal.h"
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
      param<&P::ema>("ema", "decay of a running mean of the weights that takes their place; 0: none",
                     ParamRule{.low = 0, .high = 1, .high_open = true}),
  };
  return l;
}

Trainer::Trainer(TrainerOptions options) : options_(std::move(options)) {
  validate({"trainer", &options_, &TrainerOptions::list()});
  Schedule check(options_.schedule);
  if (options_.plateau) Plateau check_plateau(*options_.plateau);
}

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

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
        now_(rate_),
        recorder_(net, {.every = o.look_every,
                        .explodes = o.explodes,
                        .file = recording_file(o, hooks),
                        .network = hooks.network,
                        .loss = hooks.loss,
                        .complete = hooks.complete}) {
    if (o.plateau) plateau_.emplace(*o.plateau);
    if (o.ema > 0) average_.emplace(net, o.ema);
  }

  History run() {
    if (data_.num_batches() == 0) throw DataError("trainer", "there is no batch to learn from");
    resume();
    log_.emplace(o_, hooks_, history_.epochs.size());
    if (hooks_.progress)
      hooks_.progress->begin(hooks_.name.empty() ? "epochs" : hooks_.name,
                             (o_.epochs - std::ssize(history_.epochs)) * data_.num_batches());
    if (hooks_.progress)
      for (const std::string& remark : history_.remarks) hooks_.progress->remark(remark);
    while (!ended_ && std::ssize(history_.epochs) < o_.epochs) {
      hooks_.stop.throw_if_requested("trainer");
      try {
        one_epoch(std::ssize(history_.epochs));
      } catch (const FitError& e) {
        if (saved_ == 0) throw;
        throw FitError(e.where(), e.message(),
                       fmt::format("{}{}{} holds the weights after epoch {}.", e.hint(),
                                   e.hint().empty() ? "" : " ", checkpoint(), saved_));
      }
    }
    if (hooks_.progress) hooks_.progress->end();
    opt_.set_learning_rate(rate_);
    history_.replayed = steps_.replayed();
    history_.not_replayed = steps_.refusal();
    if (o_.patience > 0 && o_.keep_best && best_weights_.any())
      best_weights_.put_back(net_);
    else if (average_)
      average_->exchange();
    return std::move(history_);
  }

 private:
  static std::string recording_file(const TrainerOptions& o, const TrainerHooks& hooks) {
    if (!hooks.recording.empty()) return hooks.recording;
    return o.folder.empty() ? std::string() : o.folder + "/flight.cairn";
  }

  void one_epoch(std::int64_t index) {
    if (hooks_.progress)
      hooks_.progress->rename(fmt::format("{}{}epoch {} of {}", hooks_.name, hooks_.name.empty() ? "" : ": ",
                                          index + 1, o_.epochs));
    const auto begin = Clock::now();
    Epoch epoch{.number = index + 1};
    const std::int64_t examples = learn(index, epoch);
    epoch.learning_rate = opt_.learning_rate();
    end_epoch(epoch, examples, begin);
  }

  // One pass over the batches; their examples.
  std::int64_t learn(std::int64_t index, Epoch& epoch) {
    set_training(net_, true);
    double total = 0;
    std::int64_t examples = 0, waiting = 0;
    Gradients sum;
    if (o_.schedule.unit == "epoch") opt_.set_learning_rate(now_ * schedule_.factor(index));
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
      if (hooks_.progress) hooks_.progress->advance(1);
      if (waiting++ == 0)
        sum = std::move(result.gradients);
      else
        sum += result.gradients;
      if (waiting < together) continue;
      if (o_.schedule.unit == "step") opt_.set_learning_rate(now_ * schedule_.factor(opt_.steps()));
      try {
        opt_.step(sum);
      } catch (const FitError& e) {  // nothing has moved
        recorder_.broken(e.message(), opt_.learning_rate(), *at, at.rows(), again);
      }
      if (average_) average_->update();
      sum = Gradients();
      waiting = 0;
    }
    epoch.loss = total / static_cast<double>(examples);
    return examples;
  }

  void end_epoch(Epoch& epoch, std::int64_t examples, Clock::time_point begin) {
    if (average_) average_->exchange();  // what is judged and kept is the mean
    if (hooks_.validate) {
      const EvaluationScope evaluation(net_);
      epoch.validation = hooks_.validate();
    }
    watch(epoch);
    if (average_) average_->exchange();
    epoch.seconds = seconds_since(begin);
    epoch.examples_a_second = static_cast<double>(examples) / std::max(epoch.seconds, 1e-9);
    history_.epochs.push_back(epoch);
    recorder_.end_epoch(epoch.loss);
    const std::vector<std::string> remarks = recorder_.take_remarks();
    for (const std::string& remark : remarks) {
      if (hooks_.progress) hooks_.progress->remark(remark);
      history_.remarks.push_back(remark);
    }
    log_->tell(epoch, recorder_.looked() ? recorder_.layers() : std::vector<LayerStatistics>{}, remarks,
               net_);
    if (hooks_.on_epoch && !hooks_.on_epoch(epoch)) ended_ = true;
    const bool last = ended_ || epoch.number == o_.epochs;
    if (checkpoint().empty() || !(last || (epoch.number % o_.checkpoint_every == 0 && sound(epoch)))) return;
    save_state(checkpoint(), kKind, [&](Visitor& v) { visit(v); });
    saved_ = epoch.number;
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
    if (plateau_) now_ = plateau_->next_rate(watched, now_);
  }

  std::string checkpoint() const {  // empty: none
    if (!hooks_.checkpoint.empty() || o_.folder.empty()) return hooks_.checkpoint;
    return o_.folder + "/checkpoint.cairn";
  }
  static constexpr const char* kKind = "training checkpoint";

  // No clock: the same run writes the same bytes.
  void visit(Visitor& v) {
    std::string key = hooks_.key;
    v.optional("key", key);
    v.child("network", net_);
    v.child("optimizer", opt_);
    v.value("best", best_);
    v.value("best_epoch", history_.best_epoch);
    v.value("stopped_early", history_.stopped_early);
    v.value("ended", ended_);
    v.value("rate", rate_);
    v.value("rate_now", now_);
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
      if (history_.best_epoch < 0 || history_.best_epoch > std::ssize(history_.epochs) || !(rate_ >= 0) ||
          !(now_ >= 0))
        throw ModelFileError("checkpoint", "its best epoch or learning rate cannot be");
    }
    v.enter("best_weights");
    best_weights_.visit(v, net_);
    v.leave();
    v.child("recorder", recorder_);
    if (plateau_) v.child("plateau", *plateau_);
    if (average_) v.child("average", *average_);
  }

  static void make_folder(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) refuse_to_write(folder, "made", error.value());
  }

  void resume() {
    if (!o_.folder.empty()) make_folder(o_.folder);
    if (checkpoint().empty()) return;
    if (const std::string folder = std::filesystem::path(checkpoint()).parent_path(); !folder.empty())
      make_folder(folder);
    if (!std::filesystem::exists(checkpoint())) return;
    std::string key;
    bool ours = false;
    load_state(checkpoint(), kKind, [&](Visitor& v) {
      v.optional("key", key);
      ours = hooks_.key.empty() || key == hooks_.key;
      if (ours) visit(v);
    });
    if (!ours) {
      history_.remarks.push_back(
          fmt::format("{} is of other data, settings or build; the fit begins anew", checkpoint()));
      return;
    }
    saved_ = std::ssize(history_.epochs);
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
  double rate_, now_, best_ = 0;  // the rate as it was given, and after what a plateau took off
  FlightRecorder recorder_;
  std::optional<train_detail::EpochLog> log_;
  std::optional<Plateau> plateau_;
  std::optional<WeightAverage> average_;
  History history_;
  std::int64_t saved_ = 0;  // the epoch of the checkpoint; 0: there is none
  Snapshot best_weights_;
  bool ended_ = false;
};

}  // namespace

History Trainer::fit(ModuleRef net, Optimizer& optimizer, const Loader& data, const Loss& loss,
                     const TrainerHooks& hooks) const {
  return Run(options_, net, optimizer, data, loss, hooks).run();
}

}  // namespace cairn
