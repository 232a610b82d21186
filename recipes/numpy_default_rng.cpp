#include "recipes/numpy_default_rng.h"

#include <array>
#include <bit>

namespace cairn::numpy {
namespace {

using Words = std::array<std::uint32_t, 4>;

// SeedSequence: one word of entropy, mixed into a pool of four.
Words pool_of(std::uint32_t seed) {
  std::uint32_t hash = 0x43b0d7e5U;
  const auto hashed = [&](std::uint32_t v) {
    v ^= hash;
    hash *= 0x931e8875U;
    v *= hash;
    return v ^ v >> 16;
  };
  const auto mixed = [](std::uint32_t x, std::uint32_t y) {
    const std::uint32_t r = 0xca01f9ddU * x - 0x4973f715U * y;
    return r ^ r >> 16;
  };
  Words pool{};
  for (std::size_t i = 0; i < pool.size(); ++i) pool[i] = hashed(i == 0 ? seed : 0);
  for (std::size_t from = 0; from < pool.size(); ++from)
    for (std::size_t to = 0; to < pool.size(); ++to)
      if (from != to) pool[to] = mixed(pool[to], hashed(pool[from]));
  return pool;
}

}  // namespace

DefaultRng::DefaultRng(std::uint32_t seed) {
  const Words pool = pool_of(seed);
  std::uint32_t hash = 0x8b51f9ddU;
  std::array<std::uint64_t, 4> words{};
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint32_t v = pool[i % 4] ^ hash;
    hash *= 0x58f38dedU;
    v *= hash;
    v ^= v >> 16;
    words[i / 2] |= static_cast<std::uint64_t>(v) << (i % 2 * 32);
  }
  increment_ = (static_cast<U128>(words[2]) << 64 | words[3]) << 1 | 1;
  next64();
  state_ += static_cast<U128>(words[0]) << 64 | words[1];
  next64();
}

std::uint64_t DefaultRng::next64() {
  constexpr U128 kMultiplier = static_cast<U128>(0x2360ed051fc65da4ULL) << 64 | 0x4385df649fccf645ULL;
  state_ = state_ * kMultiplier + increment_;
  const auto high = static_cast<std::uint64_t>(state_ >> 64), low = static_cast<std::uint64_t>(state_);
  return std::rotr(high ^ low, static_cast<int>(high >> 58));
}

double DefaultRng::random() { return static_cast<double>(next64() >> 11) / 9007199254740992.0; }
std::vector<double> DefaultRng::random(std::int64_t n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  for (double& v : values) v = random();
  return values;
}

}  // namespace cairn::numpy
