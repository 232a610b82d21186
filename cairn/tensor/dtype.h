// Element types and devices.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

// Arithmetic is instantiated for f32 and f64; the others store, index and compare.
enum class DType : std::uint8_t { f32, f64, i64, i32, u8, boolean };

std::size_t size_of(DType dtype);  // bytes an element
const char* name_of(DType dtype);  // "f32"
bool is_floating(DType dtype);

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::boolean;
};
template <class T>
inline constexpr DType kDTypeOf = DTypeOf<T>::value;

// Where a tensor's memory lives. A tensor knows it from the first day; only the processor's own memory so
// far.
enum class Device : std::uint8_t { cpu };

}  // namespace cairn
