// The one family of errors. Every message reads `where: what happened, with values; what was expected. Hint.`
#pragma once

#include <cstdint>
#include <exception>
#include <string>

namespace cairn {

// What kind of trouble it is; the value is the program's exit code.
enum class ErrorKind : std::uint8_t {
  run_failed = 1,
  usage = 2,
  bad_data = 3,
  bad_model = 4,
  resource_limit = 5,
  bar_not_met = 6,
  interrupted = 7,
};

class Error : public std::exception {
 public:
  // `where` is a place in the person's world: an operation, a file and line, a flag. `hint` may be empty.
  Error(ErrorKind kind, std::string where, std::string message, std::string hint = {});

  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }
  const char* code() const;  // "usage", "bad_data", ...: the name used under --json
  const std::string& where() const { return where_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const char* what() const noexcept override { return text_.c_str(); }

  // Puts an outer place in front: "encoder.fc1" makes "in encoder.fc1: matmul: ...".
  void add_place(const std::string& place);

 private:
  void compose();
  ErrorKind kind_;
  std::string where_, message_, hint_, text_;
};

template <ErrorKind K>
class ErrorOf : public Error {
 public:
  explicit ErrorOf(std::string where, std::string message, std::string hint = {})
      : Error(K, std::move(where), std::move(message), std::move(hint)) {}
};

struct UsageError : ErrorOf<ErrorKind::usage> {  // a flag, a name or a parameter that cannot be used
  using ErrorOf::ErrorOf;
};
struct ParamError : UsageError {  // a parameter's name or value
  using UsageError::UsageError;
};
struct ShapeError : UsageError {  // tensors whose shapes do not fit
  using UsageError::UsageError;
};
struct DTypeError : UsageError {  // tensors whose element types do not fit
  using UsageError::UsageError;
};
struct NotSupported : UsageError {  // a sensible request that this build or this model cannot serve
  using UsageError::UsageError;
};
struct DataError : ErrorOf<ErrorKind::bad_data> {  // the person's data
  using ErrorOf::ErrorOf;
};
struct FileError : DataError {  // a file that cannot be opened, read or written
  using DataError::DataError;
};
struct ModelFileError : ErrorOf<ErrorKind::bad_model> {
  using ErrorOf::ErrorOf;
};
struct ResourceError : ErrorOf<ErrorKind::resource_limit> {  // a stated limit, or memory, is used up
  using ErrorOf::ErrorOf;
};
struct DiskFull : ResourceError {
  using ResourceError::ResourceError;
};
struct BarNotMet : ErrorOf<ErrorKind::bar_not_met> {  // --require was not reached
  using ErrorOf::ErrorOf;
};
struct Interrupted : ErrorOf<ErrorKind::interrupted> {  // Ctrl-C or a stop token
  using ErrorOf::ErrorOf;
};
struct FitError : ErrorOf<ErrorKind::run_failed> {  // the data are fine, the algorithm could not finish
  using ErrorOf::ErrorOf;
};
struct InternalError : ErrorOf<ErrorKind::run_failed> {  // a mistake of ours, never of the person
  using ErrorOf::ErrorOf;
};

// Whether the next attempt would meet it too: a stop, a full disk, a file that cannot be read or written. Who
// tries several things, and notes what one of them could not do, throws these on.
bool ends_the_run(const Error& e);

// A mistake inside the library becomes an exception, never an abort: the process that links us lives.
[[noreturn]] void internal_failure(const char* expression, const char* file, int line);
#define CAIRN_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::cairn::internal_failure(#condition, __FILE__, __LINE__))

// Something the person should know that does not stop the work.
struct Warning {
  std::string code;     // "constant_column", "leak_suspect", ...
  std::string column;   // empty when it is about no single column
  std::string message;  // a full sentence with values and, where there is one, the flag that settles it
};

}  // namespace cairn
