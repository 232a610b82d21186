// What is to be predicted.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn {

enum class Task : std::uint8_t { regression, binary, multiclass };

const char* name_of(Task task);              // "regression"
Task task_from_name(std::string_view name);  // UsageError with the known names
inline bool is_classification(Task task) { return task != Task::regression; }

}  // namespace cairn
