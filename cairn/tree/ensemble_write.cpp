#include "cairn/tree/ensemble_write.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cairn/base/index.h"

namespace cairn {
namespace {

std::string feature_name(const TreeNames& names, std::int32_t feature) {
  return at(feature) < names.features.size() ? names.features[at(feature)] : fmt::format("x{}", feature);
}

std::string level_name(const TreeNames& names, std::int32_t feature, std::int64_t code) {
  if (at(feature) < names.levels.size() && at(code) < names.levels[at(feature)].size())
    return names.levels[at(feature)][at(code)];
  return fmt::format("#{}", code);
}

std::vector<std::string> left_levels(const TreeEnsemble& trees, std::int64_t node, const TreeNames& names) {
  std::vector<std::string> levels;
  for (const std::int32_t code : trees.left_codes(node))
    levels.push_back(level_name(names, trees.features()[at(node)], code));
  return levels;
}

std::string leaf_in_words(const TreeEnsemble& trees, std::int64_t leaf, std::int32_t output,
                          const TreeNames& names) {
  const auto values = trees.leaf_values(leaf);
  const auto called = [&](std::size_t o) {
    return o < names.outputs.size() ? names.outputs[o] : fmt::format("output {}", o);
  };
  if (const std::string line = line_in_words(trees, leaf, names); !line.empty())
    return trees.num_outputs() == 1 ? line : fmt::format("{} {}", called(at(output)), line);
  if (trees.num_outputs() == 1) return fmt::format("{:.6g}", values[0]);
  if (values.size() == 1) return fmt::format("{} {:+.6g}", called(at(output)), values[0]);
  std::string text;
  for (std::size_t o = 0; o < values.size(); ++o)
    if (values[o] != 0) text += fmt::format("{}{} {:.4g}", text.empty() ? "" : ", ", called(o), values[o]);
  return text.empty() ? "0" : text;
}

// For DOT: quotes and backslashes within a quoted text.
std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string line_in_words(const TreeEnsemble& trees, std::int64_t leaf, const TreeNames& names) {
  const LinearLeaves& lines = trees.lines();
  const std::int64_t row = trees.left()[at(leaf)];
  if (!lines.has(row)) return "";
  std::string text = fmt::format("{:.6g}", lines.intercept(row));
  for (std::size_t i = 0; i < lines.features(row).size(); ++i) {
    const double slope = lines.slopes(row)[i];
    text += fmt::format(" {} {:.6g} {}", slope < 0 ? "-" : "+", std::abs(slope),
                        feature_name(names, lines.features(row)[i]));
  }
  return text + fmt::format(" ({:.6g} if one is missing)", trees.leaf_values(leaf)[0]);
}

std::string split_in_words(const TreeEnsemble& trees, std::int64_t node, bool left, const TreeNames& names,
                           int digits) {
  const std::string name = feature_name(names, trees.features()[at(node)]);
  const char* missing = (trees.missing_left()[at(node)] != 0) == left ? " or missing" : "";
  if (!trees.is_category(node)) {
    const double threshold = trees.thresholds()[at(node)];
    return fmt::format("{} {} {}{}", name, left ? "<=" : ">",
                       digits > 0 ? fmt::format("{:.{}g}", threshold, digits) : fmt::format("{}", threshold),
                       missing);
  }
  const auto levels = left_levels(trees, node, names);
  if (levels.size() == 1) return fmt::format("{} {} {}{}", name, left ? "is" : "is not", levels[0], missing);
  return fmt::format("{} {} {}{}", name, left ? "is one of" : "is none of", fmt::join(levels, ", "), missing);
}

std::string tree_text(const TreeEnsemble& trees, std::int64_t tree, const TreeNames& names) {
  struct Line {
    std::int64_t node;
    int depth;
    std::string question;  // of the edge that leads here
  };
  std::string text;
  std::vector<Line> open{{trees.roots()[at(tree)], 0, ""}};
  while (!open.empty()) {
    const Line line = std::move(open.back());
    open.pop_back();
    const std::string indent(2 * at(line.depth), ' ');
    const std::string cover = fmt::format("{:.6g}", trees.covers()[at(line.node)]);
    if (!line.question.empty()) text += std::string(2 * at(line.depth - 1), ' ') + line.question + '\n';
    if (trees.is_leaf(line.node)) {
      text += fmt::format("{}-> {} (cover {})\n", indent,
                          leaf_in_words(trees, line.node, trees.tree_outputs()[at(tree)], names), cover);
      continue;
    }
    const std::string gain = fmt::format(" (cover {}, gain {:.4g})", cover, trees.gains()[at(line.node)]);
    open.push_back(
        {trees.right()[at(line.node)], line.depth + 1, split_in_words(trees, line.node, false, names)});
    open.push_back(
        {trees.left()[at(line.node)], line.depth + 1, split_in_words(trees, line.node, true, names) + gain});
  }
  return text;
}

std::string tree_dot(const TreeEnsemble& trees, std::int64_t tree, const TreeNames& names) {
  std::string dot = fmt::format("digraph tree_{} {{\n  node [shape=box];\n", tree);
  const std::int64_t first = trees.roots()[at(tree)];
  for (std::int64_t i = first; i < trees.roots()[at(tree) + 1]; ++i) {
    if (trees.is_leaf(i)) {
      const auto words = leaf_in_words(trees, i, trees.tree_outputs()[at(tree)], names);
      dot += fmt::format("  n{} [label=\"{}\\ncover {:.6g}\", style=rounded];\n", i - first, quoted(words),
                         trees.covers()[at(i)]);
      continue;
    }
    dot += fmt::format("  n{} [label=\"{}\\ncover {:.6g}\"];\n", i - first,
                       quoted(split_in_words(trees, i, true, names)), trees.covers()[at(i)]);
    dot += fmt::format("  n{0} -> n{1} [label=\"yes\"];\n  n{0} -> n{2} [label=\"no\"];\n", i - first,
                       trees.left()[at(i)] - first, trees.right()[at(i)] - first);
  }
  return dot + "}\n";
}

Json trees_json(const TreeEnsemble& trees, const TreeNames& names) {
  Json list = Json::array();
  for (std::int64_t t = 0; t < trees.num_trees(); ++t) {
    Json nodes = Json::array();
    const std::int64_t first = trees.roots()[at(t)];
    for (std::int64_t i = first; i < trees.roots()[at(t) + 1]; ++i) {
      Json node{{"cover", trees.covers()[at(i)]}};
      if (trees.is_leaf(i)) {
        const auto values = trees.leaf_values(i);
        node["value"] =
            values.size() == 1 ? Json(values[0]) : Json(std::vector<double>(values.begin(), values.end()));
        if (const std::int64_t row = trees.left()[at(i)]; trees.lines().has(row)) {
          node["intercept"] = trees.lines().intercept(row);
          for (std::size_t s = 0; s < trees.lines().slopes(row).size(); ++s)
            node["slopes"][feature_name(names, trees.lines().features(row)[s])] =
                trees.lines().slopes(row)[s];
        }
      } else {
        node["gain"] = trees.gains()[at(i)];
        node["feature"] = feature_name(names, trees.features()[at(i)]);
        if (trees.is_category(i)) {
          node["left_levels"] = left_levels(trees, i, names);
        } else {
          const double threshold = trees.thresholds()[at(i)];
          node["threshold"] =
              std::isfinite(threshold) ? Json(threshold) : Json(threshold > 0 ? "inf" : "-inf");
        }
        node["missing"] = trees.missing_left()[at(i)] ? "left" : "right";
        node["left"] = trees.left()[at(i)] - first;
        node["right"] = trees.right()[at(i)] - first;
      }
      nodes.push_back(std::move(node));
    }
    list.push_back({{"output", trees.tree_outputs()[at(t)]}, {"nodes", std::move(nodes)}});
  }
  return {{"num_features", trees.num_features()},
          {"outputs", trees.num_outputs()},
          {"output", name_of(trees.options().output)},
          {"average", trees.options().average},
          {"base", trees.options().base},
          {"trees", std::move(list)}};
}

std::vector<std::string> decision_path(const TreeEnsemble& trees, std::int64_t tree,
                                       std::span<const double> row, const TreeNames& names) {
  std::vector<std::string> path;
  std::int64_t node = trees.roots()[at(tree)];
  while (!trees.is_leaf(node)) {
    const std::int32_t feature = trees.features()[at(node)];
    const double x = row[at(feature)];
    const bool left = trees.goes_left(node, x);
    const std::string value = std::isnan(x) ? "missing"
                              : trees.is_category(node)
                                  ? level_name(names, feature, static_cast<std::int64_t>(x))
                                  : fmt::format("{}", x);
    const std::string name = feature_name(names, feature),
                      question = split_in_words(trees, node, left, names);
    path.push_back(fmt::format("{} = {}:{}", name, value, question.substr(name.size())));
    node = (left ? trees.left() : trees.right())[at(node)];
  }
  path.push_back("-> " + leaf_in_words(trees, node, trees.tree_outputs()[at(tree)], names));
  return path;
}

}  // namespace cairn
