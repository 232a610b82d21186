// `cairn check`: a network declared in a file against a table.
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

// DataError: columns that are no numbers, or not as many as the network takes.
NetworkCheck check_file(const CheckOptions& options, const Registry& registry, const RunContext& context);

bool is_recording(const std::string& path);  // a flight recording, or at least no JSON

}  // namespace cairn
