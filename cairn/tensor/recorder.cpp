#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/tensor/recorder_internal.h"
#include "cairn/tensor/view_ops.h"

namespace cairn {

Recorder::Recorder() {
  if (thread_state().recorder)
    throw UsageError("record", "a recording stands already; recordings do not nest");
  thread_state().recorder = this;
}
Recorder::~Recorder() { thread_state().recorder = nullptr; }

void Recorder::refuse(std::string why) {
  if (refusal.empty()) refusal = std::move(why);
}

int Recorder::find(const Tensor& t) const {
  const auto at = index_.find(TapeAccess::storage(t).get());
  return at == index_.end() ? -1 : at->second;
}

bool Recorder::is_made(const Tensor& t) const {
  const int at = find(t);
  return at >= 0 && storages[static_cast<std::size_t>(at)].kind == RecordedStorage::Kind::made;
}

void Recorder::outside(const Tensor& t, RecordedStorage::Kind kind, std::size_t index) {
  if (!t.defined()) return;
  const auto& storage = TapeAccess::storage(t);
  if (!index_.try_emplace(storage.get(), static_cast<int>(storages.size())).second)
    return refuse(
        fmt::format("{} shares its memory with another input, parameter or tensor of the state", t.text()));
  RecordedStorage s{
      .kind = kind, .index = index, .bytes = storage->bytes(), .constant = {}, .alive = storage};
  if (kind == RecordedStorage::Kind::constant) s.constant = t;
  storages.push_back(std::move(s));
}

void Recorder::constant(const Tensor& t) {
  outside(TapeAccess::without_node(t), RecordedStorage::Kind::constant, 0);
}

Operand Recorder::made(const Tensor& t) {
  const auto& storage = TapeAccess::storage(t);
  const auto at = static_cast<int>(storages.size());
  CAIRN_ASSERT(index_.try_emplace(storage.get(), at).second);
  storages.push_back({.bytes = storage->bytes(),
                      .made_at = calls.size(),
                      .last = calls.size(),
                      .constant = {},
                      .alive = storage});
  return {at, TapeAccess::without_storage(t)};
}

Operand Recorder::operand(const OpDef& op, const Tensor& t) {
  const int at = find(t);
  if (at < 0)
    refuse(fmt::format("{} takes {}, which was made outside of the step and is neither an input nor state",
                       op.name, t.text()));
  else
    storages[static_cast<std::size_t>(at)].last = calls.size();
  return {at, TapeAccess::without_storage(t)};
}

std::uint32_t Recorder::constants(std::span<const Tensor> in) const {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; parameters_stay && i < std::min<std::size_t>(in.size(), 32); ++i) {
    const int at = find(in[i]);
    if (at >= 0 && storages[static_cast<std::size_t>(at)].kind == RecordedStorage::Kind::parameter)
      bits |= 1U << i;
  }
  return bits;
}

void Recorder::run(const OpDef& op, const KernelSlot* slot, const KernelArgs& args) {
  {
    const Looking looking(this);
    (slot ? slot->run : op.cpu)(args);
  }
  if (!refusal.empty()) return;
  RecordedCall call{.op = &op,
                    .slot = slot,
                    .constant = args.constant,
                    .attributes = args.attributes,
                    .in = {},
                    .out = {},
                    .place = thread_state().place};
  for (const Tensor& t : args.in) {
    call.in.push_back(operand(op, t));
    call.checks_values = call.checks_values || !is_floating(t.dtype());
  }
  for (std::size_t i = 0; i < args.out.size(); ++i) {
    const Tensor& t = args.out[i];
    const bool may = i < op.over.size() && op.over[i] >= 0;
    const Tensor* const under = may ? &args.in[static_cast<std::size_t>(op.over[i])] : nullptr;
    const bool lies_over = under && t.size() > 0 && under->raw() == t.raw();
    call.out.push_back(lies_over ? Operand{find(*under), TapeAccess::without_storage(t)} : made(t));
  }
  bind_counter(call);
  calls.push_back(std::move(call));
}

// A view costs nothing at a run; one that had to copy is a kernel of its own.
void Recorder::view(const Tensor& in, const Tensor& out) {
  if (!refusal.empty() || find(out) >= 0) return;
  if (!in.defined() || TapeAccess::storage(in) == TapeAccess::storage(out)) return;
  RecordedCall call{.op = &kContiguous, .attributes = {}, .in = {}, .out = {}, .place = thread_state().place};
  call.in.push_back(operand(kContiguous, in));
  Operand to = made(out);
  to.form = TapeAccess::c_order(to.form, in.shape());
  call.out.push_back(std::move(to));
  calls.push_back(std::move(call));
}

void Recorder::count(StepCounter& counter, std::uint64_t value) {
  pending_ = -1;
  for (std::size_t i = 0; i < counters.size(); ++i)
    if (counters[i].counter == &counter) pending_ = static_cast<int>(i);
  if (pending_ < 0) {
    pending_ = static_cast<int>(counters.size());
    counters.push_back({&counter, static_cast<std::int64_t>(value), 0});
  }
  ++counters[static_cast<std::size_t>(pending_)].taken;
}

// The forward operation comes right after its number was taken; its gradient has the same attributes.
void Recorder::bind_counter(RecordedCall& call) {
  if (call.op->counter < 0) return;
  const auto value = static_cast<std::int64_t>(call.attributes.number_at(call.op->counter));
  int found = -1;
  for (const RecordedCall& earlier : calls)
    if (earlier.op == call.op && earlier.attributes.same_bytes(call.attributes)) {
      if (found >= 0 && found != earlier.counter)
        return refuse(fmt::format("two counters give {} the same random numbers", call.op->name));
      found = earlier.counter;
    }
  if (pending_ >= 0) {
    const RecordedCounter& c = counters[static_cast<std::size_t>(pending_)];
    if (value == c.begin + c.taken - 1) {
      if (found >= 0 && found != pending_)
        return refuse(fmt::format("two counters give {} the same random numbers", call.op->name));
      found = pending_;
    }
    pending_ = -1;
  }
  if (found < 0)
    return refuse(
        fmt::format("{} is given its counter as a plain number, so every run would draw the same "
                    "random numbers; take it from a StepCounter",
                    call.op->name));
  call.counter = found;
  call.ahead = value - counters[static_cast<std::size_t>(found)].begin;
}

void Recorder::touch(const Tensor& t, bool writes) {
  if (looking_ > 0) return;
  const int at = find(t);
  if (at < 0) return;
  if (!writes && storages[static_cast<std::size_t>(at)].kind == RecordedStorage::Kind::constant) return;
  refuse(fmt::format("the program {} the values of {}; a run has other values", writes ? "writes" : "reads",
                     t.text()));
}

std::uint64_t StepCounter::take() {
  const auto value = static_cast<std::uint64_t>(value_++);
  if (Recorder* r = thread_state().recorder) r->count(*this, value);
  return value;
}

}  // namespace cairn
