// The answer of the training rows that lie nearest (Cover and Hart: Nearest neighbor pattern classification;
// 1967).
#pragma once

#include <string>

#include "cairn/model/numeric.h"
#include "cairn/model/registry.h"
#include "cairn/neighbors/neighbors.h"

namespace cairn {

struct KNearestNeighborsParams {
  std::int64_t k = 5;
  std::string weights = "uniform";
  std::string metric = "euclidean";
  static const ParamList& list();
};

// Regression: the mean of the k nearest targets. Classification: the shares of the classes among the k
// nearest. With weights by distance a neighbour counts 1 / distance; neighbours at distance 0, if any, count
// alone. Equal distances: the earlier training row. The model holds the training rows. NotSupported: rows
// with different weights; a neighbour counts once.
class KNearestNeighbors : public LearnerWith<KNearestNeighbors, KNearestNeighborsParams> {
 public:
  static constexpr const char* kName = "k_nearest_neighbors";
  using LearnerWith::LearnerWith;
  std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const override;
};

class KNearestNeighborsModel : public NumericModel {
 public:
  KNearestNeighborsModel() = default;  // blank, for visit()
  KNearestNeighborsModel(NumericData data, const KNearestNeighborsParams& params);
  std::string_view kind() const override { return KNearestNeighbors::kName; }
  void compute(const Matrix& x, std::span<double> outputs) const override;

 protected:
  void visit_members(Visitor& v) override;

 private:
  void visit_points(Visitor& v);
  void check_loaded() const;
  std::int64_t k_ = 1;
  bool by_distance_ = false;
  Distance metric_ = Distance::euclidean;
  Matrix points_;   // [n, d]
  Tensor targets_;  // [n]: f64 values, or i32 codes of classes
  NeighborIndex index_;
};

}  // namespace cairn
