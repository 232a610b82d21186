// Histograms against sums over rows: features most of whose rows share a bin are listed, the others are not.
#include "cairn/tree/histogram_internal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>

#include "cairn/base/random.h"
#include "cairn/tree/split_scan_internal.h"
#include "cairn/tree/split_search_internal.h"
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

TEST_CASE("split search: the rows of a small node give the split that their histogram gives") {
  const std::int64_t n = 700;
  TreeData data = mostly_zero(n);
  Random draw(5, "small nodes");
  // Dense and sparse features, gaps, and a category of thirty levels, some of them rare.
  std::vector<std::optional<std::string>> cities;
  for (std::int64_t r = 0; r < n; ++r)
    cities.emplace_back(r % 11 == 0 ? std::nullopt
                                    : std::optional(std::to_string(draw.below(30) * draw.below(2))));
  std::vector<Column> columns{Column::category_of("city", cities)};
  for (int f = 0; f < 25; ++f) {
    std::vector<double> values;
    for (std::int64_t r = 0; r < n; ++r)
      values.push_back(f < 5 && draw.below(8) == 0 ? std::nan("")
                       : f < 5                     ? std::round(draw.normal() * 4)
                                                   : (draw.below(10) == 0 ? draw.normal() : 0));
    columns.push_back(Column::number("x" + std::to_string(f), Tensor::take(std::move(values))));
  }
  columns.push_back(Column::number("y", Tensor::take(std::vector<double>(data.y))));
  data = tree_data(Dataset(Table(columns), {.roles = {.target = "y"}, .task = Task::regression}), "trees");
  const BinnedData binned(data, 255, {});
  REQUIRE(!binned.sparse().empty());
  Gradients gradients{.words = {}, .g_scale = 1e-3, .h_scale = 1e-3};
  for (std::int64_t r = 0; r < n; ++r)
    gradients.words.push_back((static_cast<std::int64_t>(draw.below(2000)) - 1000) * (std::int64_t{1} << 32) +
                              static_cast<std::int64_t>(draw.below(1000)));
  const auto d = static_cast<std::size_t>(binned.num_features());
  int found = 0, of_category = 0;
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const std::size_t count = 2 + draw.below(kMostListed - 1);
    std::vector<std::uint32_t> rows;
    for (std::size_t i = 0; i < count; ++i)
      rows.push_back(static_cast<std::uint32_t>(draw.below(static_cast<std::uint64_t>(n))));
    std::int64_t total = 0;
    for (const std::uint32_t r : rows) total += gradients.words[r];
    std::vector<std::uint8_t> allowed(d);
    for (auto& a : allowed) a = draw.below(3) > 0 ? 1 : 0;
    SplitRules rules;
    rules.min_child_weight = round % 3;
    rules.l1 = round % 4 == 3 ? 0.1 : 0;
    rules.max_one_hot = round % 2 == 0 ? 4 : 40;
    if (round % 5 == 4) {
      rules.monotone.assign(d, 0);
      rules.monotone[1 + draw.below(d - 1)] = 1;
    }
    std::vector<std::int64_t> histogram(static_cast<std::size_t>(binned.histogram_size()));
    add_to_histogram(binned, rows.data(), 0, std::ssize(rows), gradients.words.data(), histogram.data());
    complete_sparse(binned, total, histogram.data());
    const NodeSplit a = best_split(binned, gradients, histogram.data(), total, allowed, rules, {}),
                    b = best_split_of_rows(binned, gradients, rows, total, allowed, rules, {});
    CHECK(a.feature == b.feature);
    CHECK(a.gain == b.gain);
    CHECK(a.bin == b.bin);
    CHECK(a.missing_left == b.missing_left);
    CHECK(a.left_bins == b.left_bins);
    CHECK(a.left == b.left);
    found += a.found() ? 1 : 0;
    of_category += a.category ? 1 : 0;
  }
  CHECK(found > 250);
  CHECK(of_category > 10);
}

TEST_CASE("partition: rows go where their bin says, in their order, whatever the count") {
  Random draw(3, "partition");
  std::vector<std::uint8_t> column(5000 + BinnedData::kColumnSlack);
  for (std::uint8_t& bin : column) bin = static_cast<std::uint8_t>(draw.below(256));
  std::vector<std::uint8_t> goes_left(256);
  for (std::uint8_t& side : goes_left) side = static_cast<std::uint8_t>(draw.below(3) == 0);
  // Any bins, the bins up to one (as a question about a number has them), all and none.
  std::vector<std::vector<std::uint8_t>> tables{goes_left};
  for (const int up_to : {1, 100, 255, 256, 0})
    for (std::size_t b = 0; b < 256; ++b) {
      if (b == 0) tables.emplace_back(256);
      tables.back()[b] = static_cast<int>(b) < up_to ? 1 : 0;
    }
  for (const auto& table : tables)
    for (const std::int64_t count : {0, 1, 15, 16, 17, 31, 33, 1000, 4999}) {
      CAPTURE(count);
      std::vector<std::uint32_t> rows;
      for (std::uint32_t r = 0; std::ssize(rows) < count; ++r)
        if (count > 2000 || draw.below(3) > 0) rows.push_back(r);
      std::vector<std::uint32_t> expected = rows;
      const auto middle =
          std::ranges::stable_partition(expected, [&](std::uint32_t r) { return table[column[r]] != 0; });
      constexpr std::uint32_t kUntouched = 0xABCDEF01;
      std::vector<std::uint32_t> memory(static_cast<std::size_t>(count) + 1, kUntouched);
      const std::int64_t left =
          partition_rows(rows.data(), count, column.data(), table.data(), memory.data());
      CHECK(rows == expected);
      CHECK(left == middle.begin() - expected.begin());
      CHECK(memory.back() == kUntouched);
    }
}

TEST_CASE("scan: the best place among the bins, as one by one") {
  Random draw(4, "scan");
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    const int bins = 2 + static_cast<int>(draw.below(254));
    std::vector<std::int64_t> histogram(static_cast<std::size_t>(bins));
    std::int64_t total = 0;
    for (std::int64_t& word : histogram) {
      if (draw.below(4) != 0)
        word = (static_cast<std::int64_t>(draw.below(200001)) - 100000) * (std::int64_t{1} << 32) +
               static_cast<std::int64_t>(draw.below(50000));
      if (round % 10 == 0 && word != 0) word = histogram[0];  // many equal gains
      total += word;
    }
    const Gradients gradients{.words = {}, .g_scale = 0.37e-4, .h_scale = 0.11e-3};
    const ScanRules rules{.g_scale = gradients.g_scale,
                          .h_scale = gradients.h_scale,
                          .g = gradients.g(total),
                          .h = gradients.h(total),
                          .l2 = static_cast<double>(round % 3),
                          .least = 0.01 * (round % 7) + 1e-5,
                          .most = gradients.h(total) - 0.01 * (round % 7)};
    const double floor = round % 2 ? 0.0 : 5.0;
    BestBin expected;
    std::int64_t left = 0;
    double best = floor;
    for (int b = 0; b <= bins - 2; ++b) {
      const std::int64_t own = histogram[static_cast<std::size_t>(b)];
      left += own;
      const double gl = gradients.g(left), hl = gradients.h(left), gr = rules.g - gl, kl = hl + rules.l2,
                   kr = rules.h - hl + rules.l2;
      if (own == 0 || hl < rules.least || hl > rules.most) continue;
      const double twice = (gl * gl * kr + gr * gr * kl) / (kl * kr);
      if (twice > best) best = twice, expected = {b, left};
    }
    const BestBin found = scan_bins(histogram.data(), 0, bins - 2, rules, floor);
    CHECK(found.bin == expected.bin);
    CHECK(found.left == expected.left);
  }
}
