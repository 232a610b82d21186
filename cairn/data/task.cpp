#include "cairn/data/task.h"

#include <fmt/format.h>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"

namespace cairn {

const char* name_of(Task task) {
  switch (task) {
    case Task::regression:
      return "regression";
    case Task::binary:
      return "binary";
    case Task::multiclass:
      return "multiclass";
  }
  return "?";
}

Task task_from_name(std::string_view name) {
  for (const Task task : {Task::regression, Task::binary, Task::multiclass})
    if (name == name_of(task)) return task;
  const std::vector<std::string> known{"regression", "binary", "multiclass"};
  throw UsageError("task", fmt::format("'{}' is not a task", name), suggestion(name, known));
}

}  // namespace cairn
