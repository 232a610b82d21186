// Private to tensor/: what apply() records and backward() walks.
#pragma once

#include <cstdint>
#include <memory>

#include "cairn/tensor/module_path.h"
#include "cairn/tensor/op.h"
#include "cairn/tensor/precision.h"

namespace cairn {

struct TapeNode {
  struct Edge {
    std::shared_ptr<TapeNode> node;  // null: no gradient flows there
    std::uint8_t output = 0;
  };

  TapeNode() = default;
  TapeNode(const TapeNode&) = delete;
  TapeNode& operator=(const TapeNode&) = delete;
  ~TapeNode();  // without recursion: a tape may be a million operations long

  const OpDef* op = nullptr;  // null: a leaf
  Attributes attributes;
  SmallVector<Edge, 2> inputs;
  SmallVector<TensorSpec, 2> input_specs;
  SmallVector<TensorSpec, 1> output_specs;
  // Those inputs, then those outputs that saves_of() names, without their nodes; undefined where the node of
  // the input makes it again.
  SmallVector<Tensor, 2> saved;
  std::uint64_t order = 0;  // larger than its inputs'; counts up within a thread
  const ModulePlace* place = nullptr;
  bool used_up = false;  // backward has let the saved values go
};

// The state of a thread: grad mode, precision, the module path, what watches apply(). The only mutable
// globals.
class ApplyObserver;
class Recorder;
struct ThreadState {
  const ModulePlace* place = nullptr;
  ApplyObserver* observer = nullptr;
  Recorder* recorder = nullptr;
  std::uint64_t order = 0;
  int depth = 0;  // apply() within apply()
  bool grad = true;
  Precision precision = Precision::f32;
};
ThreadState& thread_state();

struct TapeAccess {
  static const std::shared_ptr<TapeNode>& node(const Tensor& t) { return t.node_; }
  static std::uint8_t output(const Tensor& t) { return t.output_; }
  static void attach(Tensor& t, std::shared_ptr<TapeNode> node, std::uint8_t output) {
    t.node_ = std::move(node);
    t.output_ = output;
  }
  static Tensor without_node(const Tensor& t) {
    Tensor r;
    r.storage_ = t.storage_;
    r.offset_ = t.offset_;
    r.shape_ = t.shape_;
    r.strides_ = t.strides_;
    r.dtype_ = t.dtype_;
    return r;
  }
  static const std::shared_ptr<Storage>& storage(const Tensor& t) { return t.storage_; }
  static std::size_t offset(const Tensor& t) { return t.offset_; }  // bytes
  // The form alone, and a form on a storage.
  static Tensor without_storage(const Tensor& t) {
    Tensor r = without_node(t);
    r.storage_.reset();
    return r;
  }
  static Tensor on_storage(const Tensor& form, std::shared_ptr<Storage> storage) {
    Tensor r = without_node(form);
    r.storage_ = std::move(storage);
    return r;
  }
  static Tensor moved(Tensor t, std::size_t bytes) {
    t.offset_ += bytes;
    return t;
  }
  static Tensor c_order(const Tensor& form, const Shape& shape) {
    Tensor r = without_node(form);
    r.shape_ = shape;
    std::int64_t stride = 1;
    for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
      r.strides_[static_cast<std::size_t>(axis)] = stride;
      stride *= shape[axis];
    }
    return r;
  }
  static bool same_form(const Tensor& a, const Tensor& b) {
    bool same = a.shape_ == b.shape_ && a.dtype_ == b.dtype_;
    for (int i = 0; same && i < a.ndim(); ++i) same = a.shape_[i] == 1 || a.stride(i) == b.stride(i);
    return same;
  }
  // What infer promised, in the memory of t: no owner of it, so that t is left alone when it is written.
  static Tensor lent(const Tensor& t, const TensorSpec& spec) {
    auto place = Storage::borrow(t.storage_->bytes());
    place->point_to(t.storage_->data());
    return on_storage(c_order(t, spec.shape), std::move(place));
  }
  // A view of another's memory: the same storage under another shape, strides and offset (in elements).
  static Tensor view(const Tensor& base, const Shape& shape, const std::int64_t* strides,
                     std::int64_t offset) {
    Tensor t;
    t.storage_ = base.storage_;
    t.dtype_ = base.dtype_;
    t.shape_ = shape;
    for (int i = 0; i < shape.ndim(); ++i) t.strides_[static_cast<std::size_t>(i)] = strides[i];
    t.offset_ =
        base.offset_ + static_cast<std::size_t>(offset * static_cast<std::int64_t>(size_of(base.dtype_)));
    return t;
  }
};

// What backward needs of a call.
Saves saves_of(const OpDef& op, const Attributes& attributes, std::size_t inputs);

std::shared_ptr<TapeNode> new_node();  // a leaf so far; its memory comes from the cache of blocks

}  // namespace cairn
