// Pictures changed at random while a network is trained on them.
#pragma once

#include <cstdint>

#include "cairn/base/random.h"
#include "cairn/tensor/tensor.h"

namespace cairn::train_detail {

struct Augmentation {
  bool flip = false;                   // left and right change places in every other picture
  std::int64_t rows = 0, columns = 0;  // shifted by up to so many pixels; the edge is repeated
};

// u8 [n, H, W, C]; three numbers drawn a picture, whatever the settings.
Tensor augmented(const Tensor& pictures, const Augmentation& how, Random& random);

}  // namespace cairn::train_detail
