// `cairn check`: a network declared in a file against a table, or against pictures.
#pragma once

#include <string>
#include <vector>

#include "cairn/check/network_check.h"
#include "cairn/run/train.h"

namespace cairn {

struct CheckOptions {
  std::string network, data, target, task;
  std::vector<std::string> ignore;
  bool prepare = false;  // the transforms that training would put before a network
  ReadFlags read;
  NetworkCheckOptions check;
  static const ParamList& list();  // all but network, data, `read` and `check`
};

// Pictures go in as `cnn` shows them to a network: each channel of mean 0 and deviation 1. DataError: columns
// that are no numbers, not as many as the network takes, or pictures of another size.
NetworkCheck check_file(const CheckOptions& options, const Registry& registry, const RunContext& context);

bool is_recording(const std::string& path);  // a flight recording, or at least no JSON

}  // namespace cairn
