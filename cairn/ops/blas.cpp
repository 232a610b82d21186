#include "cairn/ops/blas_internal.h"

#include <dlfcn.h>

#include <atomic>
#include <mutex>

// OpenBLAS calls these two through the dynamic symbol table, so definitions in the program come first; they
// take the lock and pass the call on. Builds that lock by themselves are none the worse.
namespace {

std::mutex guard;
std::atomic<long> allocations{0};

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* blas_memory_alloc(int position) {
  static const auto original = next<void* (*)(int)>("blas_memory_alloc");
  const std::lock_guard lock(guard);
  allocations.fetch_add(1, std::memory_order_relaxed);
  return original(position);
}

void blas_memory_free(void* buffer) {
  static const auto original = next<void (*)(void*)>("blas_memory_free");
  const std::lock_guard lock(guard);
  original(buffer);
}
}

namespace cairn::blas {

long locked_allocations() { return allocations.load(std::memory_order_relaxed); }

}  // namespace cairn::blas
