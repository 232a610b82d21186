// Features cut into at most 256 bins: what histograms are made of. Cuts are quantiles of the weighted values;
// with fewer distinct values than bins every value has its own. The row-major copy serves histograms (a row
// in one or few cache lines), the column copy serves the partition.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "cairn/base/stop.h"
#include "cairn/tree/tree_data_internal.h"

namespace cairn::tree {

constexpr int kMostBins = 255;  // of values; a further one for missing

struct BinnedFeature {
  bool category = false;
  bool has_missing = false;
  int num_bins = 1;                 // of values; the bin of missing ones is number num_bins
  std::vector<double> cuts;         // number: bin b holds values in (cuts[b - 1], cuts[b]]; [num_bins - 1]
  std::vector<std::int32_t> codes;  // category: code of bin b, by code; [num_bins], less one with other_codes
  bool other_codes = false;         // the last bin holds rare codes, which never go left
  int sparse_bin = -1;              // sparse: the bin of the rows that are not listed
  int missing_bin() const { return num_bins; }
  int width() const { return num_bins + (has_missing ? 1 : 0); }
};

// Cuts values of one feature into its bins, whatever block of rows they stand in.
class FeatureBinner {
 public:
  explicit FeatureBinner(const BinnedFeature& feature);
  // Rows [begin, end) of the column. A code that has no bin of its own shares the last one.
  void bin(const ColumnValues& column, std::int64_t begin, std::int64_t end, std::uint8_t* bins) const;

 private:
  bool category_;
  std::uint8_t last_, missing_;
  std::vector<double> cuts_;          // filled up to 256 with infinity
  std::vector<std::uint8_t> bin_of_;  // [codes]
};

class BinnedData {
 public:
  BinnedData(const TreeData& data, int max_bins, const StopToken& stop);
  // Rows that are cut already: `columns` holds a bin a row of each feature, one feature after the other, and
  // kColumnSlack bytes more. Where has_missing is set, some row may be missing.
  BinnedData(std::vector<BinnedFeature> features, std::vector<std::uint8_t> columns, std::int64_t rows,
             const StopToken& stop);
  // Bytes at the most, of that many features.
  static double bytes(std::int64_t rows, std::int64_t features);
  static constexpr std::int64_t kMostRows = std::numeric_limits<std::int32_t>::max();
  std::int64_t rows() const { return n_; }
  std::int64_t num_features() const { return static_cast<std::int64_t>(features_.size()); }
  const BinnedFeature& feature(std::int64_t f) const { return features_[static_cast<std::size_t>(f)]; }
  // Where a feature's entries begin in a histogram: first the dense features, width() entries each.
  std::int64_t offset(std::int64_t f) const { return offsets_[static_cast<std::size_t>(f)]; }
  std::int64_t histogram_size() const { return histogram_size_; }
  std::int64_t num_dense() const { return std::ssize(dense_); }
  std::int64_t width() const { return width_; }    // the most bins of a dense feature, rounded up
  std::int64_t stride() const { return stride_; }  // bytes a row: num_dense rounded up to 8
  const std::uint8_t* row(std::int64_t r) const { return rows_ + r * stride_; }  // dense features
  std::span<const std::uint32_t> sparse_entries(std::int64_t r) const {          // what the row adds to
    const auto first = static_cast<std::size_t>(sparse_begin_[static_cast<std::size_t>(r)]),
               end = static_cast<std::size_t>(sparse_begin_[static_cast<std::size_t>(r) + 1]);
    return {sparse_entries_.data() + first, end - first};
  }
  const std::vector<std::int32_t>& sparse() const { return sparse_; }
  // One bin a row. Reading kColumnSlack bytes beyond the last row is safe: vectors do.
  static constexpr std::size_t kColumnSlack = 3;
  const std::uint8_t* column(std::int64_t f) const { return columns_.data() + f * n_; }

 private:
  void bin_columns(const Matrix& x, const StopToken& stop);
  void lay_out(const StopToken& stop);
  void find_sparse();
  void lay_out_rows(const StopToken& stop);
  static std::int64_t stride_of(std::int64_t dense);
  std::int64_t n_ = 0, stride_ = 0, width_ = 0, histogram_size_ = 0;
  std::vector<std::int32_t> dense_, sparse_;
  std::vector<std::int64_t> offsets_, sparse_begin_;
  std::vector<std::uint32_t> sparse_entries_;
  std::vector<BinnedFeature> features_;
  std::vector<std::uint8_t> row_memory_, columns_;
  std::uint8_t* rows_ = nullptr;  // 32-byte aligned within row_memory_
};

// Ascending distinct values with their weights -> cuts between bins of about equal weight.
std::vector<double> quantile_cuts(std::span<const double> values, std::span<const double> weights,
                                  int max_bins);
// A number m with a <= m < b for a < b, halfway where there is one.
double between_values(double a, double b);
// Distinct values that are not missing, ascending, and the weight of each (of rows, when weights is empty).
struct DistinctValues {
  std::vector<double> values, weights;
  bool has_missing = false;
};
DistinctValues distinct_values(const ColumnValues& column, std::span<const double> weights);
// The bins of a feature with these values; of a category they are codes.
BinnedFeature cut_feature(const DistinctValues& distinct, bool category, int max_bins);

}  // namespace cairn::tree
