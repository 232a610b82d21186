#include "cairn/train/flight_recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/model/state_file.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

constexpr std::int64_t kNumbersOfALook = 1 << 16;  // of each module: enough for its statistics

// The whole numbers that count, such as dropout's calls. Builds no names: it runs in every step.
class Counters : public ModuleWalk {
 public:
  Counters(std::vector<std::int64_t>& list, bool back) : list_(list), back_(back) {}
  using ModuleWalk::value;
  void value(std::string_view, std::int64_t& v) override {
    if (!back_)
      list_.push_back(v);
    else if (at_ < list_.size())
      v = list_[at_++];
  }
  void enter(std::string_view) override {}
  void leave() override {}
  void tensor(std::string_view, Tensor&) override {}
  void parameter(std::string_view, Parameter&) override {}
  void module(Module&) override {}

 private:
  std::vector<std::int64_t>& list_;
  bool back_;
  std::size_t at_ = 0;
};

// "NaN at [3, 0] of f32 [32, 10]"; empty: all finite.
std::string fault_text(const Tensor& t) {
  if (!t.defined() || !is_floating(t.dtype()) || t.size() == 0) return {};
  if (statistics_of(t, "").finite) return {};
  const Tensor d = dense(t.detach());
  std::string text;
  const auto look = [&](auto values) {
    std::int64_t at = 0;
    while (std::isfinite(values[static_cast<std::size_t>(at)])) ++at;
    const bool nan = std::isnan(values[static_cast<std::size_t>(at)]);
    std::vector<std::int64_t> index;
    for (int axis = d.ndim() - 1; axis >= 0; --axis) {
      index.insert(index.begin(), at % d.size(axis));
      at /= d.size(axis);
    }
    text = fmt::format("{} at [{}] of {}", nan ? "NaN" : "infinity", fmt::join(index, ", "), d.text());
  };
  d.dtype() == DType::f32 ? look(d.data<float>()) : look(d.data<double>());
  return text;
}

// The first operation that makes NaN or infinity.
class FaultWatcher : public ApplyObserver {
 public:
  FirstFault first;
  bool backwards = false;
  void begin(const OpDef&, std::span<const Tensor>, const Attributes&) override {}
  void end(const OpDef& op, std::span<const Tensor>, std::span<const Tensor> out,
           const Attributes&) override {
    if (first.any()) return;
    for (const Tensor& t : out)
      if (std::string what = fault_text(t); !what.empty())
        first = {.layer = module_place() ? module_place()->text() : "the loss",
                 .operation = backwards ? fmt::format("{} in the gradient", op.name) : op.name,
                 .what = std::move(what)};
  }
};

}  // namespace

void FlightRecording::visit(Visitor& v) {
  v.value("network", network);
  v.value("loss", loss);
  v.value("reason", reason);
  v.value("epoch", epoch);
  v.value("batch", batch);
  v.value("rows", rows);
  v.value("learning_rate", learning_rate);
  v.tensor("x", x);
  v.tensor("y", y);
  v.optional("label_smoothing", label_smoothing);
  v.tensor("weights", weights);
  if (v.loading() &&
      (!x.defined() || !y.defined() || x.ndim() == 0 || y.ndim() == 0 || x.size(0) != y.size(0)))
    throw ModelFileError("flight recording", "holds no batch whose inputs and targets belong together");
  if (v.loading() && weights.defined() && !(weights.shape() == Shape{x.size(0)}))
    throw ModelFileError("flight recording",
                         fmt::format("has weights {} for {} examples", weights.text(), x.size(0)));
}

void save_recording(const std::string& path, FlightRecording& recording, ModuleRef net) {
  save_state(path, FlightRecording::kKind, [&](Visitor& v) {
    v.child("recording", recording);
    v.child("weights", net);
  });
}
FlightRecording load_recording(const std::string& path, ModuleRef net) {
  FlightRecording recording;
  load_state(path, FlightRecording::kKind, [&](Visitor& v) {
    v.child("recording", recording);
    v.child("weights", net);
  });
  return recording;
}
FlightRecording read_recording(const std::string& path) {
  FlightRecording recording;
  load_state(path, FlightRecording::kKind, [&](Visitor& v) { v.child("recording", recording); });
  return recording;
}

FirstFault first_fault(ModuleRef net, const std::function<Tensor()>& loss, std::span<const Tensor> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (std::string what = fault_text(inputs[i]); !what.empty())
      return {.layer = i == 0 ? "the inputs" : "the targets", .operation = "data", .what = std::move(what)};
  for (const NamedParameter& p : parameters(net))
    if (std::string what = fault_text(p.parameter->value()); !what.empty())
      return {.layer = p.name, .operation = "weights after the step before", .what = std::move(what)};
  FaultWatcher watcher;
  const Tensor value = loss();
  if (watcher.first.any() || !value.on_tape()) return watcher.first;
  watcher.backwards = true;
  backward(value);
  return watcher.first;
}

FlightRecorder::FlightRecorder(ModuleRef net, FlightOptions options)
    : net_(net), options_(std::move(options)) {
  Counters walk(counters_, false);
  net_.visit(walk);
  has_counters_ = !counters_.empty();
}

void FlightRecorder::begin(std::int64_t epoch, std::int64_t batch, std::int64_t number) {
  epoch_ = epoch;
  batch_ = batch;
  if (has_counters_) {
    counters_.clear();
    Counters walk(counters_, false);
    net_.visit(walk);
  }
  if (options_.every > 0 && number % options_.every == 0)
    probe_ = std::make_unique<LayerProbe>(kNumbersOfALook);
}

std::string FlightRecorder::place_text(std::span<const std::int64_t> rows) const {
  constexpr std::size_t kShown = 5;
  const auto some = rows.first(std::min(rows.size(), kShown));
  return fmt::format("epoch {}, batch {} (examples {}{})", epoch_, batch_, fmt::join(some, ", "),
                     rows.size() > kShown ? ", ..." : "");
}

std::string FlightRecorder::replay_text() const {
  if (options_.file.empty()) return {};
  if (options_.network.empty())
    return fmt::format("Replay it with load_recording(\"{}\", net).", options_.file);
  return fmt::format("Replay it with: cairn check {}", options_.file);
}

void FlightRecorder::record(const std::string& reason, double learning_rate, const Batch& batch,
                            std::span<const std::int64_t> rows) {
  if (options_.file.empty()) return;
  // The batch sees the masks that it saw; a training that goes on after a remark, those that come next.
  std::vector<std::int64_t> now;
  Counters take(now, false), before(counters_, true), after(now, true);
  net_.visit(take);
  net_.visit(before);
  FlightRecording r{.network = options_.network,
                    .loss = options_.loss,
                    .reason = reason,
                    .epoch = epoch_,
                    .batch = batch_,
                    .rows = {rows.begin(), rows.end()},
                    .learning_rate = learning_rate,
                    .x = batch.x,
                    .y = batch.y,
                    .weights = batch.weights};
  if (options_.complete) options_.complete(r);
  save_recording(options_.file, r, net_);
  net_.visit(after);
}

void FlightRecorder::broken(const std::string& what, double learning_rate, const Batch& batch,
                            std::span<const std::int64_t> rows, const Loss& again) {
  probe_.reset();
  Counters walk(counters_, true);
  net_.visit(walk);
  const Tensor inputs[] = {batch.x, batch.y};
  const FirstFault fault = first_fault(net_, again, inputs);
  std::string text =
      fmt::format("{} in {}, at the learning rate {:g}", what, place_text(rows), learning_rate);
  if (fault.any())
    text += fmt::format("; first in {}: {}, {}", fault.layer, fault.operation, fault.what);
  else
    for (const LayerStatistics& s : layers_)
      if (!s.finite || !s.gradient_finite) {
        text += fmt::format("; first in {}", s.layer);
        break;
      }
  record(text, learning_rate, batch, rows);
  std::string hint = fault.operation == "data" ? "Leave out or fill what is missing in the data."
                                               : "Lower the learning rate, set clip_norm, or scale the data.";
  const std::string replay = replay_text();
  throw FitError("trainer", text, replay.empty() ? hint : hint + " " + replay);
}

void FlightRecorder::check(double loss, double learning_rate, const Batch& batch,
                           std::span<const std::int64_t> rows, const Loss& again) {
  if (!std::isfinite(loss))
    broken(fmt::format("the loss is {}", std::isnan(loss) ? "NaN" : "infinite"), learning_rate, batch, rows,
           again);
  constexpr std::int64_t kFirst = 10, kTogether = 10;
  if (first_losses_ < kFirst) {
    ++first_losses_;
    reference_ = std::max(reference_, std::abs(loss));
    return;
  }
  above_ = options_.explodes > 0 && std::abs(loss) > options_.explodes * reference_ ? above_ + 1 : 0;
  if (above_ < kTogether) return;
  broken(fmt::format("the loss has exploded: {:.4g}, {} batches above {:g} times the first ones' {:.4g},",
                     loss, kTogether, options_.explodes, reference_),
         learning_rate, batch, rows, again);
}

void FlightRecorder::end(double learning_rate, const Batch& batch, std::span<const std::int64_t> rows) {
  if (!probe_) return;
  layers_ = probe_->statistics();
  probe_.reset();
  look_ = {epoch_, batch_, learning_rate, batch, {rows.begin(), rows.end()}};
  // Outside of every module stands the loss, unless nothing says where it is.
  if (layers_.size() > 1)
    std::erase_if(layers_, [](const LayerStatistics& s) { return s.layer == "network"; });
  constexpr double kDead = 0.5;
  constexpr int kLooks = 3;
  const auto dead = std::ranges::find_if(layers_, [](const LayerStatistics& s) {
    return s.units > 1 && static_cast<double>(s.dead) > kDead * static_cast<double>(s.units);
  });
  dead_looks_ = dead == layers_.end() ? 0 : dead_looks_ + 1;
  if (dead_looks_ < kLooks || told_dead_) return;
  told_dead_ = true;
  const std::string text =
      fmt::format("{} of {} units of {} gave 0 for every example of {} looks, last in {}", dead->dead,
                  dead->units, dead->layer, kLooks, place_text(rows));
  record(text, learning_rate, batch, rows);
  const std::string replay = replay_text();
  remarks_.push_back(fmt::format("{}. Lower the learning rate, or use leaky_relu.{}{}", text,
                                 replay.empty() ? "" : " ", replay));
}

void FlightRecorder::end_epoch(double loss) {
  constexpr std::size_t kEpochs = 5;
  constexpr double kFell = 0.01;
  if (epoch_losses_.size() > kEpochs) return;  // it has been judged
  epoch_losses_.push_back(loss);
  if (epoch_losses_.size() <= kEpochs) return;
  // Still where it began, after so many epochs: what it can do at all lies elsewhere.
  const auto best = std::ranges::min(epoch_losses_);
  if (epoch_losses_.front() - best <= kFell * std::abs(epoch_losses_.front())) remark_plateau();
}

void FlightRecorder::remark_plateau() {
  std::string where;
  for (const LayerStatistics& s : layers_)
    if (where.empty() && (2 * s.dead > std::max<std::int64_t>(s.units, 2) || s.saturated > 0.5))
      where = fmt::format("{} {}", s.layer,
                          s.dead > 0 ? fmt::format("has {} dead units of {}", s.dead, s.units)
                                     : fmt::format("is saturated to {:.0f} %", 100 * s.saturated));
  for (const LayerStatistics& s : layers_)
    if (where.empty() && (s.gradient == 0 || s.stddev == 0))
      where = fmt::format("{} {}", s.layer,
                          s.stddev == 0 ? "gives one number for everything" : "gets no gradient");
  if (where.empty()) where = "no layer stands out";
  std::string text = fmt::format("after {} epochs the loss is {:.4g}, as at first ({:.4g})",
                                 epoch_losses_.size(), epoch_losses_.back(), epoch_losses_.front());
  if (look_.batch == 0) {  // no look has been taken, so there is no batch to show
    remarks_.push_back(text + ". `cairn check` looks for the cause.");
    return;
  }
  text += fmt::format("; in the last look, in epoch {}, batch {}, {}", look_.epoch, look_.batch, where);
  // That batch with the weights of now.
  std::swap(epoch_, look_.epoch);
  std::swap(batch_, look_.batch);
  record(text, look_.learning_rate, look_.examples, look_.rows);
  std::swap(epoch_, look_.epoch);
  std::swap(batch_, look_.batch);
  const std::string replay = replay_text();
  remarks_.push_back(
      fmt::format("{}. `cairn check` looks for the cause.{}{}", text, replay.empty() ? "" : " ", replay));
}

void FlightRecorder::visit(Visitor& v) {
  v.value("reference", reference_);
  v.value("first_losses", first_losses_);
  v.value("above", above_);
  v.value("dead_looks", dead_looks_);
  v.value("told_dead", told_dead_);
  v.value("epoch_losses", epoch_losses_);
  if (!v.loading()) return;
  for (const std::int64_t count : {first_losses_, above_, dead_looks_})
    check_counter(count, fmt::format("its recorder has counted {}", count));
  if (!(reference_ >= 0))
    throw ModelFileError("checkpoint",
                         fmt::format("its first losses are of size {:g}; a size is 0 or more", reference_),
                         "The file is damaged: begin the training anew.");
}

std::vector<std::string> FlightRecorder::take_remarks() { return std::exchange(remarks_, {}); }

}  // namespace cairn
