// The lengths of a tensor's axes, held in place: no allocation for the up to 8 axes that exist in practice.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace cairn {

class Shape {
 public:
  static constexpr int kMaxDims = 8;

  Shape() = default;  // a scalar: no axes, one element
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(std::span<const std::int64_t> dims);  // ShapeError: more than 8 axes, a negative length

  int ndim() const { return ndim_; }
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  std::int64_t size() const;  // number of elements; ResourceError when it does not fit 2^62
  std::span<const std::int64_t> dims() const { return {dims_.data(), static_cast<std::size_t>(ndim_)}; }
  std::string text() const;  // "[2, 3]"
  bool operator==(const Shape& other) const;

 private:
  std::array<std::int64_t, kMaxDims> dims_{};
  int ndim_ = 0;
};

}  // namespace cairn
