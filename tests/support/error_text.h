// What a piece of work says when it is refused.
#pragma once

#include <string>

#include "cairn/base/error.h"

namespace cairn::testing {

// The whole text of the Error that `work` ends with; "" when it ends well. Other exceptions go on.
template <class Work>
std::string error_text(Work&& work) {
  try {
    work();
  } catch (const Error& e) {
    return e.what();
  }
  return {};
}

}  // namespace cairn::testing
