// A network of fully connected layers for tables.
//
//   auto model = prepare(Mlp({.hidden = "64, 64"}), data)->fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cairn/model/registry.h"

namespace cairn {

struct MlpParams {
  std::string network;  // JSON; the program's --set takes the name of a file with it too
  std::string hidden = "64";
  std::string activation = "relu";
  std::string categories = "one_hot";
  std::string optimizer = "adam";
  double learning_rate = 0.01;
  std::string schedule = "cosine";
  std::int64_t epochs = 60;
  std::int64_t batch_size = 0;
  double l2 = 3;  // lambda: lambda / (2 n) times the sum of squared weights joins the mean loss
  double l1 = 0;  // lambda / n times the sum of the weights' sizes joins the mean loss
  double max_norm = 0;
  double dropout = 0;
  double label_smoothing = 0;
  double mixup = 0;
  double clip_norm = 0;
  double ema = 0;
  std::int64_t patience = 0;
  double held_out = 0.1;
  std::string precision = "f32";
  static const ParamList& list();
};

// Rumelhart, Hinton, Williams: Learning representations by back-propagating errors; 1986. Squared error on a
// standardised target, or cross-entropy; weights drawn from the context's seed (He 2015 before rectifiers,
// Glorot 2010 else). Or the network that `network` declares.
class Mlp final : public LearnerWith<Mlp, MlpParams> {
 public:
  static constexpr const char* kName = "mlp";
  explicit Mlp(Params params);
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  // The network for so many inputs and outputs, as JSON; a declared one is given as it is. `blocks` are those
  // of a CategoryEmbedding before the first layer; empty: none.
  std::string network(std::int64_t inputs, std::int64_t outputs, const std::string& blocks = "") const;

 private:
  std::string declared() const;  // what `network` declares; empty: nothing
};

LearnerEntry mlp_entry();

}  // namespace cairn
