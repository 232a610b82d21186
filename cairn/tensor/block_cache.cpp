#include "cairn/tensor/block_cache_internal.h"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/mman.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include "cairn/base/error.h"
#include "cairn/tensor/repeated_work.h"
#include "cairn/tensor/tensor.h"

#if defined(__SANITIZE_ADDRESS__)
#define CAIRN_KEEPS_BLOCKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CAIRN_KEEPS_BLOCKS 0  // the sanitizer must see every block come and go
#endif
#endif
#ifndef CAIRN_KEEPS_BLOCKS
#define CAIRN_KEEPS_BLOCKS 1
#endif

namespace cairn {
namespace block_cache {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSmall = std::size_t{32} << 10;        // up to here a thread keeps its own
constexpr std::size_t kLargest = std::size_t{256} << 20;     // beyond, nothing is kept
constexpr std::size_t kKept = std::size_t{1} << 30;          // bytes the shared store holds at most
constexpr std::size_t kThreadKept = std::size_t{256} << 10;  // bytes of one class a thread holds at most
constexpr std::size_t kSlab = std::size_t{256} << 10;        // what the smallest blocks are cut from
constexpr std::size_t kCut = std::size_t{2} << 10;           // up to here a block is cut from a slab
constexpr std::size_t kLarge = std::size_t{64} << 10;        // above, kept only while gradients are computed
constexpr std::size_t kRecurring = std::size_t{1}
                                   << 20;  // from here, sizes that recur are kept elsewhere too
constexpr std::size_t kHugePage = std::size_t{2} << 20, kHuge = 2 * kHugePage;

// Class 0 is 64 bytes; above, 2^k * {4, 5, 6, 7} / 4 in multiples of 64.
constexpr std::size_t size_class(std::size_t bytes) {
  if (bytes <= 256) return bytes <= 64 ? 0 : (bytes + 63) / 64 - 1;
  const int octave = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^octave < bytes <= 2^(octave+1)
  const std::size_t quarter = ((bytes - 1) >> (octave - 2)) & 3;
  return 4 + static_cast<std::size_t>(octave - 8) * 4 + quarter;
}
constexpr std::size_t class_bytes(std::size_t c) {
  if (c < 4) return (c + 1) * 64;
  const std::size_t octave = (c - 4) / 4 + 8, quarter = (c - 4) % 4;
  return (std::size_t{4} + quarter + 1) << (octave - 2);
}
static_assert(class_bytes(size_class(1)) == 64 && class_bytes(size_class(257)) == 320 &&
              class_bytes(size_class(512)) == 512 && class_bytes(size_class(513)) == 640 &&
              class_bytes(size_class(kLargest)) == kLargest);
constexpr std::size_t kClasses = size_class(kLargest) + 1, kSmallClasses = size_class(kSmall) + 1,
                      kCutClasses = size_class(kCut) + 1;

struct Block {  // what a free block holds
  Block* next;
};

// Many small blocks of one class in one piece of memory: a table of very many columns asks for millions, and
// the C library spends more on an aligned block than a column's few rows are worth.
struct alignas(kAlignment) Slab {
  Slab* next;
  std::size_t cut, free;  // blocks that were ever handed out, and those of them in the shared store
};

// Sizes that work without gradients asks for over and over, a product a call: the system would clear their
// pages each time, which costs a fifth of the product.
class Recurring {
 public:
  // A block of the class is asked of the system: after one went back there, that is once more in vain.
  void asked(std::size_t c) {
    if (away_[c] == 0) return;
    --away_[c];
    if (in_vain_[c] < kInVain) ++in_vain_[c];
  }
  // Whether a block that is given is kept; else it goes back.
  bool keeps(std::size_t c, std::size_t bytes) {
    const bool kept = in_vain_[c] == kInVain && held_[c] < kHeld && bytes_ + bytes <= kBytes;
    if (kept) {
      ++held_[c];
      bytes_ += bytes;
    } else if (away_[c] < kHeld) {
      ++away_[c];
    }
    return kept;
  }
  void taken(std::size_t c, std::size_t bytes) {
    if (held_[c] == 0) return;
    --held_[c];
    bytes_ -= bytes;
  }
  void forget() { *this = {}; }

 private:
  static constexpr std::uint8_t kInVain = 3, kHeld = 2;          // blocks of a class
  static constexpr std::size_t kBytes = std::size_t{128} << 20;  // of all
  std::array<std::uint8_t, kClasses> away_{}, in_vain_{}, held_{};
  std::size_t bytes_ = 0;
};

struct Shared {
  std::mutex guard;
  Recurring recurring;
  std::array<Block*, kClasses> free{};
  std::array<Slab*, kCutClasses> slabs{};  // blocks are cut from the first one
  std::size_t kept = 0;
};
Shared& shared() {
  static Shared& one = *new Shared;  // outlives every tensor, static ones too
  return one;
}
std::atomic<std::int64_t> system_calls{0};
// A training step needs the sizes of the step before; elsewhere a large block is rarely wanted again, and
// keeping it would double what a table costs.
std::atomic<bool> keeps_large{false};
std::atomic<bool> lets_go{false};  // LargeLetGo
std::atomic<std::size_t> let_go{
    0};  // bytes of large blocks that the allocator got back since it last gave any

Slab* slab_of(void* block) {  // slabs lie at multiples of their size
  auto* const byte = static_cast<std::byte*>(block);
  return reinterpret_cast<Slab*>(byte - reinterpret_cast<std::uintptr_t>(block) % kSlab);
}

void* cut(Shared& s, std::size_t c) {  // with the mutex held; null when there is no memory
  const std::size_t bytes = class_bytes(c), blocks = (kSlab - sizeof(Slab)) / bytes;
  if (!s.slabs[c] || s.slabs[c]->cut == blocks) {
    system_calls.fetch_add(1, std::memory_order_relaxed);
    void* const memory = std::aligned_alloc(kSlab, kSlab);
    if (!memory) return nullptr;
    s.slabs[c] = ::new (memory) Slab{s.slabs[c], 0, 0};
  }
  Slab* const slab = s.slabs[c];
  return reinterpret_cast<std::byte*>(slab) + sizeof(Slab) + bytes * slab->cut++;
}

// Gives back the slabs of which every block is in the shared store; with the mutex held.
void release_slabs(Shared& s, std::size_t c) {
  const auto idle = [](const Slab* slab) { return slab->free == slab->cut; };
  bool any = false;
  for (const Slab* slab = s.slabs[c]; slab && !any; slab = slab->next) any = idle(slab);
  if (!any) return;
  for (Block** at = &s.free[c]; *at;) {
    if (!idle(slab_of(*at))) {
      at = &(*at)->next;
      continue;
    }
    *at = (*at)->next;
    s.kept -= class_bytes(c);
  }
  for (Slab** at = &s.slabs[c]; *at;) {
    Slab* const slab = *at;
    if (!idle(slab)) {
      at = &slab->next;
      continue;
    }
    *at = slab->next;
    std::free(slab);
  }
}

void* from_system(std::size_t bytes) {
  system_calls.fetch_add(1, std::memory_order_relaxed);
  auto* const block = static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes));
#ifdef MADV_HUGEPAGE
  // Pages of 2 MiB instead of 512 each: fewer to be made, and to be looked up by products that walk columns.
  // Only a hint, for the whole ones that lie within the block.
  if (block && bytes >= kHuge) {
    const std::size_t before = -reinterpret_cast<std::uintptr_t>(block) % kHugePage;
    madvise(block + before, (bytes - before) / kHugePage * kHugePage, MADV_HUGEPAGE);
  }
#endif
  return block;
}

void* from_shared(std::size_t c) {
  Shared& s = shared();
  const std::lock_guard lock(s.guard);
  Block* block = s.free[c];
  if (!block) {
    if (class_bytes(c) >= kRecurring) s.recurring.asked(c);
    return c < kCutClasses ? cut(s, c) : nullptr;
  }
  s.free[c] = block->next;
  s.kept -= class_bytes(c);
  s.recurring.taken(c, class_bytes(c));
  if (c < kCutClasses) --slab_of(block)->free;
  return block;
}

void to_shared(void* block, std::size_t c, bool keeps) noexcept {
  Shared& s = shared();
  {
    const std::lock_guard lock(s.guard);
    const bool room = c < kCutClasses || s.kept + class_bytes(c) <= kKept;
    if (room && (keeps || s.recurring.keeps(c, class_bytes(c)))) {
      s.free[c] = ::new (block) Block{s.free[c]};
      s.kept += class_bytes(c);
      if (c < kCutClasses) ++slab_of(block)->free;
      return;
    }
  }
  if (class_bytes(c) > kLarge) let_go.fetch_add(class_bytes(c), std::memory_order_relaxed);
  std::free(block);
}

struct ThreadBlocks {
  std::array<Block*, kSmallClasses> free{};
  std::array<std::uint32_t, kSmallClasses> count{};
};
// Trivial, so that reading it costs one load; null before the first block and after the thread's last.
constinit thread_local ThreadBlocks* mine = nullptr;
constinit thread_local bool over = false;

struct ThreadEnd {
  ThreadBlocks blocks;
  ThreadEnd() { mine = &blocks; }
  ThreadEnd(const ThreadEnd&) = delete;
  ThreadEnd& operator=(const ThreadEnd&) = delete;
  ~ThreadEnd() {
    mine = nullptr;
    over = true;
    for (std::size_t c = 0; c < kSmallClasses; ++c)
      for (Block* b = blocks.free[c]; b;) {
        Block* next = b->next;
        to_shared(b, c, true);
        b = next;
      }
  }
};

ThreadBlocks* blocks_of_thread() {
  if (!mine && !over) {
    static thread_local ThreadEnd end;
    mine = &end.blocks;
  }
  return mine;
}

void release_all() {
  Shared& s = shared();
  const std::lock_guard lock(s.guard);
  for (std::size_t c = 0; c < kCutClasses; ++c) release_slabs(s, c);
  for (std::size_t c = kCutClasses; c < kClasses; ++c)
    while (s.free[c]) {
      Block* next = s.free[c]->next;
      std::free(s.free[c]);
      s.free[c] = next;
      s.kept -= class_bytes(c);
    }
  s.recurring.forget();
#ifdef __GLIBC__
  malloc_trim(0);  // else the C library keeps most of it
#endif
}

std::size_t kept() {
  Shared& s = shared();
  const std::lock_guard lock(s.guard);
  return s.kept;
}

void* take_slowly(std::size_t bytes, std::size_t c) {
  const std::size_t rounded =
      c < kClasses ? class_bytes(c) : (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const auto ask = [&]() -> void* {
    if (CAIRN_KEEPS_BLOCKS && c < kClasses)
      if (void* const block = from_shared(c)) return block;
    const bool is_cut = CAIRN_KEEPS_BLOCKS && c < kCutClasses, overflows = rounded < bytes;
    return is_cut || overflows ? nullptr : from_system(rounded);
  };
  void* block = ask();
  if (!block) {
    release_all();
    block = ask();
  }
  if (!block)
    throw ResourceError("memory", fmt::format("{} bytes cannot be had", bytes),
                        "Use less data or a bigger machine.");
  return block;
}

}  // namespace

void* take(std::size_t bytes) {
  const std::size_t c = bytes <= kLargest ? size_class(bytes) : kClasses;
  if (CAIRN_KEEPS_BLOCKS && c < kSmallClasses) {
    if (ThreadBlocks* t = blocks_of_thread(); t && t->free[c]) {
      Block* block = t->free[c];
      t->free[c] = block->next;
      --t->count[c];
      return block;
    }
  }
  return take_slowly(bytes, c);
}

void give(void* block, std::size_t bytes) noexcept {
  const std::size_t c = bytes <= kLargest ? size_class(bytes) : kClasses;
  const bool keeps = bytes <= kLarge || keeps_large.load(std::memory_order_relaxed);
  const bool may_recur = c < kClasses && bytes >= kRecurring && !lets_go.load(std::memory_order_relaxed);
  if (!CAIRN_KEEPS_BLOCKS || c >= kClasses || !(keeps || may_recur)) {
    if (bytes > kLarge) let_go.fetch_add(bytes, std::memory_order_relaxed);
    std::free(block);
    return;
  }
  if (c < kSmallClasses) {
    ThreadBlocks* t = blocks_of_thread();
    if (t && (t->count[c] + 1) * class_bytes(c) <= kThreadKept) {
      t->free[c] = ::new (block) Block{t->free[c]};
      ++t->count[c];
      return;
    }
  }
  to_shared(block, c, keeps);
}

void keep_large() noexcept {
  if (!keeps_large.load(std::memory_order_relaxed)) keeps_large.store(true, std::memory_order_relaxed);
}

LargeLetGo::LargeLetGo() : kept_(keeps_large.exchange(false)) {
  lets_go = true;
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD,
          1 << 20);  // pages of its own for each: no holes that the next one is too large for
#endif
}
LargeLetGo::~LargeLetGo() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that the C library goes up to by itself
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
  lets_go = false;
  if (kept_) keep_large();
}

}  // namespace block_cache

RepeatedWork::RepeatedWork() : began_(!block_cache::keeps_large.exchange(true)) {}
RepeatedWork::~RepeatedWork() {
  if (began_) Storage::release_unused();
}

std::int64_t Storage::system_allocations() {
  return block_cache::system_calls.load(std::memory_order_relaxed);
}
void Storage::release_unused() {
  block_cache::keeps_large.store(false, std::memory_order_relaxed);
  // Small data are not worth the walk through all of the allocator's pages.
  constexpr std::size_t kWorthIt = std::size_t{1} << 20;
  if (block_cache::let_go.load(std::memory_order_relaxed) + block_cache::kept() < kWorthIt) return;
  block_cache::let_go.store(0, std::memory_order_relaxed);
  block_cache::release_all();
}

}  // namespace cairn
