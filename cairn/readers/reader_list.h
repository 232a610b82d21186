// The readers of arrays and pictures, in the order in which a file's content is shown to them.
#pragma once

#include <span>

#include "cairn/data/reader.h"

namespace cairn {

std::span<const Reader> array_readers();

}  // namespace cairn
