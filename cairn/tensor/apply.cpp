#include "cairn/tensor/apply.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>

#include "cairn/base/error.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/finite_internal.h"
#include "cairn/tensor/recorder_internal.h"
#include "cairn/tensor/slots.h"
#include "cairn/tensor/tape_internal.h"

namespace cairn {

Tensors not_differentiable(const VjpArgs& a) { return Tensors(a.in_specs.size()); }

namespace {

bool asked_by_environment() {
  const char* value = std::getenv("CAIRN_CHECK_FINITE");
  return value && *value && std::string_view(value) != "0";
}
std::atomic<bool>& finite_flag() {
  static std::atomic<bool> flag{asked_by_environment()};
  return flag;
}

[[noreturn]] void refuse_inputs(const OpDef& op, std::span<const Tensor> in) {
  if (op.arity >= 0 ? in.size() != static_cast<std::size_t>(op.arity) : in.empty())
    throw ShapeError(op.name, op.arity >= 0
                                  ? fmt::format("{} tensors are given; it takes {}", in.size(), op.arity)
                                  : std::string("no tensor is given; it takes one or more"));
  std::size_t i = 0;
  while (i < in.size() && in[i].defined()) ++i;
  throw ShapeError(op.name, in.size() == 1 ? std::string("its tensor is undefined")
                                           : fmt::format("tensor {} of {} is undefined", i + 1, in.size()));
}

inline void check_call(const OpDef& op, std::span<const Tensor> in, const Attributes& attributes) {
  bool good = op.arity >= 0 ? in.size() == static_cast<std::size_t>(op.arity) : !in.empty();
  for (const Tensor& t : in) good = good && t.defined();
  if (!good) refuse_inputs(op, in);
  CAIRN_ASSERT(attributes.kind() == op.attributes);
}

// The fastest slot that agrees, or null.
inline const KernelSlot* fast_kernel(const OpDef& op, const KernelArgs& k) {
  if (op.slot != SlotId::none)
    for (const KernelSlot& slot : kCpuSlots[op.slot]) {
      if (slot.precision != Precision::f32 && matrix_precision() != slot.precision) continue;
      if (slot.supports(k)) return &slot;
    }
  return nullptr;
}

inline TensorSpecs infer(const OpDef& op, const OpArgs& args, Recorder* recorder) {
  const Recorder::Looking looking(recorder);
  return op.infer(args);
}

// The input in whose memory result i goes, or null. `given` is empty or all inputs, held by nobody but the
// caller.
const Tensor* place_of(const OpDef& op, std::size_t i, std::span<const Tensor> given, const TensorSpec& spec,
                       const Recorder* recorder) {
  if (given.empty() || i >= op.over.size() || op.over[i] < 0) return nullptr;
  const Tensor& t = given[static_cast<std::size_t>(op.over[i])];
  const auto& storage = TapeAccess::storage(t);
  // In a replay, what was an input, a parameter or state of the recording is somebody else's.
  const bool ours = storage.use_count() == 1 && !storage->foreign() && (!recorder || recorder->is_made(t));
  return ours && t.shape() == spec.shape && t.dtype() == spec.dtype && t.is_contiguous() ? &t : nullptr;
}

Tensors compute(const OpDef& op, const OpArgs& args, Recorder* recorder, std::span<const Tensor> given) {
  if (op.view) {
    infer(op, args, recorder);
    Tensors out = op.view(args);
    if (recorder) [[unlikely]]
      recorder->view(args.in[0], out[0]);
    return out;
  }
  const TensorSpecs specs = infer(op, args, recorder);
  bool fast = op.cpu != nullptr;
  if (!fast && op.slot != SlotId::none) fast = !kCpuSlots[op.slot].empty();
  if (fast) {
    Tensors out;
    std::array<const Tensor*, std::tuple_size_v<Over>> places{};  // as many as .over speaks of
    for (std::size_t i = 0; i < specs.size(); ++i) {
      const Tensor* const place = place_of(op, i, given, specs[i], recorder);
      if (place) places[i] = place;
      out.push_back(place ? TapeAccess::lent(*place, specs[i])
                          : Tensor::empty(specs[i].shape, specs[i].dtype));
    }
    const KernelArgs k{
        args.in, {out.data(), out.size()}, args.attributes, recorder ? recorder->constants(args.in) : 0};
    const KernelSlot* slot = fast_kernel(op, k);
    if (slot || op.cpu) {  // else the operation has its composed form alone
      if (recorder) [[unlikely]]
        recorder->run(op, slot, k);
      else
        (slot ? slot->run : op.cpu)(k);
      for (std::size_t i = 0; i < std::min(out.size(), places.size()); ++i)
        if (places[i]) out[i] = TapeAccess::on_storage(out[i], TapeAccess::storage(*places[i]));
      return out;
    }
  }
  const NoGrad no_grad;  // one node for the whole, below
  return op.composed(args);
}

// Smaller ones stay in the caches: to make them again would cost more than it frees.
constexpr std::int64_t kMadeAgain = std::int64_t{1} << 20;  // bytes

// Whether the node of t makes it again on the way back.
bool made_again(const Tensor& t) {
  const auto& node = TapeAccess::node(t);
  return node && node->op && node->op->again && TapeAccess::output(t) == 0 &&
         t.size() * static_cast<std::int64_t>(size_of(t.dtype())) >= kMadeAgain &&
         !saves_of(*node->op, node->attributes, node->inputs.size())
              .output(0);  // else it is kept there anyway
}

void record(const OpDef& op, const OpArgs& args, Tensors& out, ThreadState& state) {
  std::shared_ptr<TapeNode> node = new_node();
  TapeNode& n = *node;
  n.op = &op;
  n.attributes = args.attributes;
  n.place = state.place;
  n.inputs.reserve(args.in.size());
  n.input_specs.reserve(args.in.size());
  std::uint64_t order = n.order;
  const Saves saves = saves_of(op, args.attributes, args.in.size());
  for (std::size_t i = 0; i < args.in.size(); ++i) {
    const Tensor& t = args.in[i];
    const auto& from = TapeAccess::node(t);
    n.inputs.push_back({from, TapeAccess::output(t)});
    n.input_specs.push_back({t.shape(), t.dtype()});
    if (from && from->order >= order) order = from->order + 1;  // it was recorded by another thread
    if (saves.input(i)) n.saved.push_back(made_again(t) ? Tensor() : TapeAccess::without_node(t));
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    n.output_specs.push_back({out[i].shape(), out[i].dtype()});
    if (saves.output(i)) n.saved.push_back(TapeAccess::without_node(out[i]));
  }
  n.order = state.order = order;
  for (std::size_t i = 0; i < out.size(); ++i)
    if (is_floating(out[i].dtype())) TapeAccess::attach(out[i], node, static_cast<std::uint8_t>(i));
}

inline bool wants_record(const OpDef& op, std::span<const Tensor> in, const Tensors& out,
                         const ThreadState& state) {
  if (!state.grad || op.vjp == &not_differentiable) return false;
  bool from = false, to = false;
  for (const Tensor& t : in) from = from || t.on_tape();
  if (!from) return false;
  for (const Tensor& t : out) to = to || is_floating(t.dtype());
  return to;
}

}  // namespace

Saves saves_of(const OpDef& op, const Attributes& attributes, std::size_t inputs) {
  if (!op.vjp) return {.inputs = kAllInputs};
  return op.saves_for ? op.saves_for(attributes, inputs) : op.saves;
}

struct ObserverCalls {
  static void begin(const ApplyObserver* o, const OpDef& op, const OpArgs& a) {
    for (; o; o = o->outer_) const_cast<ApplyObserver*>(o)->begin(op, a.in, a.attributes);
  }
  static void end(const ApplyObserver* o, const OpDef& op, const OpArgs& a, std::span<const Tensor> out) {
    for (; o; o = o->outer_) const_cast<ApplyObserver*>(o)->end(op, a.in, out, a.attributes);
  }
};

namespace {

Tensors apply_checked(const OpDef& op, std::span<const Tensor> in, const Attributes& attributes,
                      std::span<const Tensor> given) {
  ThreadState& state = thread_state();
  const OpArgs args{in, attributes, op.name};
  ++state.depth;
  try {
    check_call(op, in, attributes);
    if (state.observer) [[unlikely]]
      ObserverCalls::begin(state.observer, op, args);
    Tensors out = compute(op, args, state.recorder, given);
    if (finite_flag().load(std::memory_order_relaxed)) [[unlikely]]
      check_finite_result(op, in, {out.data(), out.size()});
    if (wants_record(op, in, out, state)) {
      record(op, args, out, state);
    } else {
      for (Tensor& t : out)
        if (t.on_tape()) TapeAccess::attach(t, nullptr, 0);
    }
    if (state.observer) [[unlikely]]
      ObserverCalls::end(state.observer, op, args, {out.data(), out.size()});
    --state.depth;
    return out;
  } catch (Error& e) {
    if (--state.depth == 0 && state.place) e.add_place(state.place->text());
    throw;
  } catch (...) {
    --state.depth;
    throw;
  }
}

}  // namespace

Tensors apply(const OpDef& op, std::span<const Tensor> in, const Attributes& attributes) {
  return apply_checked(op, in, attributes, {});
}

Tensors apply_giving(const OpDef& op, Tensors inputs, const Attributes& attributes) {
  const std::span<const Tensor> in(inputs.data(), inputs.size());
  const ThreadState& state = thread_state();
  bool seen = state.observer || check_finite();  // by who looks at the inputs when the result is there
  for (const Tensor& t : in) seen = seen || (state.grad && t.on_tape());
  return apply_checked(op, in, attributes, seen ? std::span<const Tensor>() : in);
}

Tensor apply_one(const OpDef& op, std::span<const Tensor> inputs, const Attributes& attributes) {
  return std::move(apply(op, inputs, attributes)[0]);
}

const char* chosen_kernel(const OpDef& op, std::span<const Tensor> in, const Attributes& attributes) {
  check_call(op, in, attributes);
  if (op.view) return "view";
  Tensors out;
  for (const TensorSpec& s : op.infer({in, attributes, op.name}))
    out.push_back(Tensor::empty(s.shape, s.dtype));
  if (const KernelSlot* slot = fast_kernel(op, {in, {out.data(), out.size()}, attributes})) return slot->name;
  return op.cpu ? "reference" : "composed";
}

ApplyObserver::ApplyObserver() : outer_(thread_state().observer) { thread_state().observer = this; }
ApplyObserver::~ApplyObserver() { thread_state().observer = outer_; }
bool observed() { return thread_state().observer != nullptr; }

void set_check_finite(bool on) { finite_flag() = on; }
bool check_finite() { return finite_flag(); }

}  // namespace cairn
