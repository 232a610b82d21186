// Trees for a person and for other programs: indented text, DOT (Graphviz) and JSON; the path of one row in
// words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cairn/base/json.h"
#include "cairn/tree/ensemble.h"

namespace cairn {

// What features, categories and outputs are called; what is absent is called x3, #7, output 0.
struct TreeNames {
  std::vector<std::string> features;
  std::vector<std::vector<std::string>> levels;  // of a category feature, by code; empty for numbers
  std::vector<std::string> outputs;
};

// "bill_length_mm <= 43.25", "island is one of Biscoe, Dream", "..., or missing".
// `digits`: of a threshold, for a glance; 0: as many as tell it exactly.
std::string split_in_words(const TreeEnsemble& trees, std::int64_t node, bool left, const TreeNames& names,
                           int digits = 0);

// Of a leaf that answers along a line, "1.5 + 0.2 bill_length_mm (3 if one is missing)"; "" for others.
std::string line_in_words(const TreeEnsemble& trees, std::int64_t leaf, const TreeNames& names);

//   bill_length_mm <= 43.25 or missing (cover 275, gain 0.41)
//     flipper_length_mm <= 206.5 ...
//       -> Adelie 0.97, Chinstrap 0.03 (cover 107)
std::string tree_text(const TreeEnsemble& trees, std::int64_t tree, const TreeNames& names);

// A digraph for `dot -Tsvg`.
std::string tree_dot(const TreeEnsemble& trees, std::int64_t tree, const TreeNames& names);

// {"num_features", "outputs", "output", "average", "base", "trees": [{"output", "nodes": [...]}]}; a node
// names its feature, "threshold" or "left_levels", "missing", "left", "right", or "value" for a leaf, with
// "intercept" and "slopes" by feature where it answers along a line.
Json trees_json(const TreeEnsemble& trees, const TreeNames& names);

// The questions that a row is asked on its way down a tree, with its own values, and the leaf's answer:
//   "bill_length_mm = 39.1 <= 43.25".
std::vector<std::string> decision_path(const TreeEnsemble& trees, std::int64_t tree,
                                       std::span<const double> row, const TreeNames& names);

}  // namespace cairn
