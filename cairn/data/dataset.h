// The one idea of data: an immutable table plus the roles of its columns. Everything a learner sees.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/data/table.h"
#include "cairn/data/task.h"

namespace cairn {

struct Roles {
  std::string target;  // empty: none
  std::string weight, group, time;
  std::string event;  // 1: the target's time is when it happened; 0: it had not happened by then (censored)
  std::vector<std::string> id;  // kept beside predictions, never learned from
  std::vector<std::string> ignored;
};

struct DatasetOptions {
  Roles roles;
  std::optional<Task> task;  // default: told from the target (see infer_task)
  std::string positive;  // binary: the class that counts as positive; default: the last of the sorted classes
  std::vector<std::string> classes;  // default: the distinct target values, sorted (numbers by value)
};

class Dataset {
 public:
  // Checks the roles (UsageError with the nearest column name) and the target: missing targets' rows are
  // dropped with a warning; a constant, all-missing or, for regression, textual target is a DataError.
  // Weights are finite and >= 0, events 0 or 1.
  Dataset(Table table, DatasetOptions options);

  const Table& table() const { return table_; }
  const Roles& roles() const { return roles_; }
  Task task() const { return task_; }
  std::int64_t num_rows() const { return table_.num_rows(); }

  Table features() const;  // every column without a role
  const Column& target() const;
  const std::vector<std::string>& classes() const {
    return classes_;
  }  // classification: fixed for all parts of a split
  std::int32_t positive() const { return positive_; }  // binary: index into classes()
  std::vector<std::int32_t> class_codes() const;       // classification: a code a row
  std::vector<double> target_values() const;           // regression: a number a row
  std::vector<double> weights() const;                 // empty when every row counts once
  std::vector<std::int64_t> groups() const;            // a group number a row; empty without the role
  std::vector<std::uint8_t> events() const;            // 0 or 1 a row; empty without the role
  // A number a row: rows of one number are copies of one case and stay on one side of a split. Empty: not
  // looked for yet; splits then find identical rows themselves.
  const std::vector<std::int64_t>& copies() const { return copies_; }
  bool has_near_copies() const { return near_copies_; }  // some of them are not identical

  // The rows named, with the same task, classes and roles: a part may lack a class.
  Dataset select(std::span<const std::int64_t> rows) const;
  // Both parts of a split at the price of one: the whole is given up column by column.
  std::pair<Dataset, Dataset> divide(std::span<const std::int64_t> first,
                                     std::span<const std::int64_t> second) &&;
  // Another table with the same roles, task and classes: a given test file. Labels that differ only by blanks
  // around or a trailing point are matched, with a Warning; an unknown label is a DataError.
  Dataset with_table(Table table) const;
  // The same rows with other feature columns, as transforms produce them; columns with a role stay.
  Dataset with_features(const Table& features) const;
  // A regression whose target is another number a row: a transformed one.
  Dataset with_target(std::vector<double> values) const;
  Dataset with_weights(
      std::vector<double> weights) const;  // multiplies into present weights; for class weights and tests

  Dataset with_copies(std::vector<std::int64_t> of_row, bool near) const;
  Dataset with_roles(Roles roles) const;  // the same target, weight and event; other splits, other features

  const std::vector<Warning>& warnings() const { return warnings_; }

 private:
  Dataset() = default;
  Dataset with_rows_of(Table table, std::span<const std::int64_t> rows) const;
  Table table_;
  Roles roles_;
  Task task_ = Task::regression;
  std::vector<std::string> classes_;
  std::int32_t positive_ = 0;
  std::vector<double> weights_;
  std::vector<std::int64_t> copies_;
  bool near_copies_ = false;
  std::vector<Warning> warnings_;
};

// More distinct values than this are an identifier, not a target's classes.
inline constexpr std::size_t kMostTargetClasses = 10'000;

// UsageError for a role whose column the table lacks, with the nearest name.
void check_roles(const Table& table, const Roles& roles);

// regression for number columns with more than 20 distinct values or any fraction; binary and multiclass
// else.
Task infer_task(const Column& target, std::string* reason = nullptr);

}  // namespace cairn
