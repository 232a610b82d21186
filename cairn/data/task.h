// What is to be predicted.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn {

enum class Task : std::uint8_t { regression, binary, multiclass };

const char* name_of(Task task);              // "regression"
Task task_from_name(std::string_view name);  // UsageError with the known names
// What the number is that a model gives a row of a regression. Metrics that speak of something else are not
// shown.
enum class Predicts : std::uint8_t {
  value,       // the target itself
  quantiles,   // levels of the target's distribution
  rank_score,  // orders the rows of a group, larger first; it has no unit
  risk,        // orders rows by how soon it happens, larger sooner
  duration,    // the time until it happens, where it had not yet happened for some rows (censored)
};
// Whether truth is a time that some rows have not lived to see.
inline bool is_survival(Predicts p) { return p == Predicts::risk || p == Predicts::duration; }

inline bool is_classification(Task task) { return task != Task::regression; }

}  // namespace cairn
