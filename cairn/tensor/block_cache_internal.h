// Private to tensor/: memory that has been freed and is kept for the next request of its size. A step that
// has been taken once takes the next ones from here and asks the system for nothing.
//
// Sizes are rounded up to four classes an octave (at most a quarter is wasted). A thread keeps a few small
// blocks of each class without a lock; what is more, and every big block, lies in one shared store under a
// mutex, so memory freed on another thread comes back too. Blocks up to 2 KiB are cut from slabs of 256 KiB,
// which go back when all of their blocks are free. Blocks above 64 KiB are kept only after keep_large(),
// until Storage::release_unused(); before, two of each size from 1 MiB on that is asked for again and again.
#pragma once

#include <cstddef>

namespace cairn::block_cache {

void* take(std::size_t bytes);  // 64-byte aligned, uninitialised; ResourceError when there is none
void give(void* block, std::size_t bytes) noexcept;  // `bytes` as asked for
void keep_large() noexcept;                          // gradients are computed: steps will repeat

// While it stands, large blocks go back to the system: what is done once and would leave the next work blocks
// of sizes that it does not ask for.
class LargeLetGo {
 public:
  LargeLetGo();
  LargeLetGo(const LargeLetGo&) = delete;
  LargeLetGo& operator=(const LargeLetGo&) = delete;
  ~LargeLetGo();

 private:
  bool kept_;
};

// For std::allocate_shared and containers.
template <class T>
struct Allocator {
  using value_type = T;  // NOLINT(readability-identifier-naming): the standard's name
  Allocator() = default;
  template <class U>
  Allocator(const Allocator<U>&) {}  // NOLINT(google-explicit-constructor): what allocators must have
  T* allocate(std::size_t n) {
    return static_cast<T*>(take(n * sizeof(T)));  // NOLINT(bugprone-sizeof-expression)
  }
  void deallocate(T* block, std::size_t n) noexcept {
    give(static_cast<void*>(block), n * sizeof(T));  // NOLINT(bugprone-sizeof-expression)
  }
  template <class U>
  bool operator==(const Allocator<U>&) const {
    return true;
  }
};

}  // namespace cairn::block_cache
