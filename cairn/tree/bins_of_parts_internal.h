// BinnedData of rows that come a part at a time: each part is cut into bins as it comes, and a byte a value
// is what stays of it (two-round loading in Ke and others: LightGBM, 2017, with bins from a sample).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cairn/tree/bins_internal.h"

namespace cairn::tree {

class BinsOfParts {
 public:
  // The features are the sample's, and so are the cuts of numbers: bins that rows in memory get when the
  // sample is all of them. `most_rows`: as many as will come, or more.
  BinsOfParts(const TreeData& sample, std::int64_t most_rows, int max_bins, const StopToken& stop);
  void add(const TreeData& part);
  // The bins of categories are those of all rows that came: a level need not stand in the sample.
  std::shared_ptr<const BinnedData> finish() &&;

  // Levels from which on a category keeps its codes beside, 4 bytes a row, until all rows have come.
  static constexpr std::int64_t kManyLevels = 256;

 private:
  struct Category {
    std::vector<double> weight;       // [levels] of the rows so far
    std::vector<std::int32_t> codes;  // [rows] of many levels; -1: missing
    bool has_missing = false;
  };
  template <class T>
  void add_codes(std::span<const T> codes, std::span<const double> weights, Category& c, std::uint8_t* bins);
  void cut_category(std::int64_t feature);
  std::uint8_t* column(std::int64_t feature) { return columns_.data() + feature * most_rows_; }

  std::int64_t most_rows_, rows_ = 0;
  int max_bins_;
  StopToken stop_;
  std::vector<BinnedFeature> features_;  // of categories only what is known beforehand
  std::vector<FeatureBinner> binners_;   // [features]
  std::vector<Category> categories_;     // [features]; empty ones of numbers
  std::vector<std::uint8_t> columns_;  // [features, most_rows]; categories of few levels: codes until the end
};

}  // namespace cairn::tree
