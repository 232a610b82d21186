// BLAS that may be called from several threads at once. Include this, never <cblas.h>: it brings in the lock
// that serial builds of OpenBLAS lack around their table of work buffers (OpenBLAS pull request 2136),
// without which two threads can be handed the same buffer and multiply with each other's numbers.
#pragma once

#include <cblas.h>

namespace cairn::blas {

// How many work buffers BLAS has asked for through the lock; a test uses it to see that the lock is in place.
long locked_allocations();

namespace detail {
[[gnu::used]] inline long (*const kKeepTheLock)() =
    &locked_allocations;  // pulls the lock out of the static library
}

}  // namespace cairn::blas
