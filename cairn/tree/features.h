// The columns a tree asks about, seen as numbers: a category as the code of its level, missing as NaN.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/table.h"
#include "cairn/ops/matrix.h"
#include "cairn/tensor/visitor.h"
#include "cairn/tree/ensemble_write.h"

namespace cairn {

struct TreeFeature {
  std::string name;
  bool category = false;
  std::vector<std::string> levels;  // category: of code 0, 1, ...
  void visit(Visitor& v);
};

class TreeFeatures {
 public:
  TreeFeatures() = default;
  // The features of a training table. DataError for text and date columns names `prepare`.
  explicit TreeFeatures(const Table& table, std::string_view learner = "trees");
  explicit TreeFeatures(std::vector<TreeFeature> features) : features_(std::move(features)) {}

  const std::vector<TreeFeature>& list() const { return features_; }
  std::int64_t size() const { return static_cast<std::int64_t>(features_.size()); }
  // The features of any table, [n, size()], by name. Levels that training did not see are missing. DataError
  // names the columns that are absent or of another kind.
  Matrix matrix(const Table& table) const;
  TreeNames names(std::vector<std::string> outputs = {}) const;
  void visit(Visitor& v) { v.children("features", features_); }

 private:
  std::vector<TreeFeature> features_;
};

}  // namespace cairn
