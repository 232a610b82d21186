#include "cairn/tensor/tensor.h"

#include <fmt/format.h>

#include <cstring>

#include "cairn/base/error.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/block_cache_internal.h"
#include "cairn/tensor/recorder_internal.h"
#include "cairn/tensor/strided.h"
#include "cairn/tensor/tape_internal.h"
#include "cairn/tensor/view_ops.h"

namespace cairn {

namespace {

// Where a tensor without elements points: an address that may be moved, which the null pointer may not.
alignas(64) std::byte nothing[64];

void note_constant(const Tensor& t) {
  if (Recorder* r = thread_state().recorder) [[unlikely]]
    r->constant(t);
}
void note_touch(const Tensor& t, bool writes) {
  if (Recorder* r = thread_state().recorder) [[unlikely]]
    r->touch(t, writes);
}

}  // namespace

std::shared_ptr<Storage> Storage::allocate(std::size_t bytes) {
  auto storage = std::allocate_shared<Storage>(block_cache::Allocator<Storage>(), Key{});
  storage->data_ = bytes > 0 ? static_cast<std::byte*>(block_cache::take(bytes)) : nothing;
  storage->bytes_ = bytes;
  return storage;
}

std::shared_ptr<Storage> Storage::adopt(void* data, std::size_t bytes, std::function<void()> release) {
  auto storage = std::allocate_shared<Storage>(block_cache::Allocator<Storage>(), Key{});
  storage->data_ = bytes > 0 ? static_cast<std::byte*>(data) : nothing;
  storage->bytes_ = bytes;
  storage->release_ = std::move(release);
  return storage;
}

std::shared_ptr<Storage> Storage::borrow(std::size_t bytes) {
  auto storage = std::allocate_shared<Storage>(block_cache::Allocator<Storage>(), Key{});
  storage->data_ = nothing;
  storage->bytes_ = bytes;
  storage->borrowed_ = true;
  return storage;
}

Storage::~Storage() {
  if (release_)
    release_();
  else if (bytes_ > 0 && !borrowed_)
    block_cache::give(data_, bytes_);
}

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  Tensor t;
  t.shape_ = shape;
  t.dtype_ = dtype;
  std::int64_t stride = 1;
  for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
    t.strides_[static_cast<std::size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  t.storage_ = Storage::allocate(static_cast<std::size_t>(shape.size()) * size_of(dtype));
  return t;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype) {
  Tensor t = empty(shape, dtype);
  if (t.size() > 0) std::memset(t.storage_->data(), 0, t.storage_->bytes());
  note_constant(t);
  return t;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype) {
  Tensor t = empty(shape, dtype);
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (T& v : t.mutable_data<T>()) v = static_cast<T>(value);
  });
  note_constant(t);
  return t;
}

Tensor Tensor::adopt(const void* data, const Shape& shape, DType dtype, std::function<void()> release) {
  Tensor t = empty(Shape{0}, dtype);
  t.shape_ = shape;
  std::int64_t stride = 1;
  for (int axis = shape.ndim() - 1; axis >= 0; --axis) {
    t.strides_[static_cast<std::size_t>(axis)] = stride;
    stride *= shape[axis];
  }
  t.storage_ = Storage::adopt(
      const_cast<void*>(data), static_cast<std::size_t>(shape.size()) * size_of(dtype),
      release ? std::move(release) : [] {});
  return t;
}

Tensor Tensor::copy_of(const void* data, std::size_t count, const Shape& shape, DType dtype) {
  if (static_cast<std::int64_t>(count) != shape.size())
    throw ShapeError("tensor", fmt::format("{} values cannot fill {}", count, shape.text()));
  Tensor t = empty(shape, dtype);
  if (count > 0) std::memcpy(t.storage_->data(), data, count * size_of(dtype));
  return t;
}

bool Tensor::is_contiguous() const {
  std::int64_t expected = 1;
  for (int axis = ndim() - 1; axis >= 0; --axis) {
    if (shape_[axis] != 1 && strides_[static_cast<std::size_t>(axis)] != expected) return size() == 0;
    expected *= shape_[axis];
  }
  return true;
}

void Tensor::check_access(DType wanted, bool must_be_contiguous) const {
  if (!defined()) throw ShapeError("tensor", "an undefined tensor has no data");
  if (wanted != dtype_)
    throw DTypeError("tensor", fmt::format("{} was asked for as {}", text(), name_of(wanted)),
                     "Convert it with to().");
  if (must_be_contiguous && !is_contiguous())
    throw ShapeError("tensor", fmt::format("the view {} is not contiguous", text()),
                     "Call contiguous() first.");
  note_touch(*this, !must_be_contiguous);  // data() needs C order, mutable_data() makes it
}

void Tensor::make_unique() {
  const bool own = storage_.use_count() == 1 && !storage_->foreign();
  if (own && is_contiguous()) return;
  Tensor copy = empty(shape_, dtype_);
  copy_elements(*this, copy.storage_->data(), copy.strides_.data());
  copy.node_ = std::move(node_);
  copy.output_ = output_;
  *this = std::move(copy);
}

void Tensor::leave_tape() {
  if (node_->op) {
    node_.reset();
  } else if (node_.use_count() > 1) {  // another handle or a tape means the old values by the old leaf
    const ModulePlace* place = node_->place;
    node_ = new_node();
    node_->place = place;
  }
}

Tensor Tensor::detach() const {
  Tensor t = *this;
  t.node_.reset();
  t.output_ = 0;
  return t;
}

Tensor Tensor::slice(int axis, std::int64_t begin, std::int64_t end, std::int64_t step) const {
  return apply_one(kSlice, {*this}, SliceAttributes{axis, begin, end, step});
}

Tensor Tensor::transpose() const {
  if (ndim() != 2) throw ShapeError("transpose", fmt::format("{} is not a matrix", text()));
  return apply_one(kPermute, {*this}, PermuteAttributes{{1, 0}});
}

Tensor Tensor::reshape(const Shape& shape) const {
  return apply_one(kReshape, {*this}, ReshapeAttributes{shape});
}

Tensor Tensor::contiguous() const {
  if (!defined() || is_contiguous()) return *this;
  return apply_one(kContiguous, {*this});
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == dtype_) return *this;
  return apply_one(kCast, {*this}, CastAttributes{static_cast<std::int64_t>(dtype)});
}

double Tensor::item(std::initializer_list<std::int64_t> index) const {
  if (!defined()) throw ShapeError("item", "an undefined tensor has no elements");
  const bool scalar = index.size() == 0 && size() == 1;
  if (!scalar && static_cast<int>(index.size()) != ndim())
    throw ShapeError("item", fmt::format("{} indices do not name one element of {}", index.size(), text()));
  note_touch(*this, false);
  std::int64_t at = 0;
  int axis = 0;
  for (const std::int64_t i : index) {
    if (i < 0 || i >= shape_[axis])
      throw ShapeError("item", fmt::format("index {} is outside axis {} of {}", i, axis, text()));
    at += i * stride(axis++);
  }
  double value = 0;
  with_type(dtype_, [&](auto zero) {
    using T = decltype(zero);
    T v;
    std::memcpy(&v, raw() + at * static_cast<std::int64_t>(sizeof(T)), sizeof v);
    value = static_cast<double>(v);
  });
  return value;
}

std::string Tensor::text() const { return fmt::format("{} {}", name_of(dtype_), shape_.text()); }

}  // namespace cairn
