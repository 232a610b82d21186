#include "cairn/tensor/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/isa.h"
#include "cairn/base/parallel.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/block_cache_internal.h"
#include "cairn/tensor/memory_plan_internal.h"
#include "cairn/tensor/recorder_internal.h"

namespace cairn {

using Kind = RecordedStorage::Kind;

namespace {

// A kernel with its tensors in place: what a run walks over.
struct Call {
  const OpDef* op = nullptr;
  const KernelSlot* slot = nullptr;
  std::uint32_t constant = 0;
  Attributes attributes;
  Tensors in, out;
  Tensor prepared;  // of the constant inputs, for slot->run_prepared
  struct Source {
    const Parameter* parameter = nullptr;
    std::uint64_t version = 0;
  };
  std::vector<Source> made_of;  // which parameters these are, and what they were then
  const ModulePlace* place = nullptr;
  int counter = -1;
  std::int64_t ahead = 0;
  bool checks_values = false;
};

// One storage of the recording as the kernels see it. Every handle that is written to has a storage of its
// own, because a tensor is written in place by its only owner.
struct Place {
  std::shared_ptr<Storage> reader;
  std::vector<Storage*> writers;
  void point_to(std::byte* data) const {
    reader->point_to(data);
    for (Storage* w : writers) w->point_to(data);
  }
};

// What outlives a run: it lies in memory of its own, which is used again when nobody else holds it.
struct Kept {
  int storage = -1;
  Tensor memory;
};

bool same_operand(const Operand& a, const Operand& b) {
  return a.storage == b.storage && TapeAccess::offset(a.form) == TapeAccess::offset(b.form) &&
         TapeAccess::same_form(a.form, b.form);
}
bool same_operands(const SmallVector<Operand>& a, const SmallVector<Operand>& b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) same = same_operand(a[i], b[i]);
  return same;
}

// Value by value: the bytes between members may differ.
bool same_values(Attributes a, Attributes b) {
  if (a.kind() != b.kind()) return false;
  if (a.same_bytes(b)) return true;
  const ParamsView mine = a.view({}), theirs = b.view({});
  for (const Param& p : *mine.list)
    if (p.get(mine.object) != p.get(theirs.object)) return false;
  return true;
}

bool same_attributes(const RecordedCall& a, const RecordedCall& b) {
  if (a.counter < 0) return b.counter < 0 && same_values(a.attributes, b.attributes);
  Attributes mine = a.attributes, theirs = b.attributes;
  mine.set_number_at(a.op->counter, 0);
  theirs.set_number_at(a.op->counter, 0);
  return a.counter == b.counter && a.ahead == b.ahead && same_values(mine, theirs);
}

bool same_storage(const RecordedStorage& a, const RecordedStorage& b) {
  if (a.kind != b.kind || a.index != b.index || a.bytes != b.bytes) return false;
  return a.kind != Kind::constant || a.bytes == 0 ||
         std::memcmp(a.constant.raw(), b.constant.raw(), a.bytes) == 0;
}

}  // namespace

struct Replay::Plan {
  static constexpr std::size_t kLarge = std::size_t{16} << 20;  // bytes that are worth giving back

  std::string refusal;
  ReplayState state;
  std::vector<bool> watched;  // parameters
  std::vector<Tensor> forms;  // of inputs, then parameters, then the state's tensors: without storage
  std::vector<RecordedCall> recorded;
  std::vector<RecordedStorage> storages;
  std::vector<RecordedCounter> counters;
  std::vector<Operand> results;
  std::vector<Operand> new_state;  // storage -1: it stays
  std::size_t num_inputs = 0, bytes = 0;
  std::vector<PlannedBuffer> buffers;  // one a storage; of 0 bytes where it does not lie in the block

  // Made at the first run.
  bool ready = false;
  Tensor block;
  std::vector<Place> places;
  std::vector<Call> calls;
  std::vector<Kept> kept;
  std::string prepared_for;  // instruction set

  const Tensor& outside(const RecordedStorage& s, std::span<const Tensor> inputs) const {
    if (s.kind == Kind::input) return inputs[s.index];
    return s.kind == Kind::parameter ? state.parameters[s.index]->value() : *state.tensors[s.index];
  }
  std::size_t form_of(const RecordedStorage& s) const {
    if (s.kind == Kind::input) return s.index;
    return s.index + num_inputs + (s.kind == Kind::state ? state.parameters.size() : 0);
  }

  // A result goes where an input lies that is used there for the last time, if the operation allows it.
  void write_over(const std::vector<bool>& outlives) {
    std::vector<int> now(storages.size());  // where each storage went
    std::iota(now.begin(), now.end(), 0);
    const auto lives_within = [&](int s) {
      return storages[static_cast<std::size_t>(s)].kind == Kind::made &&
             !outlives[static_cast<std::size_t>(s)];
    };
    for (std::size_t at = 0; at < recorded.size(); ++at) {
      RecordedCall& call = recorded[at];
      for (auto* list : {&call.in, &call.out})
        for (Operand& o : *list) o.storage = now[static_cast<std::size_t>(o.storage)];
      for (std::size_t i = 0; i < std::min(call.out.size(), call.op->over.size()); ++i) {
        if (call.op->over[i] < 0) continue;
        const Operand& under = call.in[static_cast<std::size_t>(call.op->over[i])];
        Operand& over = call.out[i];
        const int from = over.storage, to = under.storage;
        const auto uses = std::ranges::count(call.in, to, &Operand::storage) +
                          std::ranges::count(call.out, to, &Operand::storage);
        if (!lives_within(from) || !lives_within(to) || uses != 1 ||
            !TapeAccess::same_form(under.form, over.form) ||
            TapeAccess::offset(under.form) != TapeAccess::offset(over.form))
          continue;
        RecordedStorage &old = storages[static_cast<std::size_t>(from)],
                        &shared = storages[static_cast<std::size_t>(to)];
        if (shared.last != at || shared.bytes < old.bytes) continue;
        shared.last = std::max(shared.last, old.last);
        old.bytes = 0;
        over.storage = now[static_cast<std::size_t>(from)] = to;
      }
    }
  }

  void plan_buffers() {
    std::vector<bool> outlives(storages.size());
    for (const auto* list : {&results, &new_state})
      for (const Operand& o : *list)
        if (o.storage >= 0) outlives[static_cast<std::size_t>(o.storage)] = true;
    write_over(outlives);
    buffers.resize(storages.size());
    for (std::size_t i = 0; i < storages.size(); ++i) {
      const RecordedStorage& s = storages[i];
      if (s.kind == Kind::made && !outlives[i]) buffers[i] = {s.bytes, s.made_at, s.last, 0};
    }
    bytes = plan_memory(buffers);
    for (std::size_t i = 0; i < storages.size(); ++i)
      if (outlives[i] && storages[i].kind == Kind::made) kept.push_back({static_cast<int>(i), {}});
  }

  Tensor placed(const Operand& o, bool writes) {
    Place& p = places[static_cast<std::size_t>(o.storage)];
    if (!writes) return TapeAccess::on_storage(o.form, p.reader);
    auto own = Storage::borrow(p.reader->bytes());
    p.writers.push_back(own.get());
    return TapeAccess::on_storage(o.form, std::move(own));
  }

  void make_ready() {
    places.resize(storages.size());
    for (std::size_t i = 0; i < storages.size(); ++i) places[i].reader = Storage::borrow(storages[i].bytes);
    for (const RecordedCall& r : recorded) {
      Call call{.op = r.op,
                .slot = r.slot,
                .constant = r.constant,
                .attributes = r.attributes,
                .in = {},
                .out = {},
                .place = r.place,
                .counter = r.counter,
                .ahead = r.ahead,
                .checks_values = r.checks_values};
      for (const Operand& o : r.in) call.in.push_back(placed(o, false));
      for (const Operand& o : r.out) call.out.push_back(placed(o, true));
      const std::uint32_t of = r.slot ? r.slot->prepared_inputs : 0;
      for (std::size_t i = 0; of != 0 && (r.constant & of) == of && i < r.in.size(); ++i)
        if (i < 32 && (of >> i & 1))
          call.made_of.push_back(
              {state.parameters[storages[static_cast<std::size_t>(r.in[i].storage)].index]});
      calls.push_back(std::move(call));
    }
    for (std::size_t i = 0; i < storages.size(); ++i)
      if (storages[i].kind == Kind::constant)
        places[i].point_to(const_cast<std::byte*>(TapeAccess::storage(storages[i].constant)->data()));
    ready = true;
  }

  void take_block() {
    if (bytes >= kLarge) Storage::release_unused();  // what the recordings used: not both at once
    block = Tensor::empty({static_cast<std::int64_t>(bytes)}, DType::u8);
    auto* memory = const_cast<std::byte*>(block.raw());
    for (std::size_t i = 0; i < storages.size(); ++i)
      if (storages[i].kind == Kind::made && buffers[i].bytes > 0)
        places[i].point_to(memory + buffers[i].offset);
  }

  bool fits(std::span<const Tensor> inputs) const {
    if (!refusal.empty() || inputs.size() != num_inputs) return false;
    std::size_t at = 0;
    const auto same = [&](const Tensor& t) {
      const Tensor& form = forms[at++];
      return t.defined() && TapeAccess::same_form(t, form);
    };
    bool all = true;
    for (const Tensor& t : inputs) all = all && same(t);
    for (std::size_t i = 0; i < state.parameters.size(); ++i) {
      const Tensor& value = state.parameters[i]->value();
      all = all && same(value) && value.on_tape() == watched[i];
    }
    for (const Tensor* t : state.tensors) all = all && same(*t);
    return all;
  }

  void bind(std::span<const Tensor> inputs) {
    for (std::size_t i = 0; i < storages.size(); ++i) {
      const RecordedStorage& s = storages[i];
      if (s.kind == Kind::made || s.kind == Kind::constant) continue;
      const std::size_t offset = TapeAccess::offset(forms[form_of(s)]);
      places[i].point_to(const_cast<std::byte*>(outside(s, inputs).raw()) - offset);
    }
    for (Kept& k : kept) {
      if (k.memory.defined() && TapeAccess::storage(k.memory).use_count() == 1) continue;
      const std::size_t n = storages[static_cast<std::size_t>(k.storage)].bytes;
      k.memory = Tensor::empty({static_cast<std::int64_t>(n)}, DType::u8);
      places[static_cast<std::size_t>(k.storage)].point_to(const_cast<std::byte*>(k.memory.raw()));
    }
    for (RecordedCounter& c : counters) c.begin = c.counter->value();
  }

  // What kernels make of parameters that stay, as far as memory for it is well spent.
  void prepare() {
    constexpr std::size_t kMost = std::size_t{64} << 20, kGrowth = 4;  // bytes in all
    const bool other_set = prepared_for != instruction_set();
    if (other_set) prepared_for = instruction_set();
    std::size_t used = 0;
    for (Call& c : calls) {
      if (c.made_of.empty()) continue;
      bool changed = other_set;
      std::size_t most = 0;
      for (Call::Source& s : c.made_of) {
        changed = changed || s.version != s.parameter->version();
        s.version = s.parameter->version();
        most += kGrowth * static_cast<std::size_t>(s.parameter->size()) * size_of(s.parameter->dtype());
      }
      if (changed) {
        c.prepared = Tensor();
        if (used + most <= kMost)
          c.prepared = c.slot->prepare(
              {{c.in.data(), c.in.size()}, {c.out.data(), c.out.size()}, c.attributes, c.constant});
      }
      if (c.prepared.defined()) used += TapeAccess::storage(c.prepared)->bytes();
    }
  }

  void run_calls() {
    std::size_t at = 0;
    try {
      for (; at < calls.size(); ++at) {
        Call& c = calls[at];
        if (c.counter >= 0)
          c.attributes.set_number_at(
              c.op->counter,
              static_cast<std::uint64_t>(counters[static_cast<std::size_t>(c.counter)].begin + c.ahead));
        const std::span<const Tensor> in(c.in.data(), c.in.size());
        if (c.checks_values) c.op->infer({in, c.attributes, c.op->name});
        const KernelArgs k{in, {c.out.data(), c.out.size()}, c.attributes, c.constant};
        if (c.prepared.defined())
          c.slot->run_prepared(k, c.prepared);
        else
          (c.slot ? c.slot->run : c.op->cpu)(k);
      }
    } catch (Error& e) {
      if (calls[at].place) e.add_place(calls[at].place->text());
      throw;
    }
  }

  // A tensor that outlives the run, on memory that is really its own.
  Tensor taken_out(const Operand& o, std::span<const Tensor> inputs) const {
    if (o.storage < 0) return {};
    const RecordedStorage& s = storages[static_cast<std::size_t>(o.storage)];
    if (s.kind == Kind::constant) return TapeAccess::on_storage(o.form, TapeAccess::storage(s.constant));
    if (s.kind == Kind::made) {
      for (const Kept& k : kept)
        if (k.storage == o.storage) return TapeAccess::on_storage(o.form, TapeAccess::storage(k.memory));
    }
    const Tensor& now = outside(s, inputs);
    return TapeAccess::moved(TapeAccess::on_storage(o.form, TapeAccess::storage(now)),
                             TapeAccess::offset(now) - TapeAccess::offset(forms[form_of(s)]));
  }
};

Replay::Replay(std::unique_ptr<Plan> plan) : plan_(std::move(plan)) {}
Replay::Replay(Replay&&) noexcept = default;
Replay& Replay::operator=(Replay&&) noexcept = default;
Replay::~Replay() = default;

const std::string& Replay::refusal() const { return plan_->refusal; }
bool Replay::fits(std::span<const Tensor> inputs) const { return plan_->fits(inputs); }
std::size_t Replay::num_kernels() const { return plan_->recorded.size(); }
std::size_t Replay::planned_bytes() const { return plan_->bytes; }

Tensors Replay::run(std::span<const Tensor> inputs) {
  Plan& p = *plan_;
  if (!p.refusal.empty()) throw NotSupported("replay", p.refusal, "Call the function itself.");
  if (!p.fits(inputs))
    throw UsageError("replay", "the inputs or the state are not of the form that was recorded",
                     "Ask fits() first, and record again for another form.");
  if (!p.ready) p.make_ready();
  if (!p.block.defined()) p.take_block();
  block_cache::keep_large();  // as backward() does, which a replay never calls
  p.bind(inputs);
  const ManyShortLoops kernels;
  if (p.state.parameters_stay) p.prepare();
  p.run_calls();
  Tensors out;
  for (const Operand& o : p.results) out.push_back(p.taken_out(o, inputs));
  for (std::size_t i = 0; i < p.new_state.size(); ++i)
    if (p.new_state[i].storage >= 0) *p.state.tensors[i] = p.taken_out(p.new_state[i], inputs);
  for (const RecordedCounter& c : p.counters) c.counter->value() += c.taken;
  return out;
}

void Replay::rest() {
  if (plan_->bytes >= Plan::kLarge) plan_->block = Tensor();
}

bool Replay::same_as(const Replay& other) const {
  const Plan &a = *plan_, &b = *other.plan_;
  bool same = a.refusal == b.refusal && a.recorded.size() == b.recorded.size() &&
              a.storages.size() == b.storages.size() && a.counters.size() == b.counters.size() &&
              a.results.size() == b.results.size() && a.new_state.size() == b.new_state.size();
  for (std::size_t i = 0; same && i < a.recorded.size(); ++i) {
    const RecordedCall &x = a.recorded[i], &y = b.recorded[i];
    same = x.op == y.op && x.slot == y.slot && x.constant == y.constant && same_operands(x.in, y.in) &&
           same_operands(x.out, y.out) && same_attributes(x, y);
  }
  for (std::size_t i = 0; same && i < a.storages.size(); ++i)
    same = same_storage(a.storages[i], b.storages[i]);
  for (std::size_t i = 0; same && i < a.counters.size(); ++i)
    same = a.counters[i].counter == b.counters[i].counter && a.counters[i].taken == b.counters[i].taken;
  for (std::size_t i = 0; same && i < a.results.size(); ++i) same = same_operand(a.results[i], b.results[i]);
  for (std::size_t i = 0; same && i < a.new_state.size(); ++i)
    same = same_operand(a.new_state[i], b.new_state[i]);
  return same;
}

struct RecordingAccess {
  static Replay make(std::unique_ptr<Replay::Plan> plan) { return Replay(std::move(plan)); }
  static std::unique_ptr<Replay::Plan> plan() { return std::make_unique<Replay::Plan>(); }
};

bool replays_allowed() {
  const ThreadState& state = thread_state();
  return !state.observer && !state.recorder && !check_finite();
}

Recording record(std::span<const Tensor> inputs, ReplayState state,
                 const std::function<Tensors(std::span<const Tensor> inputs)>& function) {
  auto plan = RecordingAccess::plan();
  // The first look at a parameter draws it, which is no part of what is recorded.
  for (const Parameter* p : state.parameters) p->value();
  Recorder recorder;
  recorder.parameters_stay = state.parameters_stay;
  const block_cache::LargeLetGo let_go;
  const auto outside = [&](const Tensor& t, Kind kind, std::size_t index) {
    plan->forms.push_back(TapeAccess::without_storage(t));
    recorder.outside(t, kind, index);
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) outside(inputs[i], Kind::input, i);
  for (std::size_t i = 0; i < state.parameters.size(); ++i)
    outside(state.parameters[i]->value(), Kind::parameter, i);
  for (const Parameter* p : state.parameters) plan->watched.push_back(p->value().on_tape());
  for (std::size_t i = 0; i < state.tensors.size(); ++i) outside(*state.tensors[i], Kind::state, i);

  Tensors results = function(inputs);

  const auto operand_of = [&](const Tensor& t) -> Operand {
    if (!t.defined()) return {};
    const int at = recorder.find(t);
    if (at < 0) recorder.refuse(fmt::format("a result, {}, is not of the recorded operations", t.text()));
    return {at, TapeAccess::without_storage(t)};
  };
  for (const Tensor& t : results) plan->results.push_back(operand_of(t));
  for (std::size_t i = 0; i < state.tensors.size(); ++i) {
    Operand now = operand_of(*state.tensors[i]);
    const bool stays = now.storage >= 0 &&
                       recorder.storages[static_cast<std::size_t>(now.storage)].kind == Kind::state &&
                       recorder.storages[static_cast<std::size_t>(now.storage)].index == i;
    plan->new_state.push_back(stays ? Operand{} : std::move(now));
  }
  plan->refusal = std::move(recorder.refusal);
  plan->state = std::move(state);
  plan->num_inputs = inputs.size();
  plan->recorded = std::move(recorder.calls);
  plan->storages = std::move(recorder.storages);
  plan->counters = std::move(recorder.counters);
  for (RecordedStorage& s : plan->storages) s.alive.reset();
  if (plan->refusal.empty()) plan->plan_buffers();
  return {std::move(results), RecordingAccess::make(std::move(plan))};
}

}  // namespace cairn
