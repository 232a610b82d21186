// What a table's columns are: inferred once, with the reason, kept in the model and enforced at prediction.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/data/table.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

struct ColumnSpec {
  std::string name;
  ColumnKind kind = ColumnKind::number;
  std::vector<std::string> levels;  // category
  std::string reason;               // why this kind: "all 344 values are numbers", "--types"
  std::int64_t num_missing = 0;
  double low = 0, high = 0;         // number, integer, date: range seen in training
  std::vector<std::int64_t> shape;  // image: height, width, channels
  void visit(Visitor& v);
};

struct Schema {
  std::vector<ColumnSpec> columns;

  static Schema of(const Table& table);
  const ColumnSpec* find(std::string_view name) const;
  // Every spec by its name, for whoever looks up many. Lives as long as the schema.
  std::unordered_map<std::string_view, const ColumnSpec*> index() const;

  // The table with exactly these columns, in this order, of these kinds. Extra columns are dropped, other
  // order is fine. A missing column, or a cell that cannot be read as its kind, is a DataError that names
  // column and row. Levels never seen in training become missing; a Warning counts them. Numbers may come as
  // columns of their own or as one column of features, whichever the model has; what a sparse one leaves out
  // is 0.
  Table conform(const Table& table, std::vector<Warning>* warnings = nullptr) const;
  // The table with numbers in the form that this schema has them, columns of their own or one column of
  // features; everything else as it is.
  Table in_form(const Table& table, std::vector<Warning>* warnings = nullptr) const;
  void visit(Visitor& v) { v.children("columns", columns); }
};

}  // namespace cairn
