#include <fmt/format.h>

#include <vector>

#include "cairn/base/error.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/block_cache_internal.h"
#include "cairn/tensor/tape_internal.h"

namespace cairn {

ThreadState& thread_state() {
  constinit static thread_local ThreadState state;
  return state;
}

std::shared_ptr<TapeNode> new_node() {
  auto node = std::allocate_shared<TapeNode>(block_cache::Allocator<TapeNode>());
  node->order = ++thread_state().order;
  return node;
}

TapeNode::~TapeNode() {
  std::vector<std::shared_ptr<TapeNode>, block_cache::Allocator<std::shared_ptr<TapeNode>>> open;
  const auto take_inputs = [&](TapeNode& node) {
    for (Edge& e : node.inputs)
      if (e.node && e.node->op) open.push_back(std::move(e.node));
  };
  take_inputs(*this);
  while (!open.empty()) {
    const std::shared_ptr<TapeNode> node = std::move(open.back());
    open.pop_back();
    if (node.use_count() == 1) take_inputs(*node);  // ours alone: it goes now
  }
}

Tensor watched(const Tensor& value, std::string_view name) {
  if (!value.defined()) throw ShapeError("watched", "an undefined tensor has no values");
  if (!is_floating(value.dtype()))
    throw DTypeError("watched", fmt::format("{} has no gradient; only f32 and f64 have", value.text()),
                     "Convert it with to().");
  Tensor leaf = TapeAccess::without_node(value);
  auto node = new_node();
  node->place = name.empty() ? nullptr : find_place(nullptr, name);
  TapeAccess::attach(leaf, std::move(node), 0);
  return leaf;
}

NoGrad::NoGrad() : outer_(thread_state().grad) { thread_state().grad = false; }
NoGrad::~NoGrad() { thread_state().grad = outer_; }
bool grad_enabled() { return thread_state().grad; }

}  // namespace cairn
