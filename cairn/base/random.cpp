#include "cairn/base/random.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace cairn {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit changes every output bit.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0], p1 = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c;
}

}  // namespace

std::uint64_t derive_seed(std::uint64_t seed, std::string_view stream, std::uint64_t index) {
  std::uint64_t h = 0xcbf29ce484222325ULL;  // FNV-1a over the name
  for (const char c : stream) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mix(mix(seed + 0x9e3779b97f4a7c15ULL) ^ mix(h) ^ mix(index + 0x632be59bd9b4e019ULL));
}

Random::Random(std::uint64_t seed, std::string_view stream, std::uint64_t index) {
  const std::uint64_t key = derive_seed(seed, stream, index);
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

void Random::refill() {
  block_ = philox(counter_, key_);
  used_ = 0;
  for (auto& word : counter_)
    if (++word != 0) break;
}

std::uint32_t Random::next32() {
  if (used_ == 4) refill();
  return block_[static_cast<std::size_t>(used_++)];
}

std::uint64_t Random::next64() {
  const std::uint64_t low = next32();
  return low | (static_cast<std::uint64_t>(next32()) << 32);
}

double Random::uniform() { return static_cast<double>(next64() >> 11) * 0x1.0p-53; }

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_normal_;
  }
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));  // 1 - u is never 0
  const double angle = 2.0 * std::numbers::pi * uniform();
  spare_normal_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

std::uint64_t Random::below(std::uint64_t bound) {
  for (;;) {
    const auto product = static_cast<unsigned __int128>(next64()) * bound;
    const auto low = static_cast<std::uint64_t>(product);
    // What is refused lies below 2^64 mod bound: a division that is needed once in 2^64 / bound.
    if (low >= bound || low >= (0 - bound) % bound) return static_cast<std::uint64_t>(product >> 64);
  }
}

std::vector<std::int64_t> Random::permutation(std::int64_t n) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  shuffle(std::span(order));
  return order;
}

}  // namespace cairn
