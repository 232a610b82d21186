// Histograms against sums over rows: features most of whose rows share a bin are listed, the others are not.
#include "cairn/tree/histogram_internal.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "cairn/base/random.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::tree;

namespace {

// 5 dense features and 20 that are 0, or missing, nine times in ten.
TreeData mostly_zero(std::int64_t n) {
  Random draw(1, "rows");
  std::vector<std::vector<double>> rows;
  std::vector<double> y;
  for (std::int64_t r = 0; r < n; ++r) {
    auto& row = rows.emplace_back();
    for (int f = 0; f < 25; ++f) {
      const double usual = f % 3 == 0 ? std::nan("") : 0;
      row.push_back(f < 5 || draw.below(10) == 0 ? std::round(draw.normal() * 4) : usual);
    }
    y.push_back(draw.normal());
  }
  return tree_data(test::regression_data(rows, y), "trees");
}

}  // namespace

TEST_CASE("histograms: listed features and others hold the sums of their rows") {
  const std::int64_t n = 700;
  const TreeData data = mostly_zero(n);
  const BinnedData binned(data, 255, {});
  REQUIRE(binned.sparse().size() == 20);
  REQUIRE(binned.num_dense() == 5);
  Random draw(2, "words");
  std::vector<std::int64_t> words;
  for (std::int64_t r = 0; r < n; ++r)
    words.push_back((static_cast<std::int64_t>(draw.below(2000)) - 1000) * (std::int64_t{1} << 32) +
                    static_cast<std::int64_t>(draw.below(1000)));
  std::vector<std::uint32_t> all(static_cast<std::size_t>(n)), some;
  std::iota(all.begin(), all.end(), 0U);
  for (const std::uint32_t r : all)
    if (r % 3 != 1) some.push_back(r);
  for (const std::vector<std::uint32_t>* rows : {&all, &some}) {
    std::vector<std::int64_t> histogram(static_cast<std::size_t>(binned.histogram_size()));
    // All of them are given as a range, some of them as a list.
    add_to_histogram(binned, rows == &all ? nullptr : rows->data(), 0, std::ssize(*rows), words.data(),
                     histogram.data());
    std::int64_t total = 0;
    for (const std::uint32_t r : *rows) total += words[r];
    complete_sparse(binned, total, histogram.data());
    for (std::int64_t f = 0; f < binned.num_features(); ++f) {
      CAPTURE(f);
      std::vector<std::int64_t> sums(static_cast<std::size_t>(binned.feature(f).width()));
      for (const std::uint32_t r : *rows) sums[binned.column(f)[r]] += words[r];
      const auto begin = histogram.begin() + binned.offset(f);
      CHECK(std::vector<std::int64_t>(begin, begin + std::ssize(sums)) == sums);
    }
  }
}
