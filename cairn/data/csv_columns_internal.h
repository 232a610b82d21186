// Where the cells of a text table go: plans (how a column is read), pieces (what a region of the file gave),
// columns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/column.h"
#include "cairn/data/csv_dialect_internal.h"
#include "cairn/data/infer.h"
#include "cairn/data/schema.h"

namespace cairn {

inline constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

// How a column is read, and why.
struct ColumnPlan {
  std::string name;
  CellTypes types = kAllCellTypes;    // that every cell seen so far can be read as
  CellType type = CellType::boolean;  // the narrowest of them
  std::optional<ColumnKind> stated;   // by --types or a model's schema
  std::string stated_by;              // "--types", "the model's schema"
};

// Strings of one column in one region: every distinct one once, and a code a row; -1 is missing. Beyond
// `limit` distinct ones equal strings are no longer found, and each row gets an entry of its own.
class StringPiece {
 public:
  explicit StringPiece(std::int64_t limit) : limit_(limit) {}
  void add(std::string_view text) { codes_.push_back(code_of(text)); }
  // The number of an entry, made where there is none, without a row that has it.
  std::int32_t code_of(std::string_view text);
  void add_missing() { codes_.push_back(-1); }
  bool distinct() const { return distinct_; }
  std::size_t num_entries() const { return ends_.size(); }
  std::string_view entry(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(arena_).substr(begin, ends_[i] - begin);
  }
  const std::vector<std::int32_t>& codes() const { return codes_; }

 private:
  std::int32_t append(std::string_view text);
  void grow();
  std::int64_t limit_;
  bool distinct_ = true;
  std::string arena_;
  std::vector<std::size_t> ends_;
  std::vector<std::int32_t> codes_, slots_;
};

// What one region gave for one column.
struct ColumnPiece {
  CellTypes types = kAllCellTypes;              // intersection over the cells that did not fit the plan
  std::vector<std::int32_t> missing;            // rows of the region; number columns hold NaN instead
  std::int32_t num_missing = 0, num_unfit = 0;  // unfit: made missing as the person asked
  std::size_t unfit = kNowhere;  // byte of the first cell that cannot be read as the column's stated kind
  std::size_t not_finite = kNowhere;  // byte of the first number that is not finite
  std::unique_ptr<StringPiece> strings;
};

// The arrays being filled: one slot a row, for columns that are not strings.
class ColumnStore {
 public:
  ColumnStore(std::size_t columns, std::int64_t slots)
      : slots_(slots), arrays_(columns), at_(columns, nullptr) {}
  void allocate(std::size_t column, CellType type);
  template <class T>
  T* at(std::size_t column) const {
    return static_cast<T*>(at_[column]);
  }
  std::int64_t slots() const { return slots_; }
  // Moves `rows` values from one slot to an earlier one.
  void move(std::size_t column, std::int64_t from, std::int64_t to, std::int64_t rows);
  void fill_missing(std::size_t column);  // a number column without any value
  Tensor take(std::size_t column, std::int64_t rows);

 private:
  std::int64_t slots_;
  std::vector<Tensor> arrays_;
  std::vector<void*> at_;
};

// The pieces of one column in the order of the file, with the rows of each region.
struct ColumnParts {
  const ColumnPlan* plan = nullptr;
  std::vector<ColumnPiece*> pieces;
  const std::vector<std::int64_t>* rows = nullptr;
  std::int64_t total_rows = 0;
};

// All strings of a column that differ, numbered in order of appearance; empty `number` when there are too
// many to tell.
struct Dictionary {
  bool complete = true;
  std::vector<std::string_view> entries;
  std::vector<std::int64_t> counts;               // rows of each
  std::vector<std::vector<std::int32_t>> number;  // piece -> entry of the piece -> entry here
};

// Category or text, with the reason in `spec`, and warnings about a column that is almost numbers or dates.
// `rows`: of the table.
ColumnKind kind_of_strings(const ColumnPlan& plan, const Dictionary& all, std::int64_t rows,
                           const CellRules& rules, ColumnSpec& spec, std::vector<Warning>& warnings);

// Makes the column and says what it is. A column of strings becomes category or text here. `warnings` gets
// columns that are almost numbers and dates of unknown order.
Column finish_column(const ColumnParts& parts, ColumnStore& store, std::size_t index, const CellRules& rules,
                     ColumnSpec& spec, std::vector<Warning>& warnings);

}  // namespace cairn
