// What the data alone tell, and what they tell beside their neighbours.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cairn/check/examination_internal.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostRows = 10'000;

struct Column {
  double sum = 0, squares = 0, low = std::numeric_limits<double>::infinity(),
         high = -std::numeric_limits<double>::infinity();
};

// A table's columns, a picture's channels: one a place of the last axis.
struct Columns {
  std::vector<double> means, stddevs;
  std::int64_t constant = 0;
};
Columns columns_of(const Tensor& x) {
  const std::vector<double> v = as_numbers(x);
  const auto width = static_cast<std::size_t>(x.ndim() > 1 ? x.size(x.ndim() - 1) : 1);
  std::vector<Column> sums(width);
  for (std::size_t i = 0; i < v.size(); ++i) {
    Column& c = sums[i % width];
    c.sum += v[i];
    c.low = std::min(c.low, v[i]);
    c.high = std::max(c.high, v[i]);
  }
  const double n = static_cast<double>(v.size()) / static_cast<double>(width);
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double d = v[i] - sums[i % width].sum / n;
    sums[i % width].squares += d * d;
  }
  Columns all;
  for (const Column& c : sums) {
    all.means.push_back(c.sum / n);
    all.stddevs.push_back(std::sqrt(c.squares / n));
    all.constant += c.low == c.high;
  }
  return all;
}

bool all_finite(const Tensor& t) { return !is_floating(t.dtype()) || statistics_of(t, "").finite; }

void look_at_inputs(Examination& e) {
  if (!is_floating(e.x.dtype()) || e.x.size() == 0) return;  // indices have no scale
  std::vector<std::int64_t> rows = e.some_rows(kMostRows, "scale");
  const Columns c = columns_of(e.rows_of_x(rows));
  const auto width = std::ssize(c.means);
  if (2 * c.constant > width)
    e.find("inputs_constant", "",
           fmt::format("{} of {} inputs have one value in all {} examples that were looked at", c.constant,
                       width, rows.size()),
           "Look at how the data were read; leave constant columns out.");
  std::size_t far = 0, widest = 0, narrowest = 0;
  const auto size_of_column = [&](std::size_t i) { return std::max(std::abs(c.means[i]), c.stddevs[i]); };
  for (std::size_t i = 1; i < c.means.size(); ++i) {
    if (size_of_column(i) > size_of_column(far)) far = i;
    if (c.stddevs[i] > c.stddevs[widest]) widest = i;
    if (c.stddevs[i] > 0 && (c.stddevs[narrowest] == 0 || c.stddevs[i] < c.stddevs[narrowest])) narrowest = i;
  }
  constexpr double kLarge = 10, kSmall = 0.01, kApart = 100;
  e.measure("inputs", fmt::format("standard deviations {:.3g} to {:.3g}, means up to {:.3g}",
                                  c.stddevs[narrowest], c.stddevs[widest], std::abs(c.means[far])));
  const char* remedy =
      "Subtract the training rows' mean and divide by their standard deviation; pixels: divide by 255.";
  if (size_of_column(far) > kLarge)
    e.find("inputs_not_scaled", fmt::format("input {}", far),
           fmt::format("it has mean {:.4g} and standard deviation {:.4g}; about 0 and 1 learn best",
                       c.means[far], c.stddevs[far]),
           remedy);
  else if (c.stddevs[widest] > 0 && c.stddevs[widest] < kSmall)
    e.find("inputs_not_scaled", fmt::format("input {}", widest),
           fmt::format("the largest standard deviation of all inputs is {:.4g}; about 1 learns best",
                       c.stddevs[widest]),
           remedy);
  else if (c.stddevs[narrowest] > 0 && c.stddevs[widest] / c.stddevs[narrowest] > kApart)
    e.find("inputs_not_scaled", fmt::format("input {}", widest),
           fmt::format("its standard deviation is {:.4g}, that of input {} {:.4g}: {:.0f} times less",
                       c.stddevs[widest], narrowest, c.stddevs[narrowest],
                       c.stddevs[widest] / c.stddevs[narrowest]),
           remedy);
}

// How far targets of neighbours agree beyond chance, in standard deviations of chance; `shift` rows beside.
double agreement(const std::vector<double>& target, const std::vector<std::size_t>& neighbour,
                 std::ptrdiff_t shift, bool classes) {
  std::vector<double> mine, theirs;
  const auto n = std::ssize(target);
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const auto j = static_cast<std::ptrdiff_t>(neighbour[static_cast<std::size_t>(i)]);
    // A neighbour in the order of the rows would agree with a shifted self.
    if (i + shift < 0 || i + shift >= n || j + shift < 0 || j + shift >= n || std::abs(i - j) <= 1) continue;
    mine.push_back(target[static_cast<std::size_t>(i + shift)]);
    theirs.push_back(target[static_cast<std::size_t>(j + shift)]);
  }
  const auto count = static_cast<double>(mine.size());
  if (count < 20) return 0;
  if (classes) {
    double same = 0, chance = 0;
    for (std::size_t i = 0; i < mine.size(); ++i) same += mine[i] == theirs[i];
    std::vector<double> sorted = mine;
    std::ranges::sort(sorted);
    for (std::size_t i = 0; i < sorted.size();) {
      const std::size_t begin = i;
      while (i < sorted.size() && sorted[i] == sorted[begin]) ++i;
      chance += std::pow(static_cast<double>(i - begin) / count, 2);
    }
    return (same / count - chance) / std::sqrt(std::max(chance * (1 - chance), 1e-9) / count);
  }
  double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    ma += mine[i] / count;
    mb += theirs[i] / count;
  }
  for (std::size_t i = 0; i < mine.size(); ++i) {
    ab += (mine[i] - ma) * (theirs[i] - mb);
    aa += (mine[i] - ma) * (mine[i] - ma);
    bb += (theirs[i] - mb) * (theirs[i] - mb);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) * std::sqrt(count) : 0;
}

// Nearest other row, inputs standardised.
std::vector<std::size_t> neighbours_of(const Tensor& x) {
  const auto n = static_cast<std::size_t>(x.size(0)), d = static_cast<std::size_t>(x.size()) / n;
  std::vector<double> v = as_numbers(x);
  for (std::size_t j = 0; j < d; ++j) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) mean += v[i * d + j] / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) squares += std::pow(v[i * d + j] - mean, 2) / static_cast<double>(n);
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (std::size_t i = 0; i < n; ++i) v[i * d + j] = (v[i * d + j] - mean) * scale;
  }
  std::vector<std::size_t> nearest(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < n; ++k) {
      if (k == i) continue;
      double distance = 0;
      for (std::size_t j = 0; j < d && distance < best; ++j)
        distance += (v[i * d + j] - v[k * d + j]) * (v[i * d + j] - v[k * d + j]);
      if (distance < best) {
        best = distance;
        nearest[i] = k;
      }
    }
  }
  return nearest;
}

}  // namespace

void look_at_data(Examination& e) {
  if (!all_finite(e.x)) {
    e.find("inputs_not_finite", "", "the inputs hold NaN or infinity",
           "Fill or leave out missing values before training.");
    e.hopeless = true;
    return;
  }
  if (!all_finite(e.y)) {
    e.find("targets_not_finite", "", "the targets hold NaN or infinity", "Leave such examples out.");
    e.hopeless = true;
    return;
  }
  look_at_inputs(e);
  const std::vector<double> targets = as_numbers(e.y);
  const auto [low, high] = std::ranges::minmax(targets);
  if (low == high)
    e.find("labels_constant", "", fmt::format("all {} targets are {:g}", targets.size(), low),
           "Look at how the targets were read; there is nothing to learn.");
}

void look_at_neighbours(Examination& e) {
  constexpr std::int64_t kRows = 500, kFewest = 100, kMostNumbers = 1'000'000;
  const std::int64_t width = e.x.size() / e.rows();
  if (e.rows() < kFewest || !is_floating(e.x.dtype()) || width == 0 || e.y.size() != e.rows() ||
      e.found("labels_constant"))
    return;
  // A block of consecutive rows, so that what stands beside can be looked at.
  const std::int64_t n = std::min({e.rows(), kRows, std::max(kFewest, kMostNumbers / width)});
  const std::int64_t begin = (e.rows() - n) / 2;
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < n; ++i) rows.push_back(begin + i);
  const std::vector<double> targets = as_numbers(e.rows_of_y(rows));
  const auto [low, high] = std::ranges::minmax(targets);
  if (low == high) return;  // sorted by class: the block tells nothing
  const auto nearest = neighbours_of(e.rows_of_x(rows));
  const double here = agreement(targets, nearest, 0, e.classes());
  e.measure("nearest neighbours",
            fmt::format("agree in their targets {:.3g} standard deviations beyond chance", here));
  constexpr double kClear = 6, kNone = 1.65;  // of standard deviations; 1.65: one case in twenty
  if (here >= kClear / 2) return;
  for (const std::ptrdiff_t shift : {1, -1}) {
    const double there = agreement(targets, nearest, shift, e.classes());
    if (there < kClear) continue;
    e.find(
        "labels_shifted", "",
        fmt::format("examples that lie near each other agree in their targets {:.3g} standard deviations "
                    "beyond chance, in the targets {} row {} {:.3g}",
                    here, 1, shift > 0 ? "below" : "above", there),
        "Look for a header read as a row, or a shifted column, where inputs and targets are put together.");
    return;
  }
  if (here < kNone)
    e.find("labels_unrelated", "",
           fmt::format("of {} examples, those nearest to each other agree in their targets {:.3g} standard "
                       "deviations beyond chance; a relation shows as 3 or more",
                       n, here),
           "Look whether inputs or targets were shuffled alone. If the relation is meant to be subtle, "
           "accept it.");
}

}  // namespace cairn
