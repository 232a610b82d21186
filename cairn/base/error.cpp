#include "cairn/base/error.h"

#include <fmt/format.h>

namespace cairn {

Error::Error(ErrorKind kind, std::string where, std::string message, std::string hint)
    : kind_(kind), where_(std::move(where)), message_(std::move(message)), hint_(std::move(hint)) {
  compose();
}

const char* Error::code() const {
  switch (kind_) {
    case ErrorKind::run_failed:
      return "run_failed";
    case ErrorKind::usage:
      return "usage";
    case ErrorKind::bad_data:
      return "bad_data";
    case ErrorKind::bad_model:
      return "bad_model";
    case ErrorKind::resource_limit:
      return "resource_limit";
    case ErrorKind::bar_not_met:
      return "bar_not_met";
    case ErrorKind::interrupted:
      return "interrupted";
  }
  return "run_failed";
}

void Error::add_place(const std::string& place) {
  where_ = where_.rfind("in ", 0) == 0 ? fmt::format("in {}.{}", place, where_.substr(3))
                                       : fmt::format("in {}: {}", place, where_);
  compose();
}

void Error::compose() {
  text_ = where_.empty() ? message_ : where_ + ": " + message_;
  if (text_.empty() || text_.back() != '.') {
    if (!hint_.empty() && text_.back() != '?') text_ += '.';
  }
  if (!hint_.empty()) text_ += ' ' + hint_;
}

void internal_failure(const char* expression, const char* file, int line) {
  throw InternalError("cairn", fmt::format("internal check '{}' failed at {}:{}", expression, file, line),
                      "This is a defect of ours; please report it with the command that led here.");
}

bool ends_the_run(const Error& e) {
  return e.kind() == ErrorKind::interrupted || dynamic_cast<const FileError*>(&e) ||
         dynamic_cast<const DiskFull*>(&e);
}

}  // namespace cairn
