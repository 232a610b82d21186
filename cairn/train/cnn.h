// A convolutional network for pictures.
//
//   const ReadResult pets = read_pictures("pets");
//   const Dataset data(pets.table, {.roles = {.target = "label", .id = {"file"}}});
//   auto model = Cnn({.epochs = 20}).fit(data);
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "cairn/model/registry.h"

namespace cairn {

struct CnnParams {
  std::string network;  // JSON; the program's --set takes the name of a file with it too
  std::string channels = "auto";
  std::int64_t depth = 0;
  double dropout = 0.2;
  std::string flip = "auto";
  double shift = 0.08;
  std::string optimizer = "adamw";
  double learning_rate = 0.004;
  double momentum = 0.9;
  std::string schedule = "one_cycle";
  std::int64_t epochs = 0;
  std::int64_t batch_size = 0;
  double weight_decay = 0.01;
  std::int64_t patience = 0;
  double held_out = 0.1;
  std::string precision = "f32";
  static const ParamList& list();
};

// Blocks of 3 x 3 convolutions, each with batch normalisation (Ioffe, Szegedy 2015) and a rectifier, halved
// by max pooling between them; the mean of every channel (Lin, Chen, Yan: Network in network; 2014), dropout
// and one linear layer give a logit a class. Cross-entropy. Or the network that `network` declares.
class Cnn final : public LearnerWith<Cnn, CnnParams> {
 public:
  static constexpr const char* kName = "cnn";
  explicit Cnn(Params params);
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
  // The network for pictures [height, width, channels] and so many classes, as JSON; depth 0 counts as 1. A
  // declared one is given as it is.
  std::string network(std::int64_t height, std::int64_t width, std::int64_t channels,
                      std::int64_t classes) const;

 private:
  std::string declared() const;  // what `network` declares; empty: nothing
};

LearnerEntry cnn_entry();

}  // namespace cairn
