// Small networks judged in folds of the few pictures that the courses' test files hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/data/split.h"
#include "recipes/networks.h"

namespace cairn::recipes {

struct Pictures {
  Examples all;  // u8 [n, H, W, 3], classes i64 [n]
  std::vector<Split> folds;
};
// "test_signs.h5" of the courses' files, in five folds.
Pictures read_pictures_of(const DataFolder& data, const std::string& name);

struct FoldPlan {
  const char* network;   // of one logit, or of a logit a class; begun by He's or Glorot's rule as it says
  double learning_rate;  // Adam's
  std::int64_t epochs, batch_size;
};

struct Folds {
  double accuracy = 0, training = 0;  // over all folds
  std::vector<double> losses;         // of the first fold, an epoch each
  Album wrong;                        // unseen pictures, some of them
  Tensor first_weight;                // of the first fold's network
};
// The first `folds` of the five.
Folds judged(const FoldPlan& plan, const Pictures& pictures, int folds);

Chart loss_chart(const Folds& folds);

}  // namespace cairn::recipes
