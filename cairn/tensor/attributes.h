// What an operation is told beside its inputs (axis, stride, epsilon, random counter): plain data, kept by
// tape, capture and export. An operation that has some declares a trivially copyable struct with the same
// member-pointer list as a learner's parameters:
//
//   struct SoftmaxAttributes {
//     std::int64_t axis = -1;
//     static const ParamList& list();
//   };
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <type_traits>

#include "cairn/base/error.h"
#include "cairn/base/params.h"
#include "cairn/tensor/shape.h"

namespace cairn {

// Any such struct, its type erased in place.
class Attributes {
 public:
  static constexpr std::size_t kBytes = 96;

  Attributes() = default;
  template <class A>
    requires(std::is_trivially_copyable_v<A> && sizeof(A) <= kBytes && alignof(A) <= 8 &&
             !std::is_same_v<A, Attributes>)
  Attributes(const A& values)  // NOLINT(google-explicit-constructor): apply(op, {x}, SoftmaxAttributes{...})
      : list_(&A::list), bytes_used_(sizeof(A)) {
    std::memcpy(bytes_, &values, sizeof(A));
  }
  Attributes(const Attributes& other) : list_(other.list_), bytes_used_(other.bytes_used_) {
    std::memcpy(bytes_, other.bytes_, bytes_used_);
  }
  Attributes& operator=(const Attributes& other) {
    if (this == &other) return *this;
    list_ = other.list_;
    bytes_used_ = other.bytes_used_;
    std::memcpy(bytes_, other.bytes_, bytes_used_);
    return *this;
  }
  ~Attributes() = default;

  template <class A>
  A as() const {  // InternalError when another struct is inside
    CAIRN_ASSERT(list_ == &A::list);
    A values;
    std::memcpy(&values, bytes_, sizeof(A));
    return values;
  }
  // For a recording: the whole number at a byte of the struct, and whether all bytes are alike.
  std::uint64_t number_at(int byte) const {
    std::uint64_t v = 0;
    std::memcpy(&v, bytes_ + byte, sizeof v);
    return v;
  }
  void set_number_at(int byte, std::uint64_t v) { std::memcpy(bytes_ + byte, &v, sizeof v); }
  bool same_bytes(const Attributes& other) const {
    return list_ == other.list_ && std::memcmp(bytes_, other.bytes_, bytes_used_) == 0;
  }
  bool empty() const { return list_ == nullptr; }
  using ListFunction = const ParamList& (*)();
  ListFunction kind() const { return list_; }  // which struct it is; null: none
  // The members by name. Valid while this lives; writing through it changes these attributes.
  ParamsView view(std::string_view owner) { return {owner, bytes_, list_ ? &list_() : nullptr}; }

 private:
  ListFunction list_ = nullptr;
  std::size_t bytes_used_ = 0;
  alignas(8) std::byte bytes_[kBytes];  // NOLINT: bytes_used_ of them are set
};

// The axes an operation works on, negative ones counted from the end. None given: all of them.
class AxisList {
 public:
  AxisList() = default;
  AxisList(int axis) : AxisList({axis}) {}    // NOLINT(google-explicit-constructor): sum(x, 1)
  AxisList(std::initializer_list<int> axes);  // ShapeError: more than 8
  int count() const { return count_; }
  int operator[](int i) const { return at_[static_cast<std::size_t>(i)]; }
  void push_back(int axis);

 private:
  std::array<std::int8_t, Shape::kMaxDims> at_{};
  std::int8_t count_ = 0;
};

// Members that are not single values, shown and set as text: "0, 2" and "2, 3".
namespace attributes_detail {
std::string axes_text(const AxisList& axes);
AxisList axes_from_text(const std::string& text);
std::string shape_text(const Shape& shape);
Shape shape_from_text(const std::string& text);
}  // namespace attributes_detail

template <auto Member>
Param axes_param(std::string name, std::string doc) {
  using C = typename params_detail::MemberOf<decltype(Member)>::Class;
  Param p{std::move(name), std::move(doc), ParamType::text, {}, {}, nullptr, nullptr};
  p.get = [](const void* o) -> ParamValue {
    return attributes_detail::axes_text(static_cast<const C*>(o)->*Member);
  };
  p.set = [](void* o, const ParamValue& v) {
    static_cast<C*>(o)->*Member = attributes_detail::axes_from_text(std::get<std::string>(v));
  };
  return p;
}

template <auto Member>
Param shape_param(std::string name, std::string doc) {
  using C = typename params_detail::MemberOf<decltype(Member)>::Class;
  Param p{std::move(name), std::move(doc), ParamType::text, {}, {}, nullptr, nullptr};
  p.get = [](const void* o) -> ParamValue {
    return attributes_detail::shape_text(static_cast<const C*>(o)->*Member);
  };
  p.set = [](void* o, const ParamValue& v) {
    static_cast<C*>(o)->*Member = attributes_detail::shape_from_text(std::get<std::string>(v));
  };
  return p;
}

}  // namespace cairn
