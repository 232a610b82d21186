// What the cores could do at most: multiply-adds on registers alone, in the widest vectors of this machine.
// The share of it that a product of matrices reaches is told beside its row.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "cairn/base/parallel.h"

namespace cairn::bench {

// Twelve sums in turn: enough for two units whose result is there after four to six cycles.
constexpr int kChains = 12;
constexpr std::int64_t kSteps = 4'000'000;

#if defined(__x86_64__)
// Sums by name, not in a loop: an array that is walked lies in memory.
template <class Vector, std::size_t... c>
[[gnu::always_inline]] inline float multiply_add(std::index_sequence<c...>) {
  Vector sums[sizeof...(c)];
  ((sums[c] = Vector{} + 1e-9F), ...);
  const Vector half = Vector{} + 0.5F, small = Vector{} + 1e-9F;
  for (std::int64_t i = 0; i < kSteps; ++i) {
    ((sums[c] = sums[c] * half + small), ...);
    (([&] { asm volatile("" : "+v"(sums[c])); }()), ...);  // each step is done, in its register
  }
  Vector sum{};
  ((sum += sums[c]), ...);
  return sum[0];
}
using Chains = std::make_index_sequence<kChains>;
using Wide = float __attribute__((vector_size(64)));
using Narrow = float __attribute__((vector_size(32)));
[[gnu::target("avx512f"), gnu::noinline]] inline float wide_chains() { return multiply_add<Wide>(Chains{}); }
[[gnu::target("avx2,fma"), gnu::noinline]] inline float narrow_chains() {
  return multiply_add<Narrow>(Chains{});
}
#endif

// GFLOP/s in f32 of as many threads as set_num_threads() allows; 0: not known for this processor.
inline double peak_gflops() {
#if defined(__x86_64__)
  const bool wide = __builtin_cpu_supports("avx512f");
  if (!wide && !__builtin_cpu_supports("fma")) return 0;
  const std::int64_t threads = num_threads();
  std::vector<float> kept(static_cast<std::size_t>(threads));
  constexpr int kTries = 5;  // a neighbour on the core only ever slows one down
  double least = std::numeric_limits<double>::infinity();
  for (int k = 0; k < kTries; ++k) {
    const auto begin = std::chrono::steady_clock::now();
    parallel_for(threads, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t t = first; t < last; ++t)
        kept[static_cast<std::size_t>(t)] = wide ? wide_chains() : narrow_chains();
    });
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    least = std::min(least, seconds.count());
  }
  const double lanes = wide ? 16 : 8;
  return 2 * lanes * kChains * static_cast<double>(kSteps * threads) / least / 1e9;
#else
  return 0;
#endif
}

}  // namespace cairn::bench
