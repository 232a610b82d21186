#include "cairn/tensor/backward.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/block_cache_internal.h"
#include "cairn/tensor/strided.h"
#include "cairn/tensor/tape_internal.h"
#include "cairn/tensor/view_ops.h"

namespace cairn {
namespace {

constexpr std::int64_t kGrain = 1 << 15;

class GradMode {
 public:
  explicit GradMode(bool on) : outer_(thread_state().grad) { thread_state().grad = on; }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;
  ~GradMode() { thread_state().grad = outer_; }

 private:
  bool outer_;
};

// into += more. In place when no tape and no recording must see it: copies on write see to it that nobody
// else notices.
void accumulate(Tensor& into, Tensor&& more, bool record) {
  if (!into.defined()) {
    into = std::move(more);
    return;
  }
  if (record || thread_state().recorder) {
    Tensors both{std::move(into), std::move(more)};
    into = std::move(apply_giving(kAccumulate, std::move(both))[0]);
    return;
  }
  if (!into.is_contiguous()) std::swap(into, more);
  const Tensor other = dense(more);
  const auto add = [&](auto zero) {
    using T = decltype(zero);
    T* to = into.mutable_data<T>().data();
    const T* from = other.data<T>().data();
    parallel_for(into.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] += from[i];
    });
  };
  into.dtype() == DType::f32 ? add(float{}) : add(double{});
}

using NodePtr = std::shared_ptr<TapeNode>;

}  // namespace

// One walk. The first pass counts how many gradients each node will get; the second takes the nodes whose
// count has come down to none, the youngest first, so a leaf is ready as early as it can be.
struct BackwardRun {
  struct Work {
    NodePtr node;
    SmallVector<Tensor, 1> grads;  // one an output
    Tensor again;                  // its first output, made again for those who need it and are still to come
    int pending = 0;
  };
  template <class T>
  using List = std::vector<T, block_cache::Allocator<T>>;

  bool keep = false;
  const BackwardOptions* options = nullptr;
  SmallVector<NodePtr> stops;  // taken for leaves though operations made them
  List<Work> works;
  std::unordered_map<const TapeNode*, std::size_t, std::hash<const TapeNode*>, std::equal_to<>,
                     block_cache::Allocator<std::pair<const TapeNode* const, std::size_t>>>
      index;
  List<std::pair<std::uint64_t, std::size_t>> ready;  // a heap: (order, work)
  Gradients result;

  bool is_end(const NodePtr& node) const {
    return !node->op || std::find(stops.begin(), stops.end(), node) != stops.end();
  }

  std::size_t find(const NodePtr& node, List<std::size_t>& open) {
    const auto [at, is_new] = index.try_emplace(node.get(), works.size());
    if (is_new) {
      if (node->used_up)
        throw UsageError("backward",
                         fmt::format("the tape of '{}' was used up by an earlier backward()", node->op->name),
                         "Give the earlier one keep_tape = true, or compute the loss again.");
      works.push_back({node, {}, {}, 0});
      works.back().grads.resize(node->op ? node->output_specs.size() : 1);
      if (!is_end(node)) open.push_back(at->second);
    }
    return at->second;
  }

  // Gradients of the given tensors are `seeds`.
  void run(std::span<const Tensor> from, std::span<const Tensor> seeds) {
    if (!thread_state().recorder) block_cache::keep_large();  // a recorded step is not taken again as it is
    List<std::size_t> open, roots;
    for (const Tensor& t : from)
      if (t.on_tape()) roots.push_back(find(TapeAccess::node(t), open));
    while (!open.empty()) {
      const NodePtr node = works[open.back()].node;
      open.pop_back();
      for (const TapeNode::Edge& e : node->inputs)
        if (e.node) ++works[find(e.node, open)].pending;
    }
    const GradMode mode(keep);
    for (std::size_t i = 0; i < from.size(); ++i)
      if (from[i].on_tape() && seeds[i].defined())
        accumulate(works[index.at(TapeAccess::node(from[i]).get())].grads[TapeAccess::output(from[i])],
                   Tensor(seeds[i]), keep);
    std::sort(roots.begin(), roots.end());
    roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
    for (const std::size_t r : roots)
      if (works[r].pending == 0) set_ready(r);
    while (!ready.empty()) {
      std::pop_heap(ready.begin(), ready.end());
      const std::size_t w = ready.back().second;
      ready.pop_back();
      step(w);
    }
    std::sort(
        result.entries_.begin(), result.entries_.end(),
        [](const Gradients::Entry& a, const Gradients::Entry& b) { return a.leaf->order < b.leaf->order; });
  }

  void set_ready(std::size_t w) {
    Work& work = works[w];
    if (!is_end(work.node)) {
      ready.emplace_back(work.node->order, w);
      std::push_heap(ready.begin(), ready.end());
      return;
    }
    Tensor& gradient = work.grads[0];
    if (!gradient.defined()) return;
    if (options && options->on_ready)
      options->on_ready(work.node->place ? std::string_view(work.node->place->name) : std::string_view(),
                        gradient);
    result.entries_.push_back({work.node, std::move(gradient)});
  }

  void step(std::size_t w) {
    const NodePtr node = works[w].node;
    SmallVector<Tensor, 1> grads = std::move(works[w].grads);
    const ModuleScope scope(node->place);
    node->used_up = !keep;  // first of all: what an error leaves of it is no tape
    const bool any = std::any_of(grads.begin(), grads.end(), [](const Tensor& g) { return g.defined(); });
    if (any && options && options->on_operation)
      options->on_operation(node->place, {grads.data(), grads.size()});
    Tensors more = any ? gradients_of_inputs(node, grads) : Tensors(node->inputs.size());
    CAIRN_ASSERT(more.size() == node->inputs.size());
    for (std::size_t i = 0; i < more.size(); ++i) {
      const TapeNode::Edge& e = node->inputs[i];
      if (!e.node) continue;
      const std::size_t target = index.at(e.node.get());
      if (more[i].defined()) {
        CAIRN_ASSERT(more[i].shape() == node->input_specs[i].shape &&
                     more[i].dtype() == node->input_specs[i].dtype);
        accumulate(works[target].grads[e.output], std::move(more[i]), keep);
      }
      if (--works[target].pending == 0) set_ready(target);
    }
    works[w].again = Tensor();
    if (keep) return;
    node->saved.clear();
    node->inputs.clear();
    works[w].node.reset();
  }

  // What a node kept, and which of its inputs want a gradient.
  struct Kept {
    Tensors in, out;
    Saves saves;
    SmallVector<bool, 8> wanted;
    VjpArgs args(const TapeNode& node, std::span<Tensor> grads) {
      return {{in.data(), in.size()},
              {out.data(), out.size()},
              grads,
              {wanted.data(), wanted.size()},
              {node.input_specs.data(), in.size()},
              {node.output_specs.data(), out.size()},
              node.attributes};
    }
  };
  // `once`: it is not needed again.
  static Kept take(const NodePtr& node, bool once) {
    const std::size_t n = node->inputs.size();
    Kept kept{Tensors(n), Tensors(node->output_specs.size()), saves_of(*node->op, node->attributes, n),
              SmallVector<bool, 8>(n)};
    std::size_t at = 0;
    const auto next = [&] { return once ? std::move(node->saved[at++]) : node->saved[at++]; };
    for (std::size_t i = 0; i < n; ++i) {
      kept.wanted[i] = node->inputs[i].node != nullptr;
      if (kept.saves.input(i)) kept.in[i] = next();
    }
    for (std::size_t i = 0; i < kept.out.size(); ++i)
      if (kept.saves.output(i)) kept.out[i] = next();
    return kept;
  }

  Tensors gradients_of_inputs(const NodePtr& node, SmallVector<Tensor, 1>& grads) {
    const OpDef& op = *node->op;
    Kept kept = take(node, !keep);
    for (std::size_t i = 0; i < kept.in.size(); ++i) {
      const TapeNode::Edge& e = node->inputs[i];
      if (!kept.saves.input(i)) continue;
      if (!kept.in[i].defined()) kept.in[i] = output_of(e.node);
      if (keep) TapeAccess::attach(kept.in[i], e.node, e.output);
    }
    for (std::size_t i = 0; keep && i < kept.out.size(); ++i)
      if (kept.out[i].defined() && is_floating(kept.out[i].dtype()))
        TapeAccess::attach(kept.out[i], node, static_cast<std::uint8_t>(i));
    if (!op.vjp) return through_composed(*node, kept.in, grads);
    return op.vjp(kept.args(*node, {grads.data(), grads.size()}));
  }

  // The first output of a node that others did not keep. The last of them takes it away.
  Tensor output_of(const NodePtr& node) {
    const std::size_t w = index.at(node.get());
    Tensor y = std::move(works[w].again);
    if (!y.defined()) {
      CAIRN_ASSERT(node->op && node->op->again);
      const GradMode mode(false);
      Kept kept = take(node, false);
      for (std::size_t i = 0; i < kept.in.size(); ++i)
        if (kept.saves.input(i) && !kept.in[i].defined()) kept.in[i] = output_of(node->inputs[i].node);
      y = node->op->again(kept.args(*node, {}));
    }
    if (works[w].pending > 1) works[w].again = y;
    return y;
  }

  // A fused operation: its composed form runs again, now recorded, and is walked back to its inputs.
  Tensors through_composed(const TapeNode& node, Tensors& in, const SmallVector<Tensor, 1>& grads) const {
    BackwardRun inner;
    inner.keep = keep;
    Tensors out;
    {
      const GradMode mode(true);
      for (std::size_t i = 0; i < in.size(); ++i) {
        if (!node.inputs[i].node) continue;
        in[i] = keep ? apply_one(kAlias, {in[i]}) : watched(in[i]);
        inner.stops.push_back(TapeAccess::node(in[i]));
      }
      out = node.op->composed({{in.data(), in.size()}, node.attributes, node.op->name});
    }
    inner.run({out.data(), out.size()}, {grads.data(), grads.size()});
    Tensors result_of_inputs(in.size());
    for (std::size_t i = 0; i < in.size(); ++i)
      for (const Gradients::Entry& e : inner.result.entries_)
        if (node.inputs[i].node && e.leaf == TapeAccess::node(in[i])) result_of_inputs[i] = e.gradient;
    return result_of_inputs;
  }
};

Gradients backward(const Tensor& loss, const BackwardOptions& options) {
  if (!loss.on_tape())
    throw UsageError("backward", "no watched tensor leads to the loss",
                     "Watch the parameters with watched(), and compute the loss outside of NoGrad.");
  Tensor seed = options.gradient;
  if (!seed.defined()) {
    if (loss.size() != 1)
      throw ShapeError("backward", fmt::format("the loss is {}; it must be one number", loss.text()),
                       "Reduce it with sum() or mean().");
    seed = Tensor::full(loss.shape(), 1, loss.dtype());
  }
  if (!(seed.shape() == loss.shape()) || seed.dtype() != loss.dtype())
    throw ShapeError("backward",
                     fmt::format("the gradient given is {} and the loss is {}; they must be alike",
                                 seed.text(), loss.text()));
  BackwardRun run;
  run.keep = options.keep_tape;
  run.options = &options;
  run.run({&loss, 1}, {&seed, 1});
  return std::move(run.result);
}

const Tensor& Gradients::of(const Tensor& leaf) const {
  const NodePtr& node = TapeAccess::node(leaf);
  if (!node || node->op)
    throw UsageError("gradients", fmt::format("{} is not a watched tensor", leaf.text()),
                     "Only what watched() returned has a gradient here.");
  auto at = std::lower_bound(entries_.begin(), entries_.end(), node->order,
                             [](const Entry& e, std::uint64_t order) { return e.leaf->order < order; });
  for (; at != entries_.end() && at->leaf->order == node->order; ++at)
    if (at->leaf == node) return at->gradient;
  static const Tensor none;
  return none;
}

Gradients Gradients::from(std::span<const Tensor> leaves, std::span<const Tensor> gradients) {
  CAIRN_ASSERT(leaves.size() == gradients.size());
  Gradients r;
  r.entries_.reserve(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const NodePtr& node = TapeAccess::node(leaves[i]);
    if (!node || node->op)
      throw UsageError("gradients", fmt::format("{} is not a watched tensor", leaves[i].text()));
    r.entries_.push_back({node, gradients[i]});
  }
  std::stable_sort(r.entries_.begin(), r.entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.leaf->order < b.leaf->order; });
  return r;
}

Gradients& Gradients::operator+=(const Gradients& more) {
  for (const Entry& e : more.entries_) {
    const auto at = std::find_if(entries_.begin(), entries_.end(),
                                 [&](const Entry& mine) { return mine.leaf == e.leaf; });
    if (at == entries_.end())
      entries_.push_back(e);
    else
      accumulate(at->gradient, Tensor(e.gradient), at->gradient.on_tape() || e.gradient.on_tape());
  }
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.leaf->order < b.leaf->order; });
  return *this;
}

}  // namespace cairn
