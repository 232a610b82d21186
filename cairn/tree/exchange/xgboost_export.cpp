// XGBoost's model schema (its documentation, "Introduction to Model IO"), as JSON and as UBJSON. A number
// goes left when it is less than the condition, in f32; a category goes right when it stands in the node's
// set, so our two sides change places there.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/exchange/export.h"
#include "cairn/tree/exchange/export_internal.h"

namespace cairn {
namespace {

constexpr std::int32_t kNoParent = 2147483647;
constexpr float kLargest = std::numeric_limits<float>::max();

// The least f32 above `threshold`: for f32 numbers, x <= threshold is x < that.
float condition_of(double threshold) {
  auto c = static_cast<float>(std::clamp<double>(threshold, -kLargest, kLargest));
  if (c <= threshold) c = std::nextafterf(c, kLargest);
  return c;
}

// XGBoost refuses an empty set, which parts the missing ones from all others: instead all levels go right.
std::vector<std::int32_t> all_codes(const TreeFeature& feature) {
  std::vector<std::int32_t> codes(std::max<std::size_t>(feature.levels.size(), 1));
  std::iota(codes.begin(), codes.end(), 0);
  return codes;
}

bool turned(const TreeNode& node) { return node.category && !node.left_codes.empty(); }

// XGBoost takes a right child to be the one behind the left one, so where our two sides change places the
// children do. The node that stands at each place.
std::vector<std::size_t> nodes_in_their_places(const Tree& tree) {
  std::vector<std::size_t> node_at(tree.nodes.size());
  std::iota(node_at.begin(), node_at.end(), std::size_t{0});
  for (const TreeNode& node : tree.nodes)
    if (!node.is_leaf() && turned(node)) std::swap(node_at[at(node.left)], node_at[at(node.right)]);
  return node_at;
}

Json tree_json(const Tree& tree, std::int64_t id, const std::vector<TreeFeature>& features) {
  const std::size_t n = tree.nodes.size();
  const std::vector<std::size_t> node_at = nodes_in_their_places(tree);
  std::vector<std::int32_t> left(n, -1), right(n, -1), parents(n, kNoParent), feature(n, 0);
  std::vector<std::int32_t> is_category(n, 0), default_left(n, 0), categories, nodes;
  std::vector<std::int64_t> segments, sizes;
  std::vector<float> condition(n, 0), weight(n, 0), cover(n, 0), gain(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const TreeNode& node = tree.nodes[node_at[i]];
    cover[i] = static_cast<float>(node.cover), gain[i] = static_cast<float>(node.gain);
    if (node.is_leaf()) {
      condition[i] = weight[i] = static_cast<float>(node.value[0]);
      continue;
    }
    feature[i] = node.feature;
    left[i] = node.left, right[i] = node.right;
    bool missing_left = node.missing_left;
    if (node.category) {
      const auto codes = turned(node) ? node.left_codes : all_codes(features[at(node.feature)]);
      if (turned(node)) missing_left = !missing_left;
      is_category[i] = 1;
      nodes.push_back(static_cast<std::int32_t>(i));
      segments.push_back(std::ssize(categories));
      sizes.push_back(std::ssize(codes));
      categories.insert(categories.end(), codes.begin(), codes.end());
    } else {
      condition[i] = condition_of(node.threshold);
    }
    default_left[i] = missing_left ? 1 : 0;
    parents[at(node.left)] = parents[at(node.right)] = static_cast<std::int32_t>(i);
  }
  return {{"base_weights", weight},
          {"categories", categories},
          {"categories_nodes", nodes},
          {"categories_segments", segments},
          {"categories_sizes", sizes},
          {"default_left", default_left},
          {"id", id},
          {"left_children", left},
          {"loss_changes", gain},
          {"parents", parents},
          {"right_children", right},
          {"split_conditions", condition},
          {"split_indices", feature},
          {"split_type", is_category},
          {"sum_hessian", cover},
          {"tree_param",
           {{"num_deleted", "0"},
            {"num_feature", std::to_string(features.size())},
            {"num_nodes", std::to_string(n)},
            {"size_leaf_vector", "1"}}}};
}

// The objective, and the base score that adds nothing to the raw output.
std::pair<Json, const char*> objective_of(const TreeEnsemble& trees) {
  const Json plain{{"scale_pos_weight", "1"}};
  switch (trees.options().output) {
    case TreeOutput::logistic:
      return {Json{{"name", "binary:logistic"}, {"reg_loss_param", plain}}, "5E-1"};
    case TreeOutput::exponential:
      return {Json{{"name", "count:poisson"}, {"poisson_regression_param", {{"max_delta_step", "0.7"}}}},
              "1E0"};
    case TreeOutput::softmax:
      return {Json{{"name", "multi:softprob"},
                   {"softmax_multiclass_param", {{"num_class", std::to_string(trees.num_outputs())}}}},
              "0E0"};
    case TreeOutput::identity:
    case TreeOutput::share:
      break;
  }
  return {Json{{"name", "reg:squarederror"}, {"reg_loss_param", plain}}, "0E0"};
}

// XGBoost refuses names with these characters.
std::string name_for_xgboost(std::string name) {
  for (char& c : name)
    if (c == '[' || c == ']' || c == '<') c = '_';
  return name;
}

Json document_of(const TreeModel& model) {
  const std::vector<Tree> plain = export_detail::plain_trees(model, "XGBoost");
  const std::int64_t k = model.trees().num_outputs(), d = model.trees().num_features();
  Json names = Json::array(), types = Json::array(), trees = Json::array(), info = Json::array(),
       rounds = Json::array();
  for (const TreeFeature& f : model.features().list()) {
    names.push_back(name_for_xgboost(f.name));
    types.push_back(f.category ? "c" : "float");
  }
  for (std::int64_t t = 0; t < std::ssize(plain); ++t) {
    if (t % k == 0) rounds.push_back(t);
    info.push_back(plain[at(t)].output);
    trees.push_back(tree_json(plain[at(t)], t, model.features().list()));
  }
  rounds.push_back(std::ssize(plain));
  const auto [objective, base] = objective_of(model.trees());
  const bool classes = model.trees().options().output == TreeOutput::softmax;
  Json attributes{{kParityName, export_detail::parity_text(model)}};
  if (model.trees().options().output == TreeOutput::share)
    attributes[kSharesName] = export_detail::shares_text(model);
  return {
      {"learner",
       {{"attributes", attributes},
        {"feature_names", names},
        {"feature_types", types},
        {"gradient_booster",
         {{"model",
           {{"gbtree_model_param", {{"num_parallel_tree", "1"}, {"num_trees", std::to_string(plain.size())}}},
            {"iteration_indptr", rounds},
            {"tree_info", info},
            {"trees", trees}}},
          {"name", "gbtree"}}},
        {"learner_model_param",
         {{"base_score", base},
          {"boost_from_average", "0"},
          {"num_class", std::to_string(classes ? k : 0)},
          {"num_feature", std::to_string(d)},
          {"num_target", std::to_string(classes ? 1 : k)}}},
        {"objective", objective}}},
      {"version", {2, 1, 0}}};
}

// UBJSON as XGBoost reads it: every length an int64 ('L'), every number big-endian.
class Ubjson {
 public:
  std::string text;
  void write(const Json& value, std::string_view name = {}) {
    if (value.is_object()) {
      text += '{';
      for (const auto& [key, member] : value.items()) {
        put_text(key);
        write(member, key);
      }
      text += '}';
    } else if (value.is_array()) {
      write_array(value, name);
    } else if (value.is_string()) {
      text += 'S';
      put_text(value.get<std::string>());
    } else {
      text += 'L';
      put(value.get<std::int64_t>());
    }
  }

 private:
  template <class T>
  void put(T number) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &number, sizeof(T));
    if constexpr (std::endian::native == std::endian::little) std::reverse(bytes, bytes + sizeof(T));
    text.append(bytes, sizeof(T));
  }
  void put_text(std::string_view words) {
    text += 'L';
    put(static_cast<std::int64_t>(words.size()));
    text += words;
  }
  // The lists of a tree have the types that XGBoost's own files give them.
  void write_array(const Json& list, std::string_view name) {
    constexpr std::string_view kBytes[]{"default_left", "split_type"};
    constexpr std::string_view kWide[]{"categories_segments", "categories_sizes"};
    constexpr std::string_view kFloats[]{"base_weights", "loss_changes", "split_conditions", "sum_hessian"};
    constexpr std::string_view kUntyped[]{"feature_names", "feature_types", "iteration_indptr",
                                          "tree_info",     "trees",         "version"};
    const auto among = [&](const auto& names) { return std::ranges::find(names, name) != std::end(names); };
    const char type = among(kBytes)     ? 'U'
                      : among(kWide)    ? 'L'
                      : among(kFloats)  ? 'd'
                      : among(kUntyped) ? 0
                                        : 'l';
    text += '[';
    if (type != 0) text += '$', text += type;
    text += "#L";
    put(std::ssize(list));
    for (const Json& v : list) {
      if (type == 0) write(v);
      if (type == 'U') put(v.get<std::uint8_t>());
      if (type == 'L') put(v.get<std::int64_t>());
      if (type == 'd') put(v.get<float>());
      if (type == 'l') put(v.get<std::int32_t>());
    }
  }
};

}  // namespace

std::string xgboost_json(const TreeModel& model) {
  return document_of(model).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string xgboost_ubjson(const TreeModel& model) {
  Ubjson out;
  out.write(document_of(model));
  return std::move(out.text);
}

}  // namespace cairn
