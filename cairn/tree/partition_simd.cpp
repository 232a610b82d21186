// Rows of a node to the sides they go to, sixteen at a time where the processor packs lanes by itself.
#include <algorithm>
#include <cstdint>

#include "cairn/tree/histogram_internal.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/tree/partition_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cairn::tree::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

std::int64_t partition(std::uint32_t* rows, std::int64_t count, const std::uint8_t* column,
                       const std::uint8_t* goes_left, std::uint32_t* right_memory) {
  std::int64_t left = 0, right = 0, i = 0;
#if HWY_TARGET <= HWY_AVX3
  using D = hn::CappedTag<std::uint32_t, 16>;
  const D d;
  const hn::RebindToSigned<D> offset;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  // Mostly a question about a number: the bins up to one go left, all others right.
  const auto first_right = std::find(goes_left, goes_left + 256, 0) - goes_left;
  const bool up_to_one = std::find(goes_left + first_right, goes_left + 256, 1) == goes_left + 256;
  const auto border = hn::Set(d, static_cast<std::uint32_t>(first_right));
  alignas(64) std::uint32_t table[256];
  for (int b = 0; b < 256 && !up_to_one; ++b) table[b] = goes_left[b];
  const auto byte = hn::Set(d, 255U);
  // Four bytes are read where one is wanted: see BinnedData::column().
  const auto* cells = reinterpret_cast<const std::uint32_t*>(column);
  for (; i + lanes <= count; i += lanes) {
    const auto row = hn::LoadU(d, rows + i);
    const auto bin = hn::And(hn::GatherOffset(d, cells, hn::BitCast(offset, row)), byte);
    const auto to_left = up_to_one ? hn::Lt(bin, border)
                                   : hn::Ne(hn::GatherIndex(d, table, hn::BitCast(offset, bin)), hn::Zero(d));
    // A whole vector may be written: up to where rows have been read, and no further than right_memory goes.
    // Packed in a register: an AMD Zen 4 processor packs into memory by microcode, and took nearly three
    // times as long for this loop.
    const auto went = static_cast<std::int64_t>(hn::CountTrue(d, to_left));
    hn::StoreU(hn::Compress(row, to_left), d, rows + left);
    hn::StoreU(hn::CompressNot(row, to_left), d, right_memory + right);
    left += went;
    right += lanes - went;
  }
#endif
  for (; i < count; ++i) {
    const std::uint32_t row = rows[i];
    const bool to_left = goes_left[column[row]] != 0;
    rows[left] = row;
    right_memory[right] = row;
    left += to_left ? 1 : 0;
    right += to_left ? 0 : 1;
  }
  std::copy_n(right_memory, right, rows + left);
  return left;
}

}  // namespace cairn::tree::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn::tree {
namespace {
HWY_EXPORT(partition);
}
std::int64_t partition_rows(std::uint32_t* rows, std::int64_t count, const std::uint8_t* column,
                            const std::uint8_t* goes_left, std::uint32_t* right_memory) {
  return HWY_DYNAMIC_DISPATCH(partition)(rows, count, column, goes_left, right_memory);
}
}  // namespace cairn::tree
#endif
