// XGBoost's JSON and UBJSON (its documented model schema). A number goes left when it is less than the
// threshold, in f32; a category goes right when it stands in the node's set, and left otherwise.
#include <fast_float/fast_float.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/index.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/import_internal.h"
#include "cairn/tree/exchange/parity.h"

namespace cairn {
namespace {

using import_detail::FileNode;
using import_detail::refuse;
using nlohmann::json;

// Builds the document and counts its values: a short file that promises a long list of nothing is refused
// before memory is taken.
class Bounded : public nlohmann::detail::json_sax_dom_parser<json> {
 public:
  using Base = nlohmann::detail::json_sax_dom_parser<json>;
  Bounded(json& to, std::size_t most) : Base(to, false), most_(most) {}

  bool null() { return room() && Base::null(); }
  bool boolean(bool v) { return room() && Base::boolean(v); }
  bool number_integer(json::number_integer_t v) { return room() && Base::number_integer(v); }
  bool number_unsigned(json::number_unsigned_t v) { return room() && Base::number_unsigned(v); }
  bool number_float(json::number_float_t v, const std::string& s) {
    return room() && Base::number_float(v, s);
  }
  bool string(std::string& v) { return room() && Base::string(v); }
  bool binary(json::binary_t& v) { return room() && Base::binary(v); }
  bool start_object(std::size_t n) { return deeper(n) && Base::start_object(n); }
  bool start_array(std::size_t n) { return deeper(n) && Base::start_array(n); }
  bool end_object() { return --depth_ >= 0 && Base::end_object(); }
  bool end_array() { return --depth_ >= 0 && Base::end_array(); }
  template <class Exception>
  bool parse_error(std::size_t position, const std::string&, const Exception& e) {
    problem = fmt::format("cannot be read at byte {}: {}", position, e.what());
    return false;
  }
  std::string problem;

 private:
  static constexpr int kDeepest = 64;
  bool room() {
    if (++count_ <= most_) return true;
    problem = "holds more values than it has bytes";
    return false;
  }
  bool deeper(std::size_t n) {
    if (n != std::size_t(-1) && n > most_) problem = fmt::format("claims a list of {} values", n);
    if (++depth_ > kDeepest) problem = fmt::format("is nested more than {} deep", kDeepest);
    return problem.empty() && room();
  }
  std::size_t most_, count_ = 0;
  int depth_ = 0;
};

class XgboostFile {
 public:
  XgboostFile(std::string_view contents, const std::string& path) : contents_(contents), path_(path) {}

  ImportedTrees read() {
    const json document = parse();
    const json& learner = object(document, "learner");
    const json& booster = object(learner, "gradient_booster");
    const std::string kind = text(booster, "name");
    if (kind != "gbtree" && kind != "dart")
      throw NotSupported(path_, fmt::format("its booster is {}; only trees can be read", kind));
    const json& model = object(kind == "dart" ? object(booster, "gbtree") : booster, "model");
    const json& shape = object(learner, "learner_model_param");
    num_features_ = static_cast<std::int64_t>(number(shape, "num_feature"));
    const auto num_class = static_cast<std::int64_t>(number(shape, "num_class"));
    const auto num_target =
        shape.contains("num_target") ? static_cast<std::int64_t>(number(shape, "num_target")) : 1;
    num_outputs_ = std::max<std::int64_t>({1, num_class, num_target});

    ImportedTrees result;
    result.program = "XGBoost";
    if (document.contains("version") && document["version"].is_array())
      result.program += fmt::format(" {}", fmt::join(list<int>(document, "version"), "."));
    result.objective = text(object(learner, "objective"), "name");
    TreeEnsembleOptions options{
        .num_features = num_features_, .num_outputs = num_outputs_, .f32_inputs = true};
    options.output = output_of(result.objective);
    result.feature_names = names(learner);

    const json& trees = array(model, "trees");
    const std::vector<std::int32_t> output = list<std::int32_t>(model, "tree_info");
    if (output.size() != trees.size())
      refuse(path_, fmt::format("holds {} trees and tells the output of {}", trees.size(), output.size()));
    std::vector<double> weight(trees.size(), 1.0);
    if (kind == "dart") weight = list<double>(booster, "weight_drop");
    if (weight.size() != trees.size())
      refuse(path_, fmt::format("holds {} trees and {} weights of them", trees.size(), weight.size()));
    std::vector<Tree> grown;
    for (std::size_t t = 0; t < trees.size(); ++t) {
      grown.push_back(read_tree(trees[t], static_cast<std::int64_t>(t)));
      grown.back().output = options.vector_leaves ? 0 : output[t];
      for (TreeNode& n : grown.back().nodes) {
        options.vector_leaves |= n.value.size() > 1;
        for (double& v : n.value) v *= weight[t];
      }
    }
    if (options.vector_leaves)
      for (Tree& t : grown) t.output = 0;
    options.base = base(shape, result.objective);
    if (const std::string classes = attribute(learner, kSharesName);
        !classes.empty() && options.output == TreeOutput::identity && !options.vector_leaves)
      import_detail::make_shares(result, options, grown, classes, path_);
    result.trees = TreeEnsemble(options, grown);
    if (const std::string promise = attribute(learner, kParityName); !promise.empty())
      check_parity(result.trees, promise, path_);
    return result;
  }

 private:
  json parse() const {
    if (contents_.empty()) refuse(path_, "is empty");
    const auto first = contents_.find_first_not_of(" \t\r\n");
    if (first == std::string::npos || contents_[first] != '{')
      refuse(path_,
             "is neither XGBoost's JSON nor its UBJSON: it does not begin with '{'; XGBoost's old binary "
             "files can be written again as JSON by XGBoost before version 3.1");
    // In JSON a name follows, in UBJSON the length of one.
    const auto second = contents_.find_first_not_of(" \t\r\n", first + 1);
    const bool is_text =
        second != std::string::npos && (contents_[second] == '"' || contents_[second] == '}');
    json document;
    Bounded builder(document, contents_.size());
    const bool fine = json::sax_parse(contents_, &builder,
                                      is_text ? json::input_format_t::json : json::input_format_t::ubjson);
    if (!fine || !builder.problem.empty())
      refuse(path_, builder.problem.empty() ? "cannot be read" : builder.problem);
    return document;
  }

  // One that may be there; "" where it is not.
  static std::string attribute(const json& learner, const char* name) {
    const auto all = learner.find("attributes");
    if (all == learner.end() || !all->is_object()) return "";
    const auto found = all->find(name);
    return found != all->end() && found->is_string() ? found->get<std::string>() : "";
  }

  const json& member(const json& in, const char* name) const {
    if (!in.is_object() || !in.contains(name))
      refuse(path_, fmt::format("has no '{}' where a model has one", name));
    return in[name];
  }
  const json& object(const json& in, const char* name) const {
    const json& found = member(in, name);
    if (!found.is_object()) refuse(path_, fmt::format("'{}' is not an object", name));
    return found;
  }
  const json& array(const json& in, const char* name) const {
    const json& found = member(in, name);
    if (!found.is_array()) refuse(path_, fmt::format("'{}' is not a list", name));
    return found;
  }
  std::string text(const json& in, const char* name) const {
    const json& found = member(in, name);
    if (!found.is_string()) refuse(path_, fmt::format("'{}' is not text", name));
    return found.get<std::string>();
  }
  // A number, which XGBoost writes as text.
  double number(const json& in, const char* name) const {
    const json& found = member(in, name);
    if (found.is_number()) return found.get<double>();
    return number_from(found.is_string() ? found.get<std::string>() : "", name);
  }
  double number_from(std::string_view word, const char* name) const {
    double value = 0;
    const auto [end, error] = fast_float::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty() || error != std::errc{} || end != word.data() + word.size() || !std::isfinite(value))
      refuse(path_, fmt::format("'{}' is '{}', not a number", name, word.substr(0, 40)));
    return value;
  }
  template <class T>
  std::vector<T> list(const json& in, const char* name) const {
    std::vector<T> values;
    for (const json& v : array(in, name)) {
      if (!v.is_number() && !v.is_boolean())
        refuse(path_, fmt::format("'{}' holds {}, not a number", name, v.dump().substr(0, 40)));
      const double value = v.is_boolean() ? static_cast<double>(v.get<bool>()) : v.get<double>();
      if constexpr (std::is_integral_v<T>)
        if (!(std::abs(value) < static_cast<double>(std::numeric_limits<T>::max())) ||
            value != std::floor(value))
          refuse(path_, fmt::format("'{}' holds {}, not a whole number in range", name, value));
      values.push_back(static_cast<T>(value));
    }
    return values;
  }
  template <class T>
  std::vector<T> list_of(const json& in, const char* name, std::size_t count, std::int64_t tree) const {
    std::vector<T> values = list<T>(in, name);
    if (values.size() != count)
      refuse(path_, fmt::format("tree {}: '{}' holds {} numbers; {} were expected", tree, name, values.size(),
                                count));
    return values;
  }

  std::vector<std::string> names(const json& learner) const {
    std::vector<std::string> list;
    if (learner.contains("feature_names") && learner["feature_names"].is_array())
      for (const json& n : learner["feature_names"])
        list.push_back(n.is_string() ? n.get<std::string>() : n.dump());
    if (!list.empty() && std::ssize(list) != num_features_)
      refuse(path_, fmt::format("names {} of its {} features", list.size(), num_features_));
    if (num_features_ < 0 || num_features_ > (1 << 29))
      refuse(path_, fmt::format("{} features cannot be", num_features_));
    return list;
  }

  TreeOutput output_of(const std::string& objective) const {
    const auto begins = [&](const char* with) { return objective.starts_with(with); };
    if (objective == "binary:logistic" || objective == "reg:logistic") return TreeOutput::logistic;
    if (begins("multi:")) return TreeOutput::softmax;
    if (objective == "count:poisson" || objective == "reg:gamma" || objective == "reg:tweedie" ||
        begins("survival:"))
      return TreeOutput::exponential;
    if (begins("reg:") || begins("rank:") || objective == "binary:logitraw") return TreeOutput::identity;
    throw NotSupported(path_,
                       fmt::format("its objective '{}' makes something of the raw output that these trees "
                                   "cannot express",
                                   objective));
  }

  // The base is stored on the scale of predictions and added on that of raw outputs.
  std::vector<double> base(const json& shape, const std::string& objective) const {
    std::string words = text(shape, "base_score");
    std::erase_if(words, [](char c) { return c == '[' || c == ']' || c == ' '; });
    std::vector<double> values;
    for (std::size_t begin = 0; begin <= words.size();) {
      const std::size_t comma = std::min(words.find(',', begin), words.size());
      values.push_back(number_from(std::string_view(words).substr(begin, comma - begin), "base_score"));
      begin = comma + 1;
    }
    if (values.size() == 1) values.resize(at(num_outputs_), values[0]);
    if (std::ssize(values) != num_outputs_)
      refuse(path_, fmt::format("has {} base scores for {} outputs", values.size(), num_outputs_));
    const bool odds = objective.starts_with("binary:logi") || objective == "reg:logistic";
    for (double& v : values) {
      if (odds && !(v > 0 && v < 1)) refuse(path_, fmt::format("base_score {} is no probability", v));
      if (odds) v = -std::log(1 / v - 1);
      if (output_of(objective) == TreeOutput::exponential) v = std::log(std::max(v, 1e-300));
    }
    return values;
  }

  Tree read_tree(const json& tree, std::int64_t number_of_tree) const {
    const json& param = object(tree, "tree_param");
    const auto count = std::ssize(array(tree, "left_children"));
    if (count < 1) refuse(path_, fmt::format("tree {} has no nodes", number_of_tree));
    const std::size_t n = at(count);
    const auto width =
        static_cast<std::int64_t>(param.contains("size_leaf_vector") ? number(param, "size_leaf_vector") : 1);
    const auto left = list_of<std::int64_t>(tree, "left_children", n, number_of_tree);
    const auto right = list_of<std::int64_t>(tree, "right_children", n, number_of_tree);
    const auto feature = list_of<std::int64_t>(tree, "split_indices", n, number_of_tree);
    const auto condition = list_of<float>(tree, "split_conditions", n, number_of_tree);
    const auto default_left = list_of<int>(tree, "default_left", n, number_of_tree);
    const auto cover = list_of<double>(tree, "sum_hessian", n, number_of_tree);
    const auto gain = list_of<double>(tree, "loss_changes", n, number_of_tree);
    const auto weights = width > 1 ? list_of<double>(tree, "base_weights", n * at(width), number_of_tree)
                                   : std::vector<double>{};
    const auto sets = category_sets(tree, number_of_tree, n);
    return import_detail::tree_from(path_, number_of_tree, 0, count, [&](std::int64_t i) -> FileNode {
      const std::size_t s = at(i);
      FileNode node;
      node.node.cover = cover[s];
      if (left[s] == -1) {
        if (width > 1)
          node.node.value.assign(weights.begin() + i * width, weights.begin() + (i + 1) * width);
        else
          node.node.value = {condition[s]};
        return node;
      }
      if (feature[s] < 0 || feature[s] >= num_features_)
        refuse(path_, fmt::format("tree {}, node {} splits feature {}; there are {}", number_of_tree, i,
                                  feature[s], num_features_));
      node.node.feature = static_cast<std::int32_t>(feature[s]);
      node.node.gain = gain[s];
      node.left = left[s], node.right = right[s];
      node.node.missing_left = default_left[s] != 0;
      if (const auto set = sets.find(i); set != sets.end()) {  // its set goes right: the sides change places
        node.node.category = true;
        node.node.left_codes = set->second;
        std::swap(node.left, node.right);
        node.node.missing_left = !node.node.missing_left;
        return node;
      }
      node.node.threshold = std::nextafterf(condition[s], -INFINITY);  // x < c is x <= the number before c
      return node;
    });
  }

  std::map<std::int64_t, std::vector<std::int32_t>> category_sets(const json& tree,
                                                                  std::int64_t number_of_tree,
                                                                  std::size_t n) const {
    std::map<std::int64_t, std::vector<std::int32_t>> sets;
    if (!tree.contains("categories_nodes")) return sets;
    const auto nodes = list<std::int64_t>(tree, "categories_nodes");
    const auto segments = list_of<std::int64_t>(tree, "categories_segments", nodes.size(), number_of_tree);
    const auto sizes = list_of<std::int64_t>(tree, "categories_sizes", nodes.size(), number_of_tree);
    const auto codes = list<std::int32_t>(tree, "categories");
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i] < 0 || nodes[i] >= static_cast<std::int64_t>(n) || segments[i] < 0 || sizes[i] < 0 ||
          segments[i] + sizes[i] > std::ssize(codes))
        refuse(path_, fmt::format("tree {}: its set {} of categories cannot be", number_of_tree, i));
      auto& set = sets[nodes[i]];
      set.assign(codes.begin() + segments[i], codes.begin() + segments[i] + sizes[i]);
      std::ranges::sort(set);
      set.erase(std::unique(set.begin(), set.end()), set.end());
      if (!set.empty() && set.front() < 0)
        refuse(path_,
               fmt::format("tree {}, node {} lists category {}", number_of_tree, nodes[i], set.front()));
    }
    return sets;
  }

  std::string_view contents_;
  const std::string& path_;
  std::int64_t num_features_ = 0, num_outputs_ = 1;
};

}  // namespace

ImportedTrees import_detail::xgboost_trees(std::string_view contents, const std::string& path) {
  return XgboostFile(contents, path).read();
}

ImportedTrees read_xgboost(const std::string& path) {
  return import_detail::xgboost_trees(read_file(path), path);
}

}  // namespace cairn
