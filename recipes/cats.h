// The courses' pictures of cats and of other things.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "recipes/networks.h"

namespace cairn::recipes {

struct Cats {
  Examples train, test;                  // x f64 [209 and 50, 12288] from 0 to 1, y f64 [n, 1]
  Tensor train_pictures, test_pictures;  // u8 [n, 64, 64, 3]
};
Cats read_cats(const DataFolder& data);

// Test pictures that a network takes for the other kind; and some with what it says of them.
Album wrong_cats(std::span<const Wrong> wrong, const Cats& cats);
Album judged_cats(const Network& net, const Cats& cats);

}  // namespace cairn::recipes
