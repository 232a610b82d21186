// One network with every option of the courses' second part, to be combined at will: a penalty on the
// weights, dropout, batch normalisation, any optimiser, batches of any size.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cairn/nn/sequential.h"
#include "cairn/optim/schedule.h"
#include "recipes/networks.h"
#include "recipes/planar.h"

namespace cairn::recipes {

struct OneNetworkOptions {
  std::vector<std::int64_t> sizes = {2, 5, 2, 1};
  double penalty = 0;         // lambda: the cost gains lambda / (2 m) times the sum of squared weights
  double keep = 1;            // dropout keeps this share of the hidden units
  bool course_masks = false;  // the masks of NumPy's seed 1, the same in every step, as the lab draws them
  bool batch_norm = false;
  std::string optimizer = "sgd";
  std::string optimizer_params = "{}";  // JSON, beside the learning rate
  double learning_rate = 0.3;
  std::int64_t batch_size = 0;    // 0: all examples in every step
  std::optional<Schedule> decay;  // of the learning rate, after each pass
  // The weights' standard deviation by the number of inputs, drawn from NumPy's seed 3; empty: drawn by us.
  double (*scale)(double inputs) = nullptr;
  std::uint64_t seed = 1;  // of what is not NumPy's
};

class OneNetwork {
 public:
  OneNetwork(const OneNetworkOptions& options, Planar data);  // f64
  OneNetwork(const OneNetwork&) = delete;                     // the optimiser holds on to the network
  OneNetwork& operator=(const OneNetwork&) = delete;

  // One pass, in the order that the lab draws for it when there are batches; the mean of their costs, each as
  // it was before its step.
  double pass(std::uint32_t number);
  // So many passes; the costs of every `every`-th.
  std::vector<double> train(std::uint32_t passes, std::uint32_t every);

  double accuracy(const Planar& points) const;
  // Where the decision for 1 holds, on a grid over the training points, with these on top.
  Chart picture(const std::string& title) const;

 private:
  Tensor logits(const Tensor& x) const;  // in evaluation
  double penalty_part();
  OneNetworkOptions options_;
  Planar data_;
  Sequential net_;
  std::unique_ptr<Optimizer> optimizer_;
};

}  // namespace cairn::recipes
