// A flight recording run again: the batch at which a training broke, layer by layer.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/train/flight_recorder.h"

namespace cairn {

struct FlightReplay {
  FlightRecording recording;
  double loss = 0;
  FirstFault fault;  // none: this step stays in the range of numbers
  std::vector<LayerStatistics> layers;
  std::string text() const;
  Json json() const;
};

// ModelFileError: not a recording, or one of a network that was no JSON; NotSupported: of a loss that has no
// name.
FlightReplay replay_flight(const std::string& path);

}  // namespace cairn
