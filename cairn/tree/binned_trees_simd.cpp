// The top of a tree for all rows of a tile: every node compares its bin with all of them, and the answers are
// chosen from below upwards.
#include "cairn/tree/binned_trees_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/tree/binned_trees_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// One straight run of instructions for a whole top; with a sanitizer's checks in it, clang would take
// minutes.
#undef CAIRN_WHOLE_TOP
#define CAIRN_WHOLE_TOP HWY_INLINE
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#undef CAIRN_WHOLE_TOP
#define CAIRN_WHOLE_TOP HWY_NOINLINE
#endif
#endif

HWY_BEFORE_NAMESPACE();
namespace cairn::tree::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<std::int8_t, 64>;
using V = hn::Vec<D>;

// The exit below `Node`, of exits numbered from `First`.
template <std::size_t Node, std::size_t First, int Levels>
CAIRN_WHOLE_TOP V exit_below(const std::uint16_t* slots, const std::int8_t* bins, const std::int8_t* tile) {
  const D d;
  const V rows = hn::LoadU(d, tile + std::size_t{slots[Node]} * kTileRows);
  const auto right = hn::Gt(rows, hn::Set(d, bins[Node]));
  if constexpr (Levels == 1) {
    return hn::IfThenElse(right, hn::Set(d, static_cast<std::int8_t>(First + 1)),
                          hn::Set(d, static_cast<std::int8_t>(First)));
  } else {
    constexpr std::size_t kHalf = std::size_t{1} << (Levels - 1);
    const V l = exit_below<2 * Node + 1, First, Levels - 1>(slots, bins, tile);
    const V r = exit_below<2 * Node + 2, First + kHalf, Levels - 1>(slots, bins, tile);
    return hn::IfThenElse(right, r, l);
  }
}

template <int Levels>
void walk(const TreeTop& top, const std::int8_t* tile, std::uint8_t* exits) {
  const D d;
  for (std::size_t r = 0; r < static_cast<std::size_t>(kTileRows); r += hn::Lanes(d))
    hn::StoreU(exit_below<0, 0, Levels>(top.slot.data(), top.bin.data(), tile + r), d,
               reinterpret_cast<std::int8_t*>(exits + r));
}

void walk_top(const TreeTop& top, const std::int8_t* tile, std::uint8_t* exits) {
  constexpr void (*kWalks[])(const TreeTop&, const std::int8_t*, std::uint8_t*) = {
      walk<1>, walk<2>, walk<3>, walk<4>, walk<5>, walk<6>, walk<kMostTopLevels>};
  kWalks[top.levels - 1](top, tile, exits);
}

}  // namespace cairn::tree::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::tree {
namespace {
HWY_EXPORT(walk_top);
}
void walk_top(const TreeTop& top, const std::int8_t* tile, std::uint8_t* exits) {
  HWY_DYNAMIC_DISPATCH(walk_top)(top, tile, exits);
}
}  // namespace cairn::tree
#endif
