// A file with columns and no rows: an error where it is all there is, nothing where it is one of many parts.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cairn/base/error.h"

namespace cairn {

struct NoRows : DataError {
  NoRows(std::string where, std::string message, std::vector<std::string> names = {})
      : DataError(std::move(where), std::move(message)), columns(std::move(names)) {}
  std::vector<std::string> columns;  // empty: not known
};

}  // namespace cairn
