// The result in one sentence of plain words.
#pragma once

#include <string>

#include "cairn/base/json.h"

namespace cairn::report {

struct Verdict {
  std::string sentence;  // "Of two unseen rows, one “yes” and one “no”, the model ranks the “yes” higher 89
                         // times in 100"
  std::string baseline;  // "guessing does so 50 times in 100"; empty when there is no baseline
  std::string figure;    // "ROC AUC 0.890, 95 % interval 0.838 to 0.937, on 179 held-out rows"
  std::string doubt;     // empty when the model is better than the baseline beyond its interval
};
Verdict verdict_of(const Json& result);

bool higher_is_better(const Json& result, const std::string& metric);

}  // namespace cairn::report
