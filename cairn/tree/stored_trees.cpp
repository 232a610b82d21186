#include "cairn/tree/stored_trees_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/distinct_rows_internal.h"

namespace cairn::tree {
namespace {

constexpr float kWholeBelow = 1 << 24;  // sums of whole numbers below it are exact in f32

[[noreturn]] void refuse(std::string_view part, const std::string& message) {
  throw ModelFileError("trees", fmt::format("the tensor '{}' {}", part, message));
}

std::size_t bytes_for(std::uint64_t largest) {
  return std::max<std::size_t>(1, (static_cast<std::size_t>(std::bit_width(largest)) + 7) / 8);
}

template <class T>
Tensor whole_numbers(const std::vector<T>& numbers) {
  const std::uint64_t largest = numbers.empty() ? 0 : static_cast<std::uint64_t>(std::ranges::max(numbers));
  const std::size_t b = bytes_for(largest);
  std::vector<std::uint8_t> bytes;
  bytes.reserve(numbers.size() * b);
  for (const T number : numbers)
    for (std::size_t i = 0; i < b; ++i)
      bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> (8 * i) & 255));
  return Tensor::from(std::span<const std::uint8_t>(bytes),
                      Shape{std::ssize(numbers), static_cast<std::int64_t>(b)});
}

// One of whole_numbers(), read from the file's own memory.
class WholeNumbers {
 public:
  // Each must be below `limit`; count -1: as many as there are.
  WholeNumbers(std::string_view name, const Tensor& stored, std::int64_t count, std::int64_t limit)
      : name_(name), limit_(static_cast<std::uint64_t>(limit)) {
    constexpr std::int64_t kMostBytes = 8;
    if (!stored.defined() || stored.dtype() != DType::u8 || stored.ndim() != 2 || stored.size(1) < 1 ||
        stored.size(1) > kMostBytes || (count >= 0 && stored.size(0) != count))
      refuse(name, "is missing or of another form");
    count_ = stored.size(0);
    width_ = at(stored.size(1));
    bytes_ = stored.data<std::uint8_t>();
  }
  std::int64_t size() const { return count_; }
  std::int64_t operator[](std::size_t i) const {
    std::uint64_t number = 0;
    for (std::size_t b = 0; b < width_; ++b)
      number |= static_cast<std::uint64_t>(bytes_[i * width_ + b]) << (8 * b);
    if (number >= limit_) refuse(name_, fmt::format("holds the number {}; it ends below {}", number, limit_));
    return static_cast<std::int64_t>(number);
  }

 private:
  std::string_view name_;
  std::uint64_t limit_;
  std::int64_t count_ = 0;
  std::size_t width_ = 1;
  std::span<const std::uint8_t> bytes_;
};

Tensor bits(const std::vector<bool>& flags) {
  std::vector<std::uint8_t> bytes((flags.size() + 7) / 8);
  for (std::size_t i = 0; i < flags.size(); ++i)
    if (flags[i]) bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] | 1U << (i % 8));
  return Tensor::take(std::move(bytes));
}

// The distinct rows, where they and the places of all take less than all written out.
std::optional<DistinctRows> if_smaller(std::span<const double> all, std::size_t width,
                                       std::size_t bytes_each) {
  DistinctRows found = distinct_rows(all, width);
  const std::size_t n = found.place.size();
  if (found.rows.size() * bytes_each + n * bytes_for(found.rows.size() / width) >= n * width * bytes_each)
    return std::nullopt;
  return found;
}

// A number that nothing uses would be lost when the model is saved again.
void check_all_used(std::string_view name, const std::vector<bool>& used) {
  if (std::ranges::find(used, false) != used.end()) refuse(name, "holds a number that no place names");
}

bool all_f32(std::span<const double> numbers) {
  return std::ranges::all_of(numbers,
                             [](double v) { return static_cast<double>(static_cast<float>(v)) == v; });
}

}  // namespace

StoredTrees::StoredTrees(const TreeEnsemble& trees) {
  const auto roots = trees.roots();
  const auto features = trees.features();
  roots_ = whole_numbers(std::vector<std::int64_t>(roots.begin(), roots.end()));
  outputs_ =
      whole_numbers(std::vector<std::int32_t>(trees.tree_outputs().begin(), trees.tree_outputs().end()));
  std::vector<std::int64_t> splits;
  std::vector<double> thresholds;
  std::vector<bool> missing_left;
  std::vector<float> gains;
  for (std::size_t i = 0; i < features.size(); ++i) {
    splits.push_back(features[i] + 1);
    if (features[i] < 0) continue;
    thresholds.push_back(trees.thresholds()[i]);
    missing_left.push_back(trees.missing_left()[i] != 0);
    gains.push_back(trees.gains()[i]);
  }
  splits_ = whole_numbers(splits);
  missing_left_ = bits(missing_left);
  gains_ = Tensor::take(std::move(gains));
  const bool narrow = all_f32(thresholds);
  if (std::optional<DistinctRows> d = if_smaller(thresholds, 1, narrow ? sizeof(float) : sizeof(double))) {
    thresholds = std::move(d->rows);
    threshold_of_ = whole_numbers(d->place);
  }
  thresholds_ = narrow ? Tensor::take(std::vector<float>(thresholds.begin(), thresholds.end()))
                       : Tensor::take(std::move(thresholds));
  store_children(trees);
  store_covers(trees);
  store_values(trees);
  store_lines(trees);
  store_sets(trees);
}

void StoredTrees::store_children(const TreeEnsemble& trees) {
  const auto roots = trees.roots();
  bool as_said = true;
  std::vector<std::int64_t> open;
  for (std::size_t t = 0; t + 1 < roots.size() && as_said; ++t) {
    std::int64_t next = roots[t] + 1;
    open.assign(1, roots[t]);
    while (!open.empty() && as_said) {
      const std::int64_t i = open.back();
      open.pop_back();
      if (trees.is_leaf(i)) continue;
      as_said = trees.left()[at(i)] == next && trees.right()[at(i)] == next + 1;
      open.push_back(next + 1);
      open.push_back(next);
      next += 2;
    }
  }
  if (as_said) return;
  std::vector<std::int32_t> children;
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    if (trees.is_leaf(i)) continue;
    children.push_back(trees.left()[at(i)]);
    children.push_back(trees.right()[at(i)]);
  }
  children_ = Tensor::take(std::move(children));
}

void StoredTrees::store_covers(const TreeEnsemble& trees) {
  const auto covers = trees.covers();
  std::vector<std::uint32_t> leaves;
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    const float c = covers[at(i)];
    const bool known = trees.is_leaf(i)
                           ? c == std::floor(c)
                           : covers[at(trees.left()[at(i)])] + covers[at(trees.right()[at(i)])] == c;
    if (!known || !(c >= 0 && c < kWholeBelow)) {
      covers_ = Tensor::from(covers, Shape{std::ssize(covers)});
      return;
    }
    if (trees.is_leaf(i)) leaves.push_back(static_cast<std::uint32_t>(c));
  }
  covers_ = whole_numbers(leaves);
}

void StoredTrees::store_values(const TreeEnsemble& trees) {
  const std::int64_t width = trees.options().vector_leaves ? trees.num_outputs() : 1;
  std::vector<double> values;
  std::vector<std::int32_t> places;
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    if (!trees.is_leaf(i)) continue;
    if (width == 1)
      values.push_back(trees.leaf_values(i)[0]);
    else
      places.push_back(trees.left()[at(i)]);
  }
  if (width > 1) {  // rows that leaves share are in memory once already
    values_ = Tensor::from(trees.values(), Shape{std::ssize(trees.values()) / width, width});
    value_of_ = whole_numbers(places);
    return;
  }
  if (std::optional<DistinctRows> d = if_smaller(values, 1, sizeof(double))) {
    values = std::move(d->rows);
    value_of_ = whole_numbers(d->place);
  }
  values_ = Tensor::from(std::span<const double>(values), Shape{std::ssize(values), 1});
}

void StoredTrees::store_lines(const TreeEnsemble& trees) {
  const LinearLeaves& lines = trees.lines();
  if (lines.empty()) return;
  std::vector<std::uint64_t> counts;
  std::vector<double> intercepts, slopes;
  std::vector<std::int32_t> along;
  for (std::int64_t l = 0; l < std::ssize(trees.values()); ++l) {
    counts.push_back(lines.has(l) ? lines.features(l).size() : 0);
    if (counts.back() == 0) continue;
    intercepts.push_back(lines.intercept(l));
    along.insert(along.end(), lines.features(l).begin(), lines.features(l).end());
    slopes.insert(slopes.end(), lines.slopes(l).begin(), lines.slopes(l).end());
  }
  num_slopes_ = whole_numbers(counts);
  intercepts_ = Tensor::take(std::move(intercepts));
  along_ = whole_numbers(along);
  slopes_ = Tensor::take(std::move(slopes));
}

void StoredTrees::store_sets(const TreeEnsemble& trees) {
  std::vector<bool> categories;
  std::vector<std::uint64_t> sizes;
  std::vector<std::int32_t> codes;
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    if (trees.is_leaf(i)) continue;
    categories.push_back(trees.is_category(i));
    if (!categories.back()) continue;
    const auto left = trees.left_codes(i);
    sizes.push_back(left.size());
    codes.insert(codes.end(), left.begin(), left.end());
  }
  if (sizes.empty()) return;
  categories_ = bits(categories);
  set_sizes_ = whole_numbers(sizes);
  set_codes_ = whole_numbers(codes);
}

void StoredTrees::visit(Visitor& v) {
  v.tensor("tree_begins", roots_);
  v.tensor("adds_to", outputs_);
  v.tensor("splits", splits_);
  v.tensor("children", children_);
  v.tensor("thresholds", thresholds_);
  v.tensor("threshold_of", threshold_of_);
  v.tensor("missing_goes_left", missing_left_);
  v.tensor("gains", gains_);
  v.tensor("covers", covers_);
  v.tensor("leaf_values", values_);
  v.tensor("value_of", value_of_);
  v.tensor("num_slopes", num_slopes_);
  v.tensor("intercepts", intercepts_);
  v.tensor("slopes_along", along_);
  v.tensor("slopes", slopes_);
  v.tensor("categories", categories_);
  v.tensor("set_sizes", set_sizes_);
  v.tensor("codes", set_codes_);
}

TreeArrays StoredTrees::arrays(std::size_t width) const {
  constexpr std::int64_t kMostNodes = std::numeric_limits<std::int32_t>::max();
  TreeArrays trees;
  const WholeNumbers splits("splits", splits_, -1, kMostNodes);
  const std::int64_t n = splits.size();
  if (n > kMostNodes) refuse("splits", fmt::format("has {} nodes, which are too many", n));
  const WholeNumbers roots("tree_begins", roots_, -1, n + 1);
  if (roots.size() < 1 || roots[0] != 0 || roots[at(roots.size() - 1)] != n)
    refuse("tree_begins", "does not cover the nodes");
  for (std::size_t t = 1; t < at(roots.size()); ++t) {
    if (roots[t] <= roots[t - 1]) refuse("tree_begins", fmt::format("gives tree {} no nodes", t - 1));
    trees.roots.push_back(roots[t]);
  }
  const WholeNumbers outputs("adds_to", outputs_, roots.size() - 1, kMostNodes);
  for (std::size_t t = 0; t < at(outputs.size()); ++t)
    trees.outputs.push_back(static_cast<std::int32_t>(outputs[t]));
  std::int64_t num_splits = 0;
  for (std::size_t i = 0; i < at(n); ++i) {
    trees.feature.push_back(static_cast<std::int32_t>(splits[i]) - 1);
    num_splits += trees.feature.back() < 0 ? 0 : 1;
  }
  const bool one_each = !threshold_of_.defined();
  const bool narrow = thresholds_.defined() && thresholds_.dtype() == DType::f32;
  const std::int64_t distinct = thresholds_.defined() && thresholds_.ndim() == 1 ? thresholds_.size() : 0;
  check_stored("thresholds", thresholds_, narrow ? DType::f32 : DType::f64,
               Shape{one_each ? num_splits : distinct});
  std::optional<WholeNumbers> threshold_of;
  if (!one_each) threshold_of.emplace("threshold_of", threshold_of_, num_splits, distinct);
  check_stored("missing_goes_left", missing_left_, DType::u8, Shape{(num_splits + 7) / 8});
  check_stored("gains", gains_, DType::f32, Shape{num_splits});
  trees.threshold.assign(at(n), 0.0);
  trees.missing_left.assign(at(n), 0);
  trees.gain.assign(at(n), 0.0F);
  std::vector<bool> used(one_each ? 0 : at(distinct));
  std::size_t split = 0;
  for (std::size_t i = 0; i < at(n); ++i) {
    if (trees.feature[i] < 0) continue;
    const std::size_t place = one_each ? split : at((*threshold_of)[split]);
    if (!one_each) used[place] = true;
    trees.threshold[i] =
        narrow ? static_cast<double>(thresholds_.data<float>()[place]) : thresholds_.data<double>()[place];
    trees.missing_left[i] = missing_left_.data<std::uint8_t>()[split / 8] >> (split % 8) & 1;
    trees.gain[i] = gains_.data<float>()[split];
    ++split;
  }
  check_all_used("thresholds", used);
  read_children(trees);
  read_values(trees, width);
  read_lines(trees);
  read_covers(trees);
  read_sets(trees);
  return trees;
}

void StoredTrees::read_children(TreeArrays& trees) const {
  const std::size_t n = trees.feature.size();
  trees.left.assign(n, -1);
  trees.right.assign(n, -1);
  std::int32_t leaf = 0;
  for (std::size_t i = 0; i < n; ++i)
    if (trees.feature[i] < 0) trees.left[i] = leaf++;
  if (children_.defined()) {
    check_stored("children", children_, DType::i32, Shape{2 * (std::ssize(trees.feature) - leaf)});
    const auto children = children_.data<std::int32_t>();
    std::size_t next = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (trees.feature[i] < 0) continue;
      trees.left[i] = children[next++];
      trees.right[i] = children[next++];
    }
    return;
  }
  std::vector<std::int64_t> open;
  for (std::size_t t = 0; t + 1 < trees.roots.size(); ++t) {
    std::int64_t next = trees.roots[t] + 1;
    const std::int64_t end = trees.roots[t + 1];
    open.assign(1, trees.roots[t]);
    while (!open.empty()) {
      const std::size_t i = at(open.back());
      open.pop_back();
      if (trees.feature[i] < 0) continue;
      if (next + 2 > end) refuse("splits", fmt::format("says that tree {} has more nodes than it has", t));
      trees.left[i] = static_cast<std::int32_t>(next);
      trees.right[i] = static_cast<std::int32_t>(next + 1);
      open.push_back(next + 1);
      open.push_back(next);
      next += 2;
    }
    if (next != end) refuse("splits", fmt::format("says that tree {} has fewer nodes than it has", t));
  }
}

void StoredTrees::read_values(TreeArrays& trees, std::size_t width) const {
  const auto columns = static_cast<std::int64_t>(width);
  const auto leaves = std::ranges::count_if(trees.feature, [](std::int32_t f) { return f < 0; });
  const std::int64_t rows = values_.defined() && values_.ndim() == 2 ? values_.size(0) : 0;
  check_stored("leaf_values", values_, DType::f64, Shape{value_of_.defined() ? rows : leaves, columns});
  const auto values = values_.data<double>();
  if (!value_of_.defined()) {
    trees.values.assign(values.begin(), values.end());
    return;
  }
  const WholeNumbers value_of("value_of", value_of_, leaves, rows);
  std::vector<bool> used(at(rows));
  for (std::size_t i = 0; i < at(leaves); ++i) used[at(value_of[i])] = true;
  check_all_used("leaf_values", used);
  std::size_t leaf = 0;
  if (width > 1) {  // leaves share their rows in memory too
    trees.values.assign(values.begin(), values.end());
    for (std::size_t i = 0; i < trees.feature.size(); ++i)
      if (trees.feature[i] < 0) trees.left[i] = static_cast<std::int32_t>(value_of[leaf++]);
    return;
  }
  for (; leaf < at(leaves); ++leaf) trees.values.push_back(values[at(value_of[leaf])]);
}

void StoredTrees::read_lines(TreeArrays& trees) const {
  if (!num_slopes_.defined()) {
    if (intercepts_.defined() || along_.defined() || slopes_.defined())
      refuse("num_slopes", "is missing or of another form");
    return;
  }
  constexpr std::int64_t kMostFeatures = std::numeric_limits<std::int32_t>::max();
  const auto leaves = std::ranges::count_if(trees.feature, [](std::int32_t f) { return f < 0; });
  const WholeNumbers along("slopes_along", along_, -1, kMostFeatures);
  const WholeNumbers counts("num_slopes", num_slopes_, leaves, along.size() + 1);
  std::int64_t sum = 0, lines = 0;
  for (std::size_t l = 0; l < at(leaves); ++l) {
    sum += counts[l];
    lines += counts[l] > 0 ? 1 : 0;
  }
  if (sum != along.size() || lines == 0) refuse("num_slopes", "does not cover the slopes");
  check_stored("intercepts", intercepts_, DType::f64, Shape{lines});
  check_stored("slopes", slopes_, DType::f64, Shape{sum});
  std::size_t line = 0, slope = 0;
  for (std::size_t l = 0; l < at(leaves); ++l) {
    const std::size_t count = at(counts[l]);
    if (count == 0) continue;
    std::vector<std::int32_t> features;
    for (std::size_t s = slope; s < slope + count; ++s)
      features.push_back(static_cast<std::int32_t>(along[s]));
    trees.lines.add(static_cast<std::int64_t>(l), intercepts_.data<double>()[line++], features,
                    slopes_.data<double>().subspan(slope, count));
    slope += count;
  }
}

void StoredTrees::read_covers(TreeArrays& trees) const {
  const std::int64_t n = trees.num_nodes();
  if (covers_.defined() && covers_.dtype() == DType::f32) {
    check_stored("covers", covers_, DType::f32, Shape{n});
    trees.cover.assign(covers_.data<float>().begin(), covers_.data<float>().end());
    return;
  }
  const auto leaves = std::ranges::count_if(trees.feature, [](std::int32_t f) { return f < 0; });
  const WholeNumbers covers("covers", covers_, leaves, static_cast<std::int64_t>(kWholeBelow));
  trees.cover.assign(at(n), 0.0F);
  for (std::size_t i = at(n), leaf = at(leaves); i-- > 0;) {  // children stand behind their parents
    if (trees.feature[i] < 0) {
      trees.cover[i] = static_cast<float>(covers[--leaf]);
      continue;
    }
    const std::int64_t l = trees.left[i], r = trees.right[i];
    if (l <= static_cast<std::int64_t>(i) || r <= static_cast<std::int64_t>(i) || l >= n || r >= n)
      refuse("children", fmt::format("gives node {} the children {} and {}", i, l, r));
    trees.cover[i] = trees.cover[at(l)] + trees.cover[at(r)];
  }
}

void StoredTrees::read_sets(TreeArrays& trees) const {
  if (!categories_.defined()) {
    if (set_sizes_.defined() || set_codes_.defined()) refuse("categories", "is missing or of another form");
    return;
  }
  const auto splits = std::ranges::count_if(trees.feature, [](std::int32_t f) { return f >= 0; });
  check_stored("categories", categories_, DType::u8, Shape{(splits + 7) / 8});
  constexpr std::int64_t kMostCodes = std::numeric_limits<std::int32_t>::max();
  const WholeNumbers codes("codes", set_codes_, -1, kMostCodes);
  const WholeNumbers sizes("set_sizes", set_sizes_, -1, codes.size() + 1);
  trees.set.assign(trees.feature.size(), -1);
  std::size_t split = 0;
  for (std::size_t i = 0; i < trees.feature.size(); ++i) {
    if (trees.feature[i] < 0) continue;
    if ((categories_.data<std::uint8_t>()[split / 8] >> (split % 8) & 1) != 0) {
      const std::size_t s = trees.set_begin.size() - 1;
      if (s >= at(sizes.size())) refuse("set_sizes", "holds fewer sets than 'categories' names");
      trees.set[i] = static_cast<std::int32_t>(s);
      trees.set_begin.push_back(trees.set_begin.back() + sizes[s]);
    }
    ++split;
  }
  for (std::size_t c = 0; c < at(codes.size()); ++c)
    trees.set_codes.push_back(static_cast<std::int32_t>(codes[c]));
  if (std::ssize(trees.set_begin) - 1 != sizes.size() || trees.set_begin.back() != codes.size())
    refuse("set_sizes", "does not cover the codes");
}

}  // namespace cairn::tree
