// What a training tells of its epochs: a line of log.jsonl, an event for whoever started it, event files.
#pragma once

#include <optional>
#include <vector>

#include "cairn/train/event_file.h"
#include "cairn/train/layer_probe.h"
#include "cairn/train/trainer.h"

namespace cairn::train_detail {

class EpochLog {
 public:
  // Goes on after `epochs`: what a training that was killed has told of later ones is taken back.
  EpochLog(const TrainerOptions& options, const TrainerHooks& hooks, std::size_t epochs);
  // `layers`: of a look in this epoch; empty: none was taken.
  void tell(const Epoch& epoch, const std::vector<LayerStatistics>& layers,
            const std::vector<std::string>& remarks, ModuleRef net);

 private:
  void tell_tensorboard(const Epoch& epoch, const std::vector<LayerStatistics>& layers, ModuleRef net);
  const TrainerHooks& hooks_;
  std::string file_;  // empty: none
  std::optional<EventFile> events_;
};

}  // namespace cairn::train_detail
