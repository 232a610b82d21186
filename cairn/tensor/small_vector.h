// A contiguous sequence that holds its first few elements in place: the arguments of an operation travel in
// one, so a call allocates nothing but its result.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace cairn {

template <class T, std::size_t InPlace = 4>
class SmallVector {  // the heap only beyond InPlace elements
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  SmallVector() = default;
  SmallVector(std::initializer_list<T> values) { append(values.begin(), values.size()); }
  explicit SmallVector(std::span<const T> values) { append(values.data(), values.size()); }
  explicit SmallVector(std::size_t n, const T& value = T{}) { resize(n, value); }
  SmallVector(const SmallVector& other) { append(other.data_, other.size_); }
  SmallVector(SmallVector&& other) noexcept { steal(other); }
  SmallVector& operator=(const SmallVector& other) {
    if (this != &other) {
      clear();
      append(other.data_, other.size_);
    }
    return *this;
  }
  SmallVector& operator=(SmallVector&& other) noexcept {
    if (this != &other) {
      release();
      steal(other);
    }
    return *this;
  }
  ~SmallVector() { release(); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T& operator[](std::size_t i) { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& back() { return data_[size_ - 1]; }

  void reserve(std::size_t n) {
    if (n > capacity_) grow(n);
  }
  void push_back(T value) {
    if (size_ == capacity_) grow(2 * capacity_ + 1);
    ::new (static_cast<void*>(data_ + size_)) T(std::move(value));
    ++size_;
  }
  void resize(std::size_t n, const T& value = T{}) {
    if (n > size_) {
      reserve(n);
      for (; size_ < n; ++size_) ::new (static_cast<void*>(data_ + size_)) T(value);
    } else {
      std::destroy(data_ + n, data_ + size_);
      size_ = n;
    }
  }
  void clear() {
    std::destroy(data_, data_ + size_);
    size_ = 0;
  }

 private:
  T* in_place() { return reinterpret_cast<T*>(bytes_); }
  void append(const T* from, std::size_t n) {
    reserve(size_ + n);
    for (std::size_t i = 0; i < n; ++i, ++size_) ::new (static_cast<void*>(data_ + size_)) T(from[i]);
  }
  void grow(std::size_t n) {
    T* to = std::allocator<T>().allocate(n);
    for (std::size_t i = 0; i < size_; ++i) ::new (static_cast<void*>(to + i)) T(std::move(data_[i]));
    std::destroy(data_, data_ + size_);
    free_heap();
    data_ = to;
    capacity_ = n;
  }
  void free_heap() {
    if (data_ != in_place()) std::allocator<T>().deallocate(data_, capacity_);
  }
  void release() {
    std::destroy(data_, data_ + size_);
    free_heap();
    data_ = in_place();
    size_ = 0;
    capacity_ = InPlace;
  }
  void steal(SmallVector& other) {  // this is empty and in place
    if (other.data_ != other.in_place()) {
      data_ = std::exchange(other.data_, other.in_place());
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, InPlace);
      return;
    }
    for (; size_ < other.size_; ++size_)
      ::new (static_cast<void*>(data_ + size_)) T(std::move(other.data_[size_]));
    other.clear();
  }

  alignas(T) std::byte bytes_[InPlace * sizeof(T)];  // not initialised: an empty vector costs nothing
  T* data_ = in_place();
  std::size_t size_ = 0, capacity_ = InPlace;
};

}  // namespace cairn
