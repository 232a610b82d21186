// The bins of one feature as places to split a node, several at a time: the same arithmetic in the same order
// as one by one, so the same bits on every instruction set.
#include <array>
#include <cstddef>
#include <cstdint>

#include "cairn/tree/split_scan_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/tree/split_scan_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::tree::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<double, 8>;
using U = hn::RebindToUnsigned<D>;
using V = hn::Vec<D>;

constexpr std::uint64_t kTwoTo52 = 0x4330000000000000;  // the bits of 2^52: a whole number below 2^32 fits in
constexpr std::uint64_t kSign32 = 0x80000000;

// The lower and the upper half of words, the upper one signed, exactly.
V low_half(hn::Vec<U> words) {
  const D d;
  const U u;
  const auto low = hn::And(words, hn::Set(u, 0xFFFFFFFF));
  return hn::Sub(hn::BitCast(d, hn::Or(low, hn::Set(u, kTwoTo52))), hn::Set(d, 0x1p52));
}
V high_half(hn::Vec<U> words) {
  const D d;
  const U u;
  const auto high = hn::Xor(hn::ShiftRight<32>(words), hn::Set(u, kSign32));
  return hn::Sub(hn::BitCast(d, hn::Or(high, hn::Set(u, kTwoTo52))), hn::Set(d, 0x1p52 + 0x1p31));
}

BestBin scan_bins(const std::int64_t* histogram, std::int64_t start, int last, const ScanRules& rules,
                  double best_twice) {
  const D d;
  const U u;
  const auto lanes = static_cast<int>(hn::Lanes(d));
  constexpr std::size_t kPad = 8;
  alignas(64) std::array<std::uint64_t, kMostScanned + kPad> left;
  alignas(64) std::array<std::uint64_t, kMostScanned + kPad> own;
  std::int64_t sum = start;
  for (int b = 0; b <= last; ++b) {
    sum += histogram[b];
    left[static_cast<std::size_t>(b)] = static_cast<std::uint64_t>(sum);
    own[static_cast<std::size_t>(b)] = static_cast<std::uint64_t>(histogram[b]);
  }
  for (std::size_t b = static_cast<std::size_t>(last) + 1; b < static_cast<std::size_t>(last) + 1 + kPad; ++b)
    left[b] = own[b] = 0;

  const V gs = hn::Set(d, rules.g_scale), hs = hn::Set(d, rules.h_scale), g = hn::Set(d, rules.g),
          h = hn::Set(d, rules.h), l2 = hn::Set(d, rules.l2), least = hn::Set(d, rules.least),
          most = hn::Set(d, rules.most);
  V best = hn::Set(d, best_twice);
  V where = hn::Set(d, -1.0);
  V index = hn::Iota(d, 0.0);
  for (int b = 0; b <= last; b += lanes, index = hn::Add(index, hn::Set(d, static_cast<double>(lanes)))) {
    const auto words = hn::Load(u, left.data() + b);
    const V gl = hn::Mul(high_half(words), gs), hl = hn::Mul(low_half(words), hs);
    const V gr = hn::Sub(g, gl), kl = hn::Add(hl, l2), kr = hn::Add(hn::Sub(h, hl), l2);
    const V twice =
        hn::Div(hn::Add(hn::Mul(hn::Mul(gl, gl), kr), hn::Mul(hn::Mul(gr, gr), kl)), hn::Mul(kl, kr));
    const auto filled = hn::RebindMask(d, hn::Ne(hn::Load(u, own.data() + b), hn::Zero(u)));
    const auto inside = hn::And(hn::Ge(hl, least), hn::Le(hl, most));
    const auto better = hn::And(hn::And(filled, inside), hn::Gt(twice, best));
    best = hn::IfThenElse(better, twice, best);
    where = hn::IfThenElse(better, index, where);
  }
  alignas(64) std::array<double, kPad> bests, wheres;
  hn::Store(best, d, bests.data());
  hn::Store(where, d, wheres.data());
  BestBin found;
  for (std::size_t i = 0; i < static_cast<std::size_t>(lanes); ++i) {
    const int bin = static_cast<int>(wheres[i]);
    if (bin < 0) continue;
    if (bests[i] > best_twice || (bests[i] == best_twice && bin < found.bin)) {
      best_twice = bests[i];
      found = {bin, static_cast<std::int64_t>(left[static_cast<std::size_t>(bin)])};
    }
  }
  return found;
}

}  // namespace cairn::tree::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::tree {
namespace {
HWY_EXPORT(scan_bins);
}
BestBin scan_bins(const std::int64_t* histogram, std::int64_t start, int last, const ScanRules& rules,
                  double best_twice) {
  return HWY_DYNAMIC_DISPATCH(scan_bins)(histogram, start, last, rules, best_twice);
}
}  // namespace cairn::tree
#endif
