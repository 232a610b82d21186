// ONNX's TreeEnsembleClassifier and TreeEnsembleRegressor (domain ai.onnx.ml, versions 1 to 3), as skl2onnx
// writes the trees of scikit-learn: nodes and the weights of leaves in parallel lists.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <unordered_map>

#include "cairn/base/atomic_file.h"
#include "cairn/base/index.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/import_internal.h"
#include "cairn/tree/exchange/onnx_file_internal.h"
#include "cairn/tree/exchange/parity.h"

namespace cairn {
namespace {

using namespace import_detail;

constexpr std::int64_t kMostFeatures = 1 << 29;

// What may stand behind the trees: it changes the type or the form of what they say.
bool only_passes_on(const OnnxNode& node) {
  constexpr std::array kSuch{"Cast", "Identity", "ZipMap", "ArrayFeatureExtractor", "Reshape", "ArgMax"};
  return std::ranges::find(kSuch, node.op) != kSuch.end();
}
constexpr std::int64_t kF32 = 1, kF64 = 11;  // types of elements

class OnnxTrees {
 public:
  OnnxTrees(std::string_view contents, const std::string& path)
      : path_(path), graph_(parse_onnx(contents, path)) {}

  ImportedTrees read() {
    find_trees();
    read_nodes();
    read_leaves();
    ImportedTrees result;
    result.program = graph_.producer.empty() ? "ONNX" : "ONNX by " + graph_.producer;
    result.objective = node_->op;
    result.classes = classes();
    TreeEnsembleOptions options{.num_features = num_features()};
    options.f32_inputs = !f64_input_;
    set_output(options, result.classes);
    std::vector<Tree> trees;
    for (const auto& [id, nodes] : trees_) trees.push_back(build(nodes, std::ssize(trees), options));
    result.trees = TreeEnsemble(options, trees);
    if (const auto promise = graph_.properties.find(kParityName); promise != graph_.properties.end())
      check_parity(result.trees, promise->second, path_);
    return result;
  }

 private:
  void find_trees() {
    for (const OnnxNode& n : graph_.nodes) {
      if (n.op == "TreeEnsembleClassifier" || n.op == "TreeEnsembleRegressor") {
        if (node_) throw NotSupported(path_, "holds more than one ensemble of trees");
        node_ = &n;
      } else if (!only_passes_on(n)) {
        throw NotSupported(path_, fmt::format("holds the operation {} beside its trees; only the trees "
                                              "themselves can be read, so export them without what prepares "
                                              "their inputs",
                                              n.op.empty() ? "''" : n.op));
      }
    }
    if (!node_) refuse(path_, "is an ONNX file without a TreeEnsembleClassifier or TreeEnsembleRegressor");
    find_input();
  }

  // The trees ask the graph's own input, as it is or cast to another type.
  void find_input() {
    std::string name = node_->inputs.empty() ? "" : node_->inputs[0];
    bool rounded = false;  // to f32
    for (std::size_t step = 0; step <= graph_.nodes.size(); ++step) {
      for (const OnnxInput& input : graph_.inputs)
        if (input.name == name) {
          f64_input_ = input.element_type == kF64 && !rounded;
          width_ = input.width;
          return;
        }
      const auto from = std::ranges::find_if(graph_.nodes, [&](const OnnxNode& n) {
        return std::ranges::find(n.outputs, name) != n.outputs.end();
      });
      if (from == graph_.nodes.end()) break;
      const auto to = from->attributes.find("to");
      const bool casts = from->op == "Cast" && to != from->attributes.end() &&
                         (to->second.integer == kF32 || to->second.integer == kF64);
      if (!casts && from->op != "Identity")
        throw NotSupported(path_, fmt::format("holds the operation {} before its trees; only the trees "
                                              "themselves can be read",
                                              from->op));
      rounded |= casts && to->second.integer == kF32;
      name = from->inputs.empty() ? "" : from->inputs[0];
    }
    refuse(path_, fmt::format("its trees ask '{}', which is no input of the graph", name));
  }

  const OnnxAttribute* find(const std::string& name) const {
    const auto found = node_->attributes.find(name);
    return found == node_->attributes.end() ? nullptr : &found->second;
  }
  std::string text(const char* name, const char* otherwise) const {
    const OnnxAttribute* a = find(name);
    return a && !a->text.empty() ? a->text : otherwise;
  }
  std::vector<std::int64_t> integers(const std::string& name, std::size_t count) const {
    const OnnxAttribute* a = find(name);
    std::vector<std::int64_t> list = a ? a->integers : std::vector<std::int64_t>{};
    check_count(name, list.size(), count);
    return list;
  }
  // A list of f32, or the tensor that stands under `name`_as_tensor in its place.
  std::vector<double> numbers(const std::string& name, std::optional<std::size_t> count) const {
    const OnnxAttribute* a = find(name + "_as_tensor");
    if (!a || a->numbers.empty()) a = find(name);
    std::vector<double> list = a ? a->numbers : std::vector<double>{};
    if (count) check_count(name, list.size(), *count);
    return list;
  }
  void check_count(const std::string& name, std::size_t have, std::size_t count) const {
    if (have != count) refuse(path_, fmt::format("{} holds {} values; {} were expected", name, have, count));
  }

  // The nodes of each tree under their ids, and the leaves' weights by (tree, node).
  struct Entry {
    std::int64_t feature = 0, yes = 0, no = 0;
    double threshold = 0;
    std::string mode;
    bool missing_yes = false;
    std::map<std::int64_t, double> weights;  // of a leaf, by output
  };
  using Nodes = std::map<std::int64_t, Entry>;

  void read_nodes() {
    const OnnxAttribute* modes = find("nodes_modes");
    const std::size_t n = modes ? modes->texts.size() : 0;
    if (n == 0) refuse(path_, "its trees have no nodes (nodes_modes is empty)");
    const auto tree = integers("nodes_treeids", n), id = integers("nodes_nodeids", n),
               feature = integers("nodes_featureids", n), yes = integers("nodes_truenodeids", n),
               no = integers("nodes_falsenodeids", n);
    const auto value = numbers("nodes_values", n);
    const OnnxAttribute* tracks = find("nodes_missing_value_tracks_true");
    const bool told = tracks && !tracks->integers.empty();
    const auto missing = told ? integers("nodes_missing_value_tracks_true", n) : std::vector<std::int64_t>(n);
    for (std::size_t i = 0; i < n; ++i) {
      Entry entry{feature[i], yes[i], no[i], value[i], modes->texts[i], missing[i] != 0, {}};
      if (!trees_[tree[i]].emplace(id[i], std::move(entry)).second)
        refuse(path_, fmt::format("tree {} has two nodes {}", tree[i], id[i]));
      if (modes->texts[i] != "LEAF") most_feature_ = std::max(most_feature_, feature[i]);
    }
  }

  void read_leaves() {
    const std::string kind = is_classifier() ? "class" : "target";
    const auto weight = numbers(kind + "_weights", std::nullopt);
    const std::size_t n = weight.size();
    const auto tree = integers(kind + "_treeids", n), id = integers(kind + "_nodeids", n),
               output = integers(kind + "_ids", n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto nodes = trees_.find(tree[i]);
      const auto node = nodes == trees_.end() ? Nodes::iterator{} : nodes->second.find(id[i]);
      if (nodes == trees_.end() || node == nodes->second.end())
        refuse(path_,
               fmt::format("{}_weights names node {} of tree {}, which is not there", kind, id[i], tree[i]));
      if (output[i] < 0 || output[i] > std::ssize(weight))
        refuse(path_, fmt::format("{}_ids holds {}", kind, output[i]));
      node->second.weights[output[i]] += weight[i];
      most_output_ = std::max(most_output_, output[i]);
      positive_ = positive_ && weight[i] >= 0;
      single_ = single_ && output[i] == output[0];
    }
  }

  bool is_classifier() const { return node_->op == "TreeEnsembleClassifier"; }

  std::int64_t num_features() const {
    const std::int64_t d = std::max(width_, most_feature_ + 1);
    if (d > kMostFeatures) refuse(path_, fmt::format("{} features cannot be", d));
    return d;
  }

  std::vector<std::string> classes() const {
    std::vector<std::string> labels;
    if (!is_classifier()) return labels;
    if (const OnnxAttribute* a = find("classlabels_strings")) labels = a->texts;
    if (const OnnxAttribute* a = find("classlabels_int64s"); a && labels.empty())
      for (const std::int64_t label : a->integers) labels.push_back(fmt::format("{}", label));
    if (labels.size() < 2) refuse(path_, fmt::format("its trees tell {} classes apart", labels.size()));
    return labels;
  }

  void set_output(TreeEnsembleOptions& options, const std::vector<std::string>& classes) {
    const std::string transform = text("post_transform", "NONE");
    const std::string aggregate = text("aggregate_function", "SUM");
    options.average = aggregate == "AVERAGE";
    if (aggregate != "SUM" && aggregate != "AVERAGE")
      throw NotSupported(path_, fmt::format("takes the {} of its trees, not their sum or mean", aggregate));
    const auto refuse_transform = [&] {
      throw NotSupported(path_, fmt::format("makes {} of the sum of its {} outputs, which these trees cannot "
                                            "express",
                                            transform, most_output_ + 1));
    };
    options.base = numbers("base_values", std::nullopt);
    if (!is_classifier()) {
      if (transform != "NONE") refuse_transform();
      const OnnxAttribute* targets = find("n_targets");
      options.num_outputs = std::max<std::int64_t>(targets ? targets->integer : 1, most_output_ + 1);
    } else if (classes.size() == 2 && single_) {
      set_two_classes(options, transform, refuse_transform);
      return;
    } else {
      options.num_outputs = std::ssize(classes);
      if (transform == "SOFTMAX")
        options.output = TreeOutput::softmax;
      else if (transform == "NONE" && positive_)
        options.output = TreeOutput::share;
      else
        refuse_transform();
    }
    check_size(options.num_outputs);
    if (most_output_ >= options.num_outputs)
      refuse(path_, fmt::format("a leaf adds to output {} of {}", most_output_, options.num_outputs));
    options.vector_leaves = options.num_outputs > 1;
    if (!options.base.empty()) check_count("base_values", options.base.size(), at(options.num_outputs));
    drop_base_of_shares(options);
  }

  // Every leaf holds a number an output: a short file must not ask for much memory.
  void check_size(std::int64_t outputs) const {
    std::size_t nodes = 0;
    for (const auto& [id, list] : trees_) nodes += list.size();
    constexpr double kMostNumbers = 1 << 26, kMostOutputs = 1e6;
    if (static_cast<double>(outputs) > kMostOutputs ||
        static_cast<double>(outputs) * static_cast<double>(nodes) > kMostNumbers)
      refuse(path_, fmt::format("claims {} outputs of {} nodes", outputs, nodes));
  }

  // Shares have none; zeros say the same.
  void drop_base_of_shares(TreeEnsembleOptions& options) const {
    if (options.output != TreeOutput::share) return;
    if (std::ranges::any_of(options.base, [](double b) { return b != 0; }))
      throw NotSupported(path_, "adds base_values to the shares of classes");
    options.base.clear();
  }

  // One sum for two classes belongs to the second: its log-odds, or its share.
  template <class Refuse>
  void set_two_classes(TreeEnsembleOptions& options, const std::string& transform,
                       Refuse&& refuse_transform) {
    if (!options.base.empty()) check_count("base_values", options.base.size(), 1);
    if (transform == "LOGISTIC") {
      options.output = TreeOutput::logistic;
    } else if (transform == "NONE" && positive_) {
      options.output = TreeOutput::share;
      options.num_outputs = 2;
      options.vector_leaves = rest_to_first_ = true;
    } else {
      refuse_transform();
    }
    drop_base_of_shares(options);
  }

  std::vector<double> leaf(const Entry& e, const TreeEnsembleOptions& options) const {
    std::vector<double> value(options.vector_leaves ? at(options.num_outputs) : 1, 0.0);
    // A tree's shares sum to one part of the forest there, and to 1 here.
    const double scale = options.output == TreeOutput::share ? static_cast<double>(trees_.size()) : 1;
    for (const auto& [output, weight] : e.weights)
      value[rest_to_first_ ? 1 : options.vector_leaves ? at(output) : 0] += scale * weight;
    constexpr double kRounding = 1e-5;  // of f32 weights
    if (rest_to_first_) {
      if (value[1] > 1 && value[1] < 1 + kRounding) value[1] = 1;
      value[0] = 1 - value[1];
    }
    if (options.output == TreeOutput::share) {
      const double sum = std::accumulate(value.begin(), value.end(), 0.0);
      if (std::abs(sum - 1) < kRounding)
        for (double& v : value) v /= sum;
    }
    return value;
  }

  Tree build(const Nodes& nodes, std::int64_t number, const TreeEnsembleOptions& options) const {
    std::vector<const Entry*> list;  // in the order of their ids; the root is the one nobody leads to
    std::unordered_map<std::int64_t, std::int64_t> position;
    for (const auto& [id, entry] : nodes) {
      position.emplace(id, std::ssize(list));
      list.push_back(&entry);
    }
    const auto child = [&](std::int64_t id) {
      const auto found = position.find(id);
      if (found == position.end()) refuse(path_, fmt::format("tree {} has no node {}", number, id));
      return found->second;
    };
    std::vector<bool> led_to(list.size());
    for (const Entry* e : list)
      if (e->mode != "LEAF") led_to[at(child(e->yes))] = led_to[at(child(e->no))] = true;
    const std::int64_t root = std::ranges::find(led_to, false) - led_to.begin();
    if (root == std::ssize(list))
      refuse(path_, fmt::format("tree {} has no root: its nodes form a cycle", number));
    return tree_from(path_, number, root, std::ssize(list),
                     [&](std::int64_t i) { return file_node(*list[at(i)], number, options, child); });
  }

  template <class Child>
  FileNode file_node(const Entry& e, std::int64_t number, const TreeEnsembleOptions& options,
                     Child&& child) const {
    FileNode n;
    if (e.mode == "LEAF") {
      n.node.value = leaf(e, options);
      return n;
    }
    if (e.feature < 0) refuse(path_, fmt::format("tree {} splits feature {}", number, e.feature));
    n.node.feature = static_cast<std::int32_t>(e.feature);
    const bool below = e.mode == "BRANCH_LEQ" || e.mode == "BRANCH_LT";
    if (!below && e.mode != "BRANCH_GT" && e.mode != "BRANCH_GTE")
      throw NotSupported(path_, fmt::format("tree {} has a node of mode {}", number, e.mode));
    // x < t and x >= t part at the number before t, in the type in which they compare.
    const bool open = e.mode == "BRANCH_LT" || e.mode == "BRANCH_GTE";
    n.node.threshold = !open ? e.threshold
                       : f64_input_
                           ? std::nextafter(e.threshold, -INFINITY)
                           : static_cast<double>(std::nextafterf(static_cast<float>(e.threshold), -INFINITY));
    n.left = child(below ? e.yes : e.no), n.right = child(below ? e.no : e.yes);
    n.node.missing_left = below == e.missing_yes;
    return n;
  }

  const std::string& path_;
  OnnxGraph graph_;
  const OnnxNode* node_ = nullptr;
  std::map<std::int64_t, Nodes> trees_;
  std::int64_t width_ = -1, most_feature_ = -1, most_output_ = 0;
  bool f64_input_ = false, positive_ = true, single_ = true, rest_to_first_ = false;
};

}  // namespace

ImportedTrees import_detail::onnx_trees(std::string_view contents, const std::string& path) {
  return OnnxTrees(contents, path).read();
}

ImportedTrees read_onnx(const std::string& path) { return import_detail::onnx_trees(read_file(path), path); }

}  // namespace cairn
