#include "cairn/tree/small_sort_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/tree/small_sort_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::tree::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// At most 64 keys, in room for whole vectors. places[i]: how many keys are below keys[i].
inline void count_below(const std::uint32_t* keys, std::size_t n, std::uint32_t* places) {
  const hn::CappedTag<std::uint32_t, 16> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < n; i += lanes) {
    const auto mine = hn::LoadU(d, keys + i);
    auto a = hn::Zero(d), b = hn::Zero(d);
    std::size_t j = 0;
    for (; j + 2 <= n; j += 2) {  // a true comparison is -1
      a = hn::Sub(a, hn::VecFromMask(d, hn::Lt(hn::Set(d, keys[j]), mine)));
      b = hn::Sub(b, hn::VecFromMask(d, hn::Lt(hn::Set(d, keys[j + 1]), mine)));
    }
    if (j < n) a = hn::Sub(a, hn::VecFromMask(d, hn::Lt(hn::Set(d, keys[j]), mine)));
    hn::StoreU(hn::Add(a, b), d, places + i);
  }
}

void sort_run(std::uint32_t* keys, std::size_t n) {
  constexpr std::uint32_t kNone = 0xFFFFFFFF;
  HWY_ALIGN std::uint32_t copy[64 + 16], places[64 + 16];
  for (std::size_t i = 0; i < n; ++i) copy[i] = keys[i];
  for (std::size_t i = n; i < n + 16; ++i) copy[i] = kNone;
  count_below(copy, n, places);
  for (std::size_t i = 0; i < n; ++i) keys[i] = kNone;
  for (std::size_t i = 0; i < n; ++i) keys[places[i]] = copy[i];
  for (std::size_t i = 1; i < n; ++i)  // equal keys have one place; those after it are theirs too
    keys[i] = keys[i] == kNone ? keys[i - 1] : keys[i];
}

}  // namespace cairn::tree::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>

namespace cairn::tree {
namespace {

HWY_EXPORT(sort_run);

constexpr std::size_t kFew = 8, kRun = 64;

// Without a branch that depends on the keys.
void merge(const std::uint32_t* a, const std::uint32_t* a_end, const std::uint32_t* b,
           const std::uint32_t* b_end, std::uint32_t* to) {
  while (a != a_end && b != b_end) {
    const bool first = *a <= *b;
    *to++ = first ? *a : *b;
    a += first ? 1 : 0;
    b += first ? 0 : 1;
  }
  std::copy(b, b_end, std::copy(a, a_end, to));
}

}  // namespace

void sort_small(std::vector<std::uint32_t>& keys, std::vector<std::uint32_t>& memory) {
  const std::size_t n = keys.size();
  if (n <= kFew) {
    for (std::size_t i = 1; i < n; ++i) {
      const std::uint32_t key = keys[i];
      std::size_t j = i;
      for (; j > 0 && keys[j - 1] > key; --j) keys[j] = keys[j - 1];
      keys[j] = key;
    }
    return;
  }
  for (std::size_t i = 0; i < n; i += kRun)
    HWY_DYNAMIC_DISPATCH(sort_run)(keys.data() + i, std::min(kRun, n - i));
  if (n <= kRun) return;
  memory.resize(n);
  for (std::size_t run = kRun; run < n; run *= 2) {
    for (std::size_t i = 0; i < n; i += 2 * run) {
      const std::uint32_t* from = keys.data();
      const std::size_t middle = std::min(i + run, n), end = std::min(i + 2 * run, n);
      merge(from + i, from + middle, from + middle, from + end, memory.data() + i);
    }
    keys.swap(memory);
  }
}

}  // namespace cairn::tree
#endif
