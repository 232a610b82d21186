#include "cairn/tree/bins_of_parts_internal.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/parallel.h"

namespace cairn::tree {
namespace {

constexpr std::uint8_t kMissingCode = 255;  // beside codes of fewer than BinsOfParts::kManyLevels levels

}  // namespace

BinsOfParts::BinsOfParts(const TreeData& sample, std::int64_t most_rows, int max_bins, const StopToken& stop)
    : most_rows_(most_rows), max_bins_(max_bins), stop_(stop) {
  CAIRN_ASSERT(most_rows <= BinnedData::kMostRows);
  const auto& list = sample.features.list();
  const std::int64_t d = sample.features.size();
  const Matrix x = by_columns(sample.x);
  features_.resize(at(d));
  categories_.resize(at(d));
  parallel_for(
      d, 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) {
          if (!list[at(f)].category) {
            features_[at(f)] =
                cut_feature(distinct_values(ColumnValues(x, f), sample.weights), false, max_bins);
            continue;
          }
          features_[at(f)].category = true;
          categories_[at(f)].weight.resize(list[at(f)].levels.size());
        }
      },
      stop);
  for (const BinnedFeature& f : features_) binners_.emplace_back(f);
  columns_.resize(at(d * most_rows) + BinnedData::kColumnSlack);
  for (Category& c : categories_)
    if (std::ssize(c.weight) >= kManyLevels) c.codes.reserve(at(most_rows));
}

template <class T>
void BinsOfParts::add_codes(std::span<const T> codes, std::span<const double> weights, Category& c,
                            std::uint8_t* bins) {
  const bool many = std::ssize(c.weight) >= kManyLevels;
  for (std::size_t r = 0; r < codes.size(); ++r) {
    const bool missing = std::isnan(codes[r]);
    const std::int32_t code = missing ? -1 : static_cast<std::int32_t>(codes[r]);
    if (missing)
      c.has_missing = true;
    else
      c.weight[at(code)] += weights.empty() ? 1 : weights[r];
    if (many)
      c.codes.push_back(code);
    else
      bins[r] = missing ? kMissingCode : static_cast<std::uint8_t>(code);
  }
}

void BinsOfParts::add(const TreeData& part) {
  const std::int64_t n = part.rows();
  CAIRN_ASSERT(rows_ + n <= most_rows_ && part.features.size() == std::ssize(features_));
  const Matrix x = by_columns(part.x);
  parallel_for(
      std::ssize(features_), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) {
          const ColumnValues values(x, f);
          std::uint8_t* bins = column(f) + rows_;
          if (!features_[at(f)].category)
            binners_[at(f)].bin(values, 0, n, bins);
          else if (values.is_f32())
            add_codes(values.f32(), part.weights, categories_[at(f)], bins);
          else
            add_codes(values.f64(), part.weights, categories_[at(f)], bins);
        }
      },
      stop_);
  rows_ += n;
}

void BinsOfParts::cut_category(std::int64_t feature) {
  Category& c = categories_[at(feature)];
  DistinctValues distinct;
  distinct.has_missing = c.has_missing;
  for (std::size_t code = 0; code < c.weight.size(); ++code) {
    if (!(c.weight[code] > 0)) continue;
    distinct.values.push_back(static_cast<double>(code));
    distinct.weights.push_back(c.weight[code]);
  }
  features_[at(feature)] = cut_feature(distinct, true, max_bins_);
  const BinnedFeature& f = features_[at(feature)];
  std::vector<std::uint8_t> bin_of(std::max<std::size_t>(c.weight.size(), kMissingCode + 1),
                                   static_cast<std::uint8_t>(f.num_bins - 1));  // of rare levels
  for (std::size_t b = 0; b < f.codes.size(); ++b) bin_of[at(f.codes[b])] = static_cast<std::uint8_t>(b);
  const auto missing = static_cast<std::uint8_t>(f.missing_bin());
  std::uint8_t* bins = column(feature);
  if (std::ssize(c.weight) < kManyLevels) {
    bin_of[kMissingCode] = missing;
    for (std::int64_t r = 0; r < rows_; ++r) bins[r] = bin_of[bins[r]];
    return;
  }
  for (std::int64_t r = 0; r < rows_; ++r)
    bins[r] = c.codes[at(r)] < 0 ? missing : bin_of[at(c.codes[at(r)])];
  c.codes = {};
}

std::shared_ptr<const BinnedData> BinsOfParts::finish() && {
  parallel_for(
      std::ssize(features_), 1,
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t f = begin; f < end; ++f) {
          if (features_[at(f)].category) {
            cut_category(f);
            continue;
          }
          BinnedFeature& number = features_[at(f)];
          const auto missing = static_cast<std::uint8_t>(number.missing_bin());
          number.has_missing = std::find(column(f), column(f) + rows_, missing) != column(f) + rows_;
        }
      },
      stop_);
  for (std::int64_t f = 1; rows_ < most_rows_ && f < std::ssize(features_); ++f)  // fewer came
    std::copy_n(column(f), rows_, columns_.data() + f * rows_);
  return std::make_shared<const BinnedData>(std::move(features_), std::move(columns_), rows_, stop_);
}

}  // namespace cairn::tree
