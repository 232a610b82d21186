// The readers of all formats but delimited text, in the order in which a file's content is shown to them.
#pragma once

#include <span>

#include "cairn/data/reader.h"

namespace cairn {

std::span<const Reader> file_readers();

}  // namespace cairn
