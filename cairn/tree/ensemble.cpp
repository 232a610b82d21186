#include "cairn/tree/ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/stored_trees_internal.h"

namespace cairn {
namespace {

constexpr std::int64_t kMostOutputs = 1'000'000;
constexpr double kShareTolerance = 1e-6;
constexpr std::array kOutputNames{"identity", "exponential", "logistic", "softmax", "share"};

[[noreturn]] void refuse(const std::string& message) { throw ModelFileError("trees", message); }

}  // namespace

const char* name_of(TreeOutput output) { return kOutputNames[static_cast<std::size_t>(output)]; }

TreeOutput tree_output_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kOutputNames.size(); ++i)
    if (name == kOutputNames[i]) return static_cast<TreeOutput>(i);
  refuse(fmt::format("their output '{}' is not known", name));
}

TreeEnsemble::TreeEnsemble(TreeEnsembleOptions options, std::span<const Tree> trees)
    : options_(std::move(options)) {
  TreeArrays arrays;
  for (const Tree& t : trees) arrays.add(t, leaf_width());
  arrays.share_values(leaf_width());
  take(std::move(arrays));
}

TreeEnsemble::TreeEnsemble(TreeEnsembleOptions options, TreeArrays trees) : options_(std::move(options)) {
  take(std::move(trees));
}

std::size_t TreeEnsemble::leaf_width() const {
  return options_.vector_leaves ? at(std::clamp(options_.num_outputs, std::int64_t{1}, kMostOutputs)) : 1;
}

void TreeEnsemble::take(TreeArrays trees) {
  if (options_.base.empty())
    options_.base.resize(at(std::clamp(options_.num_outputs, std::int64_t{0}, kMostOutputs)));
  roots_ = Tensor::take(std::move(trees.roots));
  tree_outputs_ = Tensor::take(std::move(trees.outputs));
  feature_ = Tensor::take(std::move(trees.feature));
  threshold_ = Tensor::take(std::move(trees.threshold));
  left_ = Tensor::take(std::move(trees.left));
  right_ = Tensor::take(std::move(trees.right));
  missing_left_ = Tensor::take(std::move(trees.missing_left));
  gain_ = Tensor::take(std::move(trees.gain));
  cover_ = Tensor::take(std::move(trees.cover));
  const auto width = static_cast<std::int64_t>(leaf_width()), rows = std::ssize(trees.values) / width;
  values_ = Tensor::take(std::move(trees.values)).reshape(Shape{rows, width});
  lines_ = std::move(trees.lines);
  if (!trees.set.empty()) {
    set_ = Tensor::take(std::move(trees.set));
    set_begin_ = Tensor::take(std::move(trees.set_begin));
    set_codes_ = Tensor::take(std::move(trees.set_codes));
  }
  check();
  prepare();
}

void TreeEnsemble::visit(Visitor& v) {
  v.value("num_features", options_.num_features);
  v.value("num_outputs", options_.num_outputs);
  v.value("vector_leaves", options_.vector_leaves);
  v.value("average", options_.average);
  v.choice<TreeOutput>("output", options_.output, &name_of, &tree_output_from_name);
  v.value("base", options_.base);
  v.value("f32_inputs", options_.f32_inputs);
  tree::StoredTrees stored =
      v.loading() || !roots_.defined() ? tree::StoredTrees() : tree::StoredTrees(*this);
  stored.visit(v);
  if (!v.loading()) return;
  if (stored.defined()) {
    take(stored.arrays(leaf_width()));
    return;
  }
  visit_arrays(v);
  check();
  prepare();
}

// As files held trees before StoredTrees.
void TreeEnsemble::visit_arrays(Visitor& v) {
  v.tensor("roots", roots_);
  v.tensor("tree_outputs", tree_outputs_);
  v.tensor("feature", feature_);
  v.tensor("threshold", threshold_);
  v.tensor("left", left_);
  v.tensor("right", right_);
  v.tensor("missing_left", missing_left_);
  v.tensor("gain", gain_);
  v.tensor("cover", cover_);
  v.tensor("values", values_);
  v.tensor("set", set_);
  v.tensor("set_begin", set_begin_);
  v.tensor("set_codes", set_codes_);
}

// Element types and shapes agree; every number is one that training could give.
void TreeEnsemble::check() const {
  const std::int64_t d = options_.num_features, k = options_.num_outputs;
  if (d < 0 || d > (1 << 29)) refuse(fmt::format("{} features cannot be", d));
  if (k < 1 || k > kMostOutputs) refuse(fmt::format("{} outputs cannot be", k));
  if ((options_.output == TreeOutput::logistic && k != 1) ||
      (options_.output == TreeOutput::share && !options_.vector_leaves))
    refuse(fmt::format("output {} does not go with {} raw outputs", name_of(options_.output), k));
  if (std::ssize(options_.base) != k ||
      !std::ranges::all_of(options_.base, [](double b) { return std::isfinite(b); }))
    refuse("the base holds a number that cannot be, or not one an output");
  if (!roots_.defined() || roots_.dtype() != DType::i64 || roots_.ndim() != 1 || roots_.size() < 1)
    refuse("the tensor 'roots' is missing or of another form");
  const std::int64_t n = feature_.defined() && feature_.ndim() == 1 ? feature_.size() : -1;
  if (n < 0 || n > std::numeric_limits<std::int32_t>::max())
    refuse("the tensor 'feature' is missing or of another form");
  check_stored("tree_outputs", tree_outputs_, DType::i32, Shape{roots_.size() - 1});
  check_stored("feature", feature_, DType::i32, Shape{n});
  check_stored("threshold", threshold_, DType::f64, Shape{n});
  check_stored("left", left_, DType::i32, Shape{n});
  check_stored("right", right_, DType::i32, Shape{n});
  check_stored("missing_left", missing_left_, DType::u8, Shape{n});
  check_stored("gain", gain_, DType::f32, Shape{n});
  check_stored("cover", cover_, DType::f32, Shape{n});
  const auto num_leaves =
      static_cast<std::int64_t>(std::ranges::count_if(features(), [](std::int32_t f) { return f < 0; }));
  const std::int64_t rows = values_.defined() && values_.ndim() == 2 ? values_.size(0) : 0;
  if (rows > num_leaves) refuse(fmt::format("{} leaves have {} rows of values", num_leaves, rows));
  check_stored("values", values_, DType::f64, options_.vector_leaves ? Shape{rows, k} : Shape{num_leaves, 1});
  if (!std::ranges::all_of(values_.data<double>(), [](double x) { return std::isfinite(x); }))
    refuse("a leaf holds a number that is not finite");
  if (set_.defined()) {
    check_stored("set", set_, DType::i32, Shape{n});
    if (!set_begin_.defined() || set_begin_.dtype() != DType::i64 || set_begin_.ndim() != 1 ||
        set_begin_.size() < 1 || !set_codes_.defined() || set_codes_.dtype() != DType::i32 ||
        set_codes_.ndim() != 1)
      refuse("sets of categories are missing or of another form");
  } else if (set_begin_.defined() || set_codes_.defined()) {
    refuse("sets of categories belong to no node");
  }
  check_lines();
  check_trees();
}

// Lines go along numbers of the data, each once.
void TreeEnsemble::check_lines() const {
  if (lines_.size() > values_.size(0) || (is_linear() && options_.vector_leaves))
    refuse("there are slopes of leaves that have none");
  for (std::int64_t l = 0; l < lines_.size(); ++l) {
    const auto along = lines_.features(l);
    if (!std::isfinite(lines_.intercept(l)) ||
        !std::ranges::all_of(lines_.slopes(l), [](double s) { return std::isfinite(s); }))
      refuse("a leaf holds a number that is not finite");
    for (std::size_t i = 0; i < along.size(); ++i)
      if (along[i] < 0 || along[i] >= options_.num_features || (i > 0 && along[i] <= along[i - 1]))
        refuse(fmt::format("a leaf has a slope along feature {} of {}", along[i], options_.num_features));
  }
}

// Every node but a root has one parent, which stands before it in the same tree: no cycle, nothing shared.
void TreeEnsemble::check_trees() const {
  const auto root = roots();
  const auto f = features(), l = left(), r = right(), output = tree_outputs();
  const auto gain = gains(), cover = covers();
  const auto threshold = thresholds();
  const auto missing = missing_left();
  const std::int64_t n = num_nodes(), k = options_.num_outputs;
  if (root.front() != 0 || root.back() != n) refuse("the trees do not cover the nodes");
  std::vector<std::uint8_t> seen(at(n)), leaf_seen(at(values_.size(0)));
  for (std::size_t t = 0; t + 1 < root.size(); ++t) {
    if (root[t + 1] <= root[t] || root[t + 1] > n) refuse(fmt::format("tree {} has no nodes", t));
    if (output[t] < 0 || output[t] >= k) refuse(fmt::format("tree {} adds to no output", t));
    seen[at(root[t])] = 1;
    for (std::int64_t i = root[t]; i < root[t + 1]; ++i) {
      const std::size_t node = at(i);
      if (!std::isfinite(gain[node]) || !std::isfinite(cover[node]) || cover[node] < 0 ||
          std::isnan(threshold[node]) || missing[node] > 1)
        refuse(fmt::format("node {} holds a number that cannot be", i));
      if (f[node] < 0) {
        if (f[node] != -1 || r[node] != -1 || l[node] < 0 || l[node] >= std::ssize(leaf_seen) ||
            (std::exchange(leaf_seen[at(l[node])], 1) && !options_.vector_leaves))
          refuse(fmt::format("leaf {} has no values of its own", i));
        continue;
      }
      if (f[node] >= options_.num_features)
        refuse(fmt::format("node {} asks for feature {} of {}", i, f[node], options_.num_features));
      for (const std::int32_t child : {l[node], r[node]})
        if (child <= i || child >= root[t + 1] || seen[at(child)]++)
          refuse(fmt::format("node {} has the child {}, which is not below it alone", i, child));
    }
    for (std::int64_t i = root[t]; i < root[t + 1]; ++i)
      if (!seen[at(i)]) refuse(fmt::format("node {} hangs on no other", i));
  }
  if (set_.defined()) {
    const auto begin = set_begin_.data<std::int64_t>();
    const auto codes = set_codes_.data<std::int32_t>();
    if (begin.front() != 0 || begin.back() != std::ssize(codes) || !std::ranges::is_sorted(begin))
      refuse("the sets of categories do not cover their codes");
    for (std::size_t s = 0; s + 1 < begin.size(); ++s)
      for (std::int64_t i = begin[s]; i < begin[s + 1]; ++i)
        if (codes[at(i)] < 0 || (i > begin[s] && codes[at(i)] <= codes[at(i) - 1]))
          refuse(fmt::format("set {} holds the code {}", s, codes[at(i)]));
    std::vector<std::uint8_t> used(begin.size() - 1);
    for (std::size_t i = 0; i < at(n); ++i) {
      const std::int32_t s = set_.data<std::int32_t>()[i];
      if (s < -1 || s >= std::ssize(used) || (s >= 0 && (f[i] < 0 || used[at(s)]++)))
        refuse(fmt::format("node {} has the set {} of {}", i, s, used.size()));
    }
    if (!std::ranges::all_of(used, [](auto u) { return u > 0; }))
      refuse("a set of categories belongs to no node");
  }
  if (options_.output != TreeOutput::share) return;
  if (num_trees() < 1 || !std::ranges::all_of(options_.base, [](double b) { return b == 0; }))
    refuse("shares of classes have no base and one tree at least");
  const auto values = values_.data<double>();
  for (std::size_t i = 0; i < values.size(); i += at(k)) {
    double sum = 0;
    for (std::size_t o = 0; o < at(k); ++o) sum += values[i + o] < 0 ? NAN : values[i + o];
    if (!(std::abs(sum - 1) < kShareTolerance)) refuse("the shares of a leaf do not sum to 1");
  }
}

std::vector<std::int32_t> TreeEnsemble::left_codes(std::int64_t node) const {
  if (!is_category(node)) return {};
  const auto begin = set_begin_.data<std::int64_t>();
  const auto codes = set_codes_.data<std::int32_t>();
  const std::size_t s = at(set_.data<std::int32_t>()[at(node)]);
  return {codes.begin() + begin[s], codes.begin() + begin[s + 1]};
}

std::span<const double> TreeEnsemble::leaf_values(std::int64_t leaf) const {
  const std::size_t width = at(values_.size(1));
  return values_.data<double>().subspan(at(left()[at(leaf)]) * width, width);
}

Tree TreeEnsemble::tree(std::int64_t index) const {
  const std::int64_t first = roots()[at(index)], end = roots()[at(index) + 1];
  Tree t;
  t.output = tree_outputs()[at(index)];
  for (std::int64_t i = first; i < end; ++i) {
    TreeNode& node = t.nodes.emplace_back();
    node.gain = gains()[at(i)];
    node.cover = covers()[at(i)];
    if (is_leaf(i)) {
      const auto values = leaf_values(i);
      node.value.assign(values.begin(), values.end());
      if (const std::int64_t row = left()[at(i)]; lines_.has(row)) {
        node.intercept = lines_.intercept(row);
        node.slope_features.assign(lines_.features(row).begin(), lines_.features(row).end());
        node.slopes.assign(lines_.slopes(row).begin(), lines_.slopes(row).end());
      }
      continue;
    }
    node.feature = features()[at(i)];
    node.threshold = thresholds()[at(i)];
    node.category = is_category(i);
    node.left_codes = left_codes(i);
    node.missing_left = missing_left()[at(i)] != 0;
    node.left = static_cast<std::int32_t>(left()[at(i)] - first);
    node.right = static_cast<std::int32_t>(right()[at(i)] - first);
  }
  return t;
}

}  // namespace cairn
