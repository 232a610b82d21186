// LightGBM's text, version 4: a header, a block of lines a tree, and what categories are called. See
// lightgbm_import.cpp for the bits of decision_type. A missing category goes right there, always: where ours
// goes left, the set is turned round.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/tree/exchange/export.h"
#include "cairn/tree/exchange/export_internal.h"

namespace cairn {
namespace {

constexpr int kCategory = 1, kDefaultLeft = 2, kNanMissing = 8;
constexpr double kInfinite = 1e300;  // what LightGBM itself writes for it

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Names are parted by blanks, and a line has one '='; JSON's own characters are refused by LightGBM's Python.
std::string name_for_lightgbm(const std::string& name) {
  std::string fine = name.empty() ? "_" : name;
  for (char& c : fine)
    if (static_cast<unsigned char>(c) <= ' ' ||
        std::string_view("=\",:[]{}").find(c) != std::string_view::npos)
      c = '_';
  return fine;
}

std::string objective_of(const TreeEnsemble& trees) {
  switch (trees.options().output) {
    case TreeOutput::logistic:
      return "binary sigmoid:1";
    case TreeOutput::exponential:
      return "poisson";
    case TreeOutput::softmax:
      return fmt::format("multiclass num_class:{}", trees.num_outputs());
    case TreeOutput::identity:
      return "regression";
    case TreeOutput::share:
      break;
  }
  return "";
}

// Without an objective LightGBM predicts the raw scores themselves: of shares as many as there are classes.
std::string objective_line(const TreeModel& model) {
  const std::string objective = objective_of(model.trees());
  std::string lines = objective.empty() ? "" : fmt::format("objective={}\n", objective);
  if (model.trees().options().output == TreeOutput::share)
    lines += fmt::format("{}={}\n", kSharesName, export_detail::shares_text(model));
  return lines;
}

struct Lists {  // of inner nodes and of leaves, in LightGBM's numbers
  std::vector<std::int32_t> feature, decision, left, right, bounds{0};
  std::vector<double> gain, threshold, inner_cover, value, cover;
  std::vector<std::uint32_t> words;
};

// The set as bits: the codes that go left, or those that do not.
void add_set(const TreeNode& node, std::int64_t levels, bool turned, Lists& lists) {
  const std::int64_t highest = node.left_codes.empty() ? 0 : node.left_codes.back();
  const std::int64_t codes = turned ? levels : highest + 1;
  std::vector<std::uint32_t> words(at(codes / 32 + 1));
  for (std::int64_t c = 0; c < codes; ++c)
    if (std::ranges::binary_search(node.left_codes, static_cast<std::int32_t>(c)) != turned)
      words[at(c / 32)] |= 1U << (c % 32);
  lists.words.insert(lists.words.end(), words.begin(), words.end());
  lists.bounds.push_back(static_cast<std::int32_t>(lists.words.size()));
}

Lists lists_of(const Tree& tree, const std::vector<TreeFeature>& features) {
  // Inner nodes and leaves are counted apart; a leaf is -1 - its number.
  std::vector<std::int32_t> number(tree.nodes.size());
  std::int32_t inner = 0, leaves = 0;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i)
    number[i] = tree.nodes[i].is_leaf() ? -1 - leaves++ : inner++;
  Lists lists;
  for (const TreeNode& node : tree.nodes) {
    if (node.is_leaf()) {
      lists.value.push_back(node.value[0]);
      lists.cover.push_back(node.cover);
      continue;
    }
    lists.feature.push_back(node.feature);
    lists.gain.push_back(node.gain);
    lists.inner_cover.push_back(node.cover);
    const bool turned = node.category && node.missing_left;
    lists.left.push_back(number[at(turned ? node.right : node.left)]);
    lists.right.push_back(number[at(turned ? node.left : node.right)]);
    if (node.category) {
      lists.threshold.push_back(static_cast<double>(lists.bounds.size() - 1));
      lists.decision.push_back(kCategory);
      add_set(node, std::ssize(features[at(node.feature)].levels), turned, lists);
    } else {
      lists.threshold.push_back(std::clamp(node.threshold, -kInfinite, kInfinite));
      lists.decision.push_back(kNanMissing | (node.missing_left ? kDefaultLeft : 0));
    }
  }
  return lists;
}

template <class T>
std::string joined(const std::vector<T>& list) {
  return fmt::format("{}", fmt::join(list, " "));
}

// Rows are counted in whole numbers, at least one a node.
std::vector<std::int64_t> counts(const std::vector<double>& covers) {
  std::vector<std::int64_t> list;
  for (const double c : covers) list.push_back(std::max<std::int64_t>(1, std::llround(c)));
  return list;
}

std::string tree_block(const Tree& tree, std::size_t index, const std::vector<TreeFeature>& features) {
  const Lists l = lists_of(tree, features);
  const std::size_t sets = l.bounds.size() - 1;
  std::string text = fmt::format("Tree={}\nnum_leaves={}\nnum_cat={}\n", index, l.value.size(), sets);
  const auto line = [&](const char* name, const std::string& values) {
    text += fmt::format("{}={}\n", name, values);
  };
  const std::vector<double> zeros(l.feature.size(), 0.0);
  line("split_feature", joined(l.feature));
  line("split_gain", joined(l.gain));
  line("threshold", joined(l.threshold));
  line("decision_type", joined(l.decision));
  line("left_child", joined(l.left));
  line("right_child", joined(l.right));
  line("leaf_value", joined(l.value));
  line("leaf_weight", joined(l.cover));
  line("leaf_count", joined(counts(l.cover)));
  line("internal_value", joined(zeros));
  line("internal_weight", joined(l.inner_cover));
  line("internal_count", joined(counts(l.inner_cover)));
  if (sets > 0) {
    line("cat_boundaries", joined(l.bounds));
    line("cat_threshold", joined(l.words));
  }
  return text + "is_linear=0\nshrinkage=1\n\n\n";
}

}  // namespace

std::string lightgbm_text(const TreeModel& model) {
  const std::vector<Tree> plain = export_detail::plain_trees(model, "LightGBM");
  const TreeEnsemble& trees = model.trees();
  const auto& features = model.features().list();
  const std::int64_t k = trees.num_outputs();
  std::vector<std::string> names, ranges, blocks;
  std::vector<std::size_t> sizes;
  Json levels = Json::array();
  for (const TreeFeature& f : features) {
    names.push_back(name_for_lightgbm(f.name));
    std::vector<std::size_t> codes(f.levels.size());
    for (std::size_t c = 0; c < codes.size(); ++c) codes[c] = c;
    ranges.push_back(f.category ? fmt::format("{}", fmt::join(codes, ":")) : "[-1e+300:1e+300]");
    if (f.category) levels.push_back(f.levels);
  }
  for (std::size_t t = 0; t < plain.size(); ++t) {
    blocks.push_back(tree_block(plain[t], t, features));
    sizes.push_back(blocks.back().size());
  }
  return fmt::format(
      "tree\nversion=v4\nnum_class={0}\nnum_tree_per_iteration={0}\nlabel_index=0\nmax_feature_idx={1}\n"
      "{2}feature_names={3}\nfeature_infos={4}\n{5}={6}\ntree_sizes={7}\n\n{8}end of trees\n\n"
      "feature_importances:\n\nparameters:\n\nend of parameters\n\npandas_categorical:{9}\n",
      k, std::ssize(features) - 1, objective_line(model), joined(names), joined(ranges), kParityName,
      export_detail::parity_text(model), joined(sizes), fmt::join(blocks, ""),
      levels.empty() ? "null" : levels.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace cairn
