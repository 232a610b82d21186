// The one array type of the library: a logically immutable handle on shared storage, seen through a shape and
// strides.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cairn/tensor/dtype.h"
#include "cairn/tensor/shape.h"

namespace cairn {

// Memory with an owner: allocated here (64-byte aligned), or foreign (a mapped file, NumPy, DLPack) with its
// release.
class Storage {
  struct Key {};  // only the functions below make one

 public:
  explicit Storage(Key) {}
  static std::shared_ptr<Storage> allocate(
      std::size_t bytes);  // uninitialised; ResourceError when there is none
  static std::shared_ptr<Storage> adopt(void* data, std::size_t bytes, std::function<void()> release);
  // A place in memory that somebody else keeps, and that may be moved: what replays work on.
  static std::shared_ptr<Storage> borrow(std::size_t bytes);
  void point_to(std::byte* data) { data_ = data; }  // of borrowed memory only
  // Memory comes from a cache of freed blocks; those above 64 KiB stay in it from the first backward()
  // on. How often the system had to be asked, in all threads, and giving back to it all that was freed, where
  // that is 1 MiB or more: between stages of which the next needs pieces of other sizes.
  static std::int64_t system_allocations();
  static void release_unused();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  ~Storage();
  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  bool foreign() const { return static_cast<bool>(release_); }
  Device device() const { return device_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::function<void()> release_;
  bool borrowed_ = false;
  Device device_ = Device::cpu;
};

struct TapeNode;  // how a tensor came about, when a gradient may be wanted: tape_internal.h

class Tensor {
 public:
  Tensor() = default;  // undefined: defined() is false

  static Tensor empty(const Shape& shape, DType dtype);  // uninitialised
  static Tensor zeros(const Shape& shape, DType dtype);
  static Tensor full(const Shape& shape, double value, DType dtype);
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape) {
    return copy_of(values.data(), values.size(), shape, kDTypeOf<T>);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values) {
    return copy_of(values.data(), values.size(), Shape{static_cast<std::int64_t>(values.size())},
                   kDTypeOf<T>);
  }
  // Takes over a vector's memory without a copy; 1-D.
  template <class T>
  static Tensor take(std::vector<T>&& values);
  // Sees foreign, C-ordered memory; `release` is called when the last handle goes. Never written to.
  static Tensor adopt(const void* data, const Shape& shape, DType dtype, std::function<void()> release);

  bool defined() const { return storage_ != nullptr; }
  const Shape& shape() const { return shape_; }
  int ndim() const { return shape_.ndim(); }
  std::int64_t size() const { return shape_.size(); }
  std::int64_t size(int axis) const { return shape_[axis]; }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_ ? storage_->device() : Device::cpu; }
  std::int64_t stride(int axis) const { return strides_[static_cast<std::size_t>(axis)]; }  // in elements
  bool is_contiguous() const;  // C order without gaps

  // The elements in C order. DTypeError when T is not the dtype, ShapeError when the view is not contiguous.
  template <class T>
  std::span<const T> data() const {
    check_access(kDTypeOf<T>, true);
    return {reinterpret_cast<const T*>(raw()), static_cast<std::size_t>(size())};
  }
  // For writing. Copies first unless this handle is the only owner of its own memory. What is written by hand
  // is no operation's result: the tape is let go. A watched leaf stays one.
  template <class T>
  std::span<T> mutable_data() {
    check_access(kDTypeOf<T>, false);
    make_unique();
    if (node_) leave_tape();
    return {reinterpret_cast<T*>(const_cast<std::byte*>(raw())), static_cast<std::size_t>(size())};
  }
  const std::byte* raw() const { return storage_ ? storage_->data() + offset_ : nullptr; }

  // Views: no element is copied.
  Tensor slice(int axis, std::int64_t begin, std::int64_t end, std::int64_t step = 1) const;
  Tensor transpose() const;                  // 2-D
  Tensor reshape(const Shape& shape) const;  // a view when contiguous, else a copy

  Tensor contiguous() const;                         // itself when it is already
  Tensor to(DType dtype) const;                      // rounds as C++ does
  bool on_tape() const { return node_ != nullptr; }  // a gradient may flow through it
  Tensor detach() const;                             // the same values, off the tape
  double item(std::initializer_list<std::int64_t> index = {})
      const;                 // one element of any dtype, for tests and scalars
  std::string text() const;  // "f64 [2, 3]": what error messages show

 private:
  static Tensor copy_of(const void* data, std::size_t count, const Shape& shape, DType dtype);
  void check_access(DType wanted, bool must_be_contiguous) const;
  void make_unique();
  void leave_tape();
  friend struct TapeAccess;
  std::shared_ptr<Storage> storage_;
  std::size_t offset_ = 0;  // bytes
  Shape shape_;
  std::array<std::int64_t, Shape::kMaxDims> strides_{};
  DType dtype_ = DType::f32;
  std::uint8_t output_ = 0;  // which of the node's outputs this is
  std::shared_ptr<TapeNode> node_;
};

template <class T>
Tensor Tensor::take(std::vector<T>&& values) {
  auto owner = std::make_shared<std::vector<T>>(std::move(values));
  const T* data = owner->data();
  const Shape shape{static_cast<std::int64_t>(owner->size())};
  return adopt(data, shape, kDTypeOf<T>, [owner] {});
}

}  // namespace cairn
