// Rows of a table by number: words, users, items.
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

// table [V, D], index of i64 [...]: [..., D]. Rows of `padding_index` are zeros and have no gradient; -1:
// none.
Tensor embedding(const Tensor& table, const Tensor& index, std::int64_t padding_index = -1);

}  // namespace cairn
