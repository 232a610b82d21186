// One try of a search for good settings, and where tries are kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cairn/model/settings.h"

namespace cairn {

struct Trial {
  std::int64_t number = 0;    // 0: the settings as they were without a search
  std::int64_t rung = 0;      // of halving
  std::int64_t repeat = 0;    // above 0: measured again with another seed, for the noise
  double share = 1;           // of the full budget
  Settings settings;          // beside those that all trials have
  std::vector<double> parts;  // the metric on each fold, or on each of five parts of the rows that judge
  double mean = 0;            // NaN: it could not be fitted, or the metric is undefined
  double standard_error = 0;
  double seconds = 0;
  std::string failure;  // why it could not be fitted, or ""
};

// Keeps every trial as soon as it is measured, so that a search that was stopped goes on where it was.
class TrialJournal {
 public:
  virtual ~TrialJournal() = default;
  // The trial of these settings, share and repeat; false when it is not kept.
  virtual bool recall(Trial& trial) const = 0;
  virtual void keep(const Trial& trial) = 0;
};

}  // namespace cairn
