// LightGBM's text: a header of `name=value` lines, then a block of such lines a tree. A split's decision_type
// is a number of bits: 1 category, 2 missing values go left, 4 zero is missing, 8 NaN is missing (neither:
// NaN is taken for 0). A child below 0 is leaf -1 - child. A category goes left when its bit is set.
#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "cairn/base/atomic_file.h"
#include "cairn/base/index.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/import_internal.h"
#include "cairn/tree/exchange/parity.h"

namespace cairn {
namespace {

using import_detail::FileNode;
using import_detail::refuse;

constexpr int kCategory = 1, kDefaultLeft = 2, kZeroMissing = 4, kNanMissing = 8;

// The `name=value` lines of the header or of one tree.
class Block {
 public:
  Block(const std::string& path, std::string place) : path_(path), place_(std::move(place)) {}

  void add(std::string_view line) {
    const auto equals = line.find('=');
    values_[std::string(line.substr(0, equals))] =
        equals == std::string_view::npos ? std::string_view{} : line.substr(equals + 1);
  }
  bool has(const char* name) const { return values_.contains(name); }
  std::string_view text(const char* name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string_view{} : found->second;
  }
  std::int64_t integer(const char* name) const {
    const auto list = numbers<std::int64_t>(name, 1);
    return list[0];
  }
  // Exactly `count` numbers. -1: any number of them.
  template <class T>
  std::vector<T> numbers(const char* name, std::int64_t count) const {
    std::vector<T> list;
    std::string_view rest = text(name);
    while (true) {
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
      if (rest.empty()) break;
      const std::string_view word = rest.substr(0, rest.find(' '));
      T value{};
      const char* end = word.data() + word.size();
      bool whole = false;
      if constexpr (std::is_integral_v<T>) {
        const auto [stop, error] = std::from_chars(word.data(), end, value);
        whole = error == std::errc{} && stop == end;
      } else {
        const auto [stop, error] = fast_float::from_chars(word.data(), end, value);
        whole = error == std::errc{} && stop == end;
      }
      if (!whole)
        refuse(path_, fmt::format("{}: '{}' in {} is not a number", place_, word.substr(0, 40), name));
      list.push_back(value);
      rest.remove_prefix(word.size());
    }
    if (count >= 0 && std::ssize(list) != count)
      refuse(path_,
             fmt::format("{}: {} holds {} numbers; {} were expected", place_, name, list.size(), count));
    return list;
  }
  // The same, or zeros where the line is not there.
  std::vector<double> numbers_or_zeros(const char* name, std::int64_t count) const {
    return text(name).empty() ? std::vector<double>(at(count), 0.0) : numbers<double>(name, count);
  }
  const std::string& place() const { return place_; }

 private:
  const std::string& path_;
  std::string place_;
  std::map<std::string, std::string_view, std::less<>> values_;
};

class LightgbmFile {
 public:
  LightgbmFile(std::string_view contents, const std::string& path) : path_(path), contents_(contents) {}

  ImportedTrees read() {
    Block header(path_, "header");
    std::vector<Block> blocks;
    split_blocks(header, blocks);
    const std::int64_t d = header.integer("max_feature_idx") + 1;
    const std::int64_t per_round = header.integer("num_tree_per_iteration");
    if (d < 0 || d > (1 << 29)) refuse(path_, fmt::format("{} features cannot be", d));
    if (per_round < 1 || per_round > std::max<std::int64_t>(std::ssize(blocks), 1))
      refuse(path_,
             fmt::format("{} trees a round cannot be; the file holds {} trees", per_round, blocks.size()));

    ImportedTrees result;
    result.program = fmt::format("LightGBM {}", header.text("version"));
    result.objective = std::string(header.text("objective"));
    result.feature_names = names(header.text("feature_names"), d);
    TreeEnsembleOptions options{.num_features = d, .num_outputs = per_round};
    options.output = output_of(result.objective);
    const bool average = header.has("average_output") && !blocks.empty();
    const std::int64_t rounds = (std::ssize(blocks) + per_round - 1) / per_round;
    std::vector<Tree> trees;
    for (std::int64_t t = 0; t < std::ssize(blocks); ++t) {
      Tree tree = read_tree(blocks[at(t)], t, d);
      tree.output = static_cast<std::int32_t>(t % per_round);
      for (TreeNode& n : tree.nodes) {
        const auto scale = [&](double& v) { v = v * sigmoid_ / (average ? static_cast<double>(rounds) : 1); };
        std::ranges::for_each(n.value, scale);
        std::ranges::for_each(n.slopes, scale);
        scale(n.intercept);
      }
      trees.push_back(std::move(tree));
    }
    if (header.has(kSharesName) && options.output == TreeOutput::identity)
      import_detail::make_shares(result, options, trees, std::string(header.text(kSharesName)), path_);
    result.trees = TreeEnsemble(options, trees);
    if (header.has(kParityName)) check_parity(result.trees, std::string(header.text(kParityName)), path_);
    return result;
  }

 private:
  void split_blocks(Block& header, std::vector<Block>& blocks) {
    std::string_view rest = contents_;
    bool first = true, ended = false;
    while (!rest.empty() && !ended) {
      std::string_view line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(line.size() + 1, rest.size()));
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (first && line != "tree")
        throw ModelFileError(
            path_,
            fmt::format("is not LightGBM's text: it begins with '{}', not with 'tree'", line.substr(0, 20)));
      first = false;
      ended = line == "end of trees";
      if (line.starts_with("Tree=")) blocks.emplace_back(path_, fmt::format("tree {}", blocks.size()));
      if (!line.empty() && !ended) (blocks.empty() ? header : blocks.back()).add(line);
    }
    if (first) refuse(path_, "is empty");
    for (const char* name : {"max_feature_idx", "num_tree_per_iteration", "feature_names"})
      if (!header.has(name)) refuse(path_, fmt::format("its header has no line {}=", name));
    const auto sizes = header.numbers<std::int64_t>("tree_sizes", -1);
    if (header.has("tree_sizes") && sizes.size() != blocks.size())
      refuse(path_,
             fmt::format("was cut short: it promises {} trees and holds {}", sizes.size(), blocks.size()));
  }

  std::vector<std::string> names(std::string_view text, std::int64_t d) const {
    std::vector<std::string> list;
    while (!text.empty()) {
      const std::string_view word = text.substr(0, text.find(' '));
      if (!word.empty()) list.emplace_back(word);
      text.remove_prefix(std::min(word.size() + 1, text.size()));
    }
    if (std::ssize(list) != d) refuse(path_, fmt::format("names {} of its {} features", list.size(), d));
    // It calls features that came without a name so.
    for (std::size_t f = 0; f < list.size(); ++f)
      if (list[f] != fmt::format("Column_{}", f)) return list;
    return {};
  }

  TreeOutput output_of(const std::string& objective) {
    const std::string name = objective.substr(0, objective.find(' '));
    if (const auto found = objective.find("sigmoid:"); found != std::string::npos) {
      const char* begin = objective.data() + found + 8;
      fast_float::from_chars(begin, objective.data() + objective.size(), sigmoid_);
      if (!(sigmoid_ > 0)) refuse(path_, fmt::format("objective '{}' has no slope above 0", objective));
    }
    for (const char* known : {"", "none", "regression", "regression_l1", "huber", "fair", "quantile", "mape",
                              "lambdarank", "rank_xendcg"})
      if (name == known && objective.find("sqrt") == std::string::npos) return TreeOutput::identity;
    if (name == "poisson" || name == "gamma" || name == "tweedie") return TreeOutput::exponential;
    if (name == "binary" || name == "cross_entropy" || name == "xentropy") return TreeOutput::logistic;
    if (name == "multiclass") return TreeOutput::softmax;
    throw NotSupported(path_,
                       fmt::format("its objective '{}' makes something of the raw output that these trees "
                                   "cannot express",
                                   objective));
  }

  Tree read_tree(const Block& block, std::int64_t number, std::int64_t d) const {
    const std::int64_t leaves = block.integer("num_leaves"), inner = leaves - 1;
    // As many numbers as that must stand in the file, so memory stays within its size.
    if (leaves < 1 || leaves > std::ssize(contents_))
      refuse(path_, fmt::format("{} claims {} leaves", block.place(), leaves));
    const auto value = block.numbers<double>("leaf_value", leaves);
    const auto leaf_count = block.numbers_or_zeros("leaf_count", leaves);
    const std::vector<TreeNode> lines = read_lines(block, leaves, d);
    if (inner == 0) {
      Tree tree;
      tree.nodes.push_back(lines[0]);
      tree.nodes[0].value = {value[0]};
      tree.nodes[0].cover = leaf_count[0];
      return tree;
    }
    const auto feature = block.numbers<std::int64_t>("split_feature", inner);
    const auto threshold = block.numbers<double>("threshold", inner);
    const auto decision = block.numbers<std::int64_t>("decision_type", inner);
    const auto left = block.numbers<std::int64_t>("left_child", inner);
    const auto right = block.numbers<std::int64_t>("right_child", inner);
    const auto gain = block.numbers_or_zeros("split_gain", inner);
    const auto count = block.numbers_or_zeros("internal_count", inner);
    const auto bounds = block.numbers<std::int64_t>("cat_boundaries", -1);
    const auto words = block.numbers<std::uint32_t>("cat_threshold", -1);
    // Inner nodes first, then the leaves.
    const auto child = [&](std::int64_t c) {
      return c >= 0 && c < inner ? c : c < 0 && c >= -leaves ? inner - 1 - c : -1;
    };
    return import_detail::tree_from(path_, number, 0, inner + leaves, [&](std::int64_t i) -> FileNode {
      FileNode n;
      if (i >= inner) {
        n.node = lines[at(i - inner)];
        n.node.value = {value[at(i - inner)]};
        n.node.cover = leaf_count[at(i - inner)];
        return n;
      }
      const std::size_t s = at(i);
      if (feature[s] < 0 || feature[s] >= d)
        refuse(path_,
               fmt::format("{}, node {} splits feature {}; there are {}", block.place(), i, feature[s], d));
      n.node.feature = static_cast<std::int32_t>(feature[s]);
      n.node.gain = gain[s];
      n.node.cover = count[s];
      n.left = child(left[s]), n.right = child(right[s]);
      if (decision[s] & kCategory) {
        n.node.category = true;
        n.node.left_codes = codes(block, threshold[s], bounds, words);
        return n;
      }
      n.node.threshold = threshold[s];
      if (decision[s] & kZeroMissing)
        throw NotSupported(path_,
                           fmt::format("{}, node {} takes zero for a missing value", block.place(), i));
      n.node.missing_left = decision[s] & kNanMissing ? (decision[s] & kDefaultLeft) != 0 : 0 <= threshold[s];
      return n;
    });
  }

  // Leaves with nothing but their lines, where the tree has them: a constant, and of each leaf as many
  // features and slopes as num_features says, one leaf's after the other's.
  std::vector<TreeNode> read_lines(const Block& block, std::int64_t leaves, std::int64_t d) const {
    std::vector<TreeNode> list(at(leaves));
    if (block.text("is_linear") != "1") return list;
    const auto constant = block.numbers<double>("leaf_const", leaves);
    const auto counts = block.numbers<std::int64_t>("num_features", leaves);
    std::int64_t all = 0;
    for (const std::int64_t count : counts) {
      if (count < 0 || count > d)
        refuse(path_,
               fmt::format("{} has a leaf of {} slopes; there are {} features", block.place(), count, d));
      all += count;
    }
    const auto feature = block.numbers<std::int64_t>("leaf_features", all);
    const auto slope = block.numbers<double>("leaf_coeff", all);
    std::size_t next = 0;
    for (std::size_t l = 0; l < list.size(); ++l) {
      std::vector<std::pair<std::int32_t, double>> line;
      for (std::int64_t i = 0; i < counts[l]; ++i, ++next)
        line.emplace_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(feature[next], -1, d)),
                          slope[next]);
      std::ranges::sort(line);
      for (const auto& [f, s] : line) {
        list[l].slope_features.push_back(f);
        list[l].slopes.push_back(s);
      }
      list[l].intercept = constant[l];
    }
    return list;
  }

  std::vector<std::int32_t> codes(const Block& block, double set, const std::vector<std::int64_t>& bounds,
                                  const std::vector<std::uint32_t>& words) const {
    if (!(set >= 0 && set + 1 < static_cast<double>(bounds.size())) || set != std::floor(set))
      refuse(path_, fmt::format("{} has no set {} of categories", block.place(), set));
    const std::int64_t begin = bounds[static_cast<std::size_t>(set)],
                       end = bounds[static_cast<std::size_t>(set) + 1];
    if (begin < 0 || end < begin || end > std::ssize(words))
      refuse(path_,
             fmt::format("{}: set {} of categories ends outside of cat_threshold", block.place(), set));
    std::vector<std::int32_t> list;
    for (std::int64_t w = begin; w < end; ++w)
      for (int bit = 0; bit < 32; ++bit)
        if (words[at(w)] >> bit & 1U) list.push_back(static_cast<std::int32_t>((w - begin) * 32 + bit));
    return list;
  }

  const std::string& path_;
  std::string_view contents_;
  double sigmoid_ = 1;  // the slope of the logistic
};

}  // namespace

ImportedTrees import_detail::lightgbm_trees(std::string_view contents, const std::string& path) {
  return LightgbmFile(contents, path).read();
}

ImportedTrees read_lightgbm(const std::string& path) {
  return import_detail::lightgbm_trees(read_file(path), path);
}

}  // namespace cairn
