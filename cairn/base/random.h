// Counter-based random numbers: the value depends on (seed, stream, counter) only, so adding a thread, a
// layer or a column never shifts another stream. Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random
// numbers: as easy as 1, 2, 3; 2011).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace cairn {

class Random {
 public:
  // `stream` names the purpose ("split", "bootstrap"), `index` one of many such streams (a fold, a tree, a
  // row).
  Random(std::uint64_t seed, std::string_view stream, std::uint64_t index = 0);

  std::uint32_t next32();
  std::uint64_t next64();
  double uniform();                          // [0, 1), 53 bits
  double normal();                           // mean 0, variance 1 (Box and Muller)
  std::uint64_t below(std::uint64_t bound);  // uniform on 0 .. bound-1 without bias (Lemire 2019); bound >= 1

  template <class T>
  void shuffle(std::span<T> values) {  // Fisher and Yates
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }
  std::vector<std::int64_t> permutation(std::int64_t n);

 private:
  void refill();
  std::array<std::uint32_t, 2> key_{};
  std::array<std::uint32_t, 4> counter_{}, block_{};
  int used_ = 4;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

// A seed for a part of the work: mixes (seed, stream, index) into 64 bits.
std::uint64_t derive_seed(std::uint64_t seed, std::string_view stream, std::uint64_t index = 0);

}  // namespace cairn
