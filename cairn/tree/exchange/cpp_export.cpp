// A model of trees as one C++17 header that needs nothing but the standard library. It walks the same
// questions in the same order as TreeEnsemble and adds the same numbers, so it gives the same bits.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/base/version.h"
#include "cairn/tree/exchange/export.h"
#include "cairn/tree/exchange/export_internal.h"

namespace cairn {
namespace {

constexpr std::int64_t kSelfTestRows = 16;

// What stands behind the arrays; the same for every model.
constexpr const char* kFunctions = R"(
// The code of a level of a category feature, as a number for predict(); NaN for one that training did not see.
inline double level_of(int feature, const char* level) {
  for (int code = 0; code < num_levels[feature]; ++code)
    if (std::strcmp(levels[feature][code], level) == 0) return code;
  return std::numeric_limits<double>::quiet_NaN();
}

namespace detail {
inline bool goes_left(const Node& n, double x) {
  if (std::isnan(x)) return n.missing_left;
  if (n.set < 0) return x <= n.threshold;
  const std::int32_t* begin = set_codes + set_begin[n.set];
  const std::int32_t* end = set_codes + set_begin[n.set + 1];
  return x >= 0 && x <= 2147483647.0 && std::binary_search(begin, end, static_cast<std::int32_t>(x));
}
inline const Node& leaf_of(int tree, const double* x) {
  const Node* n = nodes + roots[tree];
  while (n->feature >= 0) {
    const double value = f32_inputs ? static_cast<float>(x[n->feature]) : x[n->feature];
    n = nodes + (goes_left(*n, value) ? n->left : n->right);
  }
  return *n;
}
}  // namespace detail

// Raw scores [num_outputs] of one row [num_features]; NaN is a missing value. Takes no memory, throws nothing.
inline void raw(const double* x, double* scores) {
  for (int o = 0; o < num_outputs; ++o) scores[o] = 0;
  for (int t = 0; t < num_trees; ++t) {
    const double* values = detail::leaf_values + detail::leaf_of(t, x).left * detail::leaf_width;
    if (detail::leaf_width == 1) scores[detail::tree_outputs[t]] += values[0];
    else for (int o = 0; o < num_outputs; ++o) scores[o] += values[o];
  }
  for (int o = 0; o < num_outputs; ++o) scores[o] = detail::base[o] + scores[o] / detail::scale;
}

// The prediction [num_predicted] of one row: a number, or the probability of every class in class_names.
inline void predict(const double* x, double* predicted) {
  double scores[num_outputs];
  raw(x, scores);
)";

constexpr const char* kSelfTest = R"(}

// Whether the rows that the model was written with still get their scores, to the last bit.
inline bool self_test() {
  for (int r = 0; r < detail::num_tests; ++r) {
    double scores[num_outputs];
    raw(detail::test_rows[r], scores);
    for (int o = 0; o < num_outputs; ++o)
      if (!(scores[o] == detail::test_scores[r][o])) return false;
  }
  return true;
}
)";

// Quantiles that cross, as TreeModel::predict() has them.
constexpr const char* kInOrder = "  std::sort(predicted, predicted + num_predicted);\n";

// The code of TreeEnsemble::finish().
const char* finish_of(TreeOutput output) {
  switch (output) {
    case TreeOutput::identity:
      return "  for (int o = 0; o < num_outputs; ++o) predicted[o] = scores[o];\n";
    case TreeOutput::exponential:
      return "  for (int o = 0; o < num_outputs; ++o) predicted[o] = std::exp(scores[o]);\n";
    case TreeOutput::logistic:
      return "  const double e = std::exp(-std::fabs(scores[0])), less = e / (1 + e), more = 1 / (1 + e);\n"
             "  predicted[0] = scores[0] > 0 ? less : more;\n"
             "  predicted[1] = scores[0] > 0 ? more : less;\n";
    case TreeOutput::softmax:
      return "  const double highest = *std::max_element(scores, scores + num_outputs);\n"
             "  double sum = 0;\n"
             "  for (int o = 0; o < num_outputs; ++o) sum += predicted[o] = std::exp(scores[o] - highest);\n"
             "  for (int o = 0; o < num_outputs; ++o) predicted[o] /= sum;\n";
    case TreeOutput::share:
      break;
  }
  return "  double sum = 0;\n"
         "  for (int o = 0; o < num_outputs; ++o) sum += predicted[o] = scores[o];\n"
         "  for (int o = 0; o < num_outputs; ++o) predicted[o] /= sum;\n";
}

// A string literal. What is not plain ASCII becomes an octal escape, which ends after three digits.
std::string quoted(std::string_view words) {
  std::string text = "\"";
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || c == '?' || byte < ' ' || byte > '~')
      text += fmt::format("\\{:03o}", byte);
    else
      text += c;
  }
  return text + '"';
}

// Every bit of a number: hexadecimal, or a name of <limits>.
std::string literal(double v) {
  if (std::isnan(v)) return "std::numeric_limits<double>::quiet_NaN()";
  if (std::isinf(v)) return v < 0 ? "-HUGE_VAL" : "HUGE_VAL";
  return v == std::floor(v) && std::abs(v) < 1e6 ? fmt::format("{:.1f}", v) : fmt::format("{:a}", v);
}

// An array that may be empty, which C++ does not allow: one element more is harmless.
template <class T, class Write>
std::string array_of(const char* type, const char* name, const std::vector<T>& values, Write&& write) {
  std::vector<std::string> words;
  for (const T& v : values) words.push_back(write(v));
  if (words.empty()) words.emplace_back("{}");
  std::string text = fmt::format("inline constexpr {} {}[] = {{", type, name);
  std::size_t width = 100;
  for (const std::string& word : words) {
    if (width + word.size() > 100) text += "\n  ", width = 0;
    text += word + ", ";
    width += word.size() + 2;
  }
  return text + "};\n";
}

std::string number(std::int64_t v) { return fmt::format("{}", v); }

struct Arrays {
  std::vector<std::string> nodes;
  std::vector<std::int64_t> roots, outputs, set_begin{0}, set_codes;
  std::vector<double> values;
};

Arrays arrays_of(const TreeEnsemble& trees) {
  Arrays a;
  std::int64_t leaves = 0;
  for (std::int64_t t = 0; t < trees.num_trees(); ++t) {
    a.roots.push_back(trees.roots()[at(t)]);
    a.outputs.push_back(trees.tree_outputs()[at(t)]);
  }
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    if (trees.is_leaf(i)) {
      const auto values = trees.leaf_values(i);
      a.values.insert(a.values.end(), values.begin(), values.end());
      a.nodes.push_back(fmt::format("{{0, -1, {}, 0, -1, false}}", leaves++));
      continue;
    }
    std::int64_t set = -1;
    if (trees.is_category(i)) {
      const auto codes = trees.left_codes(i);
      set = std::ssize(a.set_begin) - 1;
      a.set_codes.insert(a.set_codes.end(), codes.begin(), codes.end());
      a.set_begin.push_back(std::ssize(a.set_codes));
    }
    a.nodes.push_back(fmt::format("{{{}, {}, {}, {}, {}, {}}}", literal(trees.thresholds()[at(i)]),
                                  trees.features()[at(i)], trees.left()[at(i)], trees.right()[at(i)], set,
                                  trees.missing_left()[at(i)] != 0));
  }
  return a;
}

std::string rows_of(const char* name, const char* width, const std::vector<double>& numbers,
                    std::int64_t columns) {
  std::string text = fmt::format("inline constexpr double {}[][{}] = {{\n", name, width);
  for (std::int64_t i = 0; i < std::ssize(numbers); i += columns) {
    std::vector<std::string> words;
    for (std::int64_t c = 0; c < columns; ++c) words.push_back(literal(numbers[at(i + c)]));
    text += fmt::format("  {{{}}},\n", fmt::join(words, ", "));
  }
  return text + "};\n";
}

void check_name(const std::string& name) {
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) || !std::ranges::all_of(name, word))
    throw ParamError("name", fmt::format("'{}' cannot be the name of a C++ namespace", name),
                     "Letters, digits and _ can, with a letter first.");
}

std::string levels_of(const std::vector<TreeFeature>& features) {
  std::string text;
  std::vector<std::string> lists;
  std::vector<std::int64_t> counts;
  for (std::size_t f = 0; f < features.size(); ++f) {
    counts.push_back(std::ssize(features[f].levels));
    lists.emplace_back(features[f].levels.empty() ? "nullptr" : fmt::format("levels_{}", f));
    if (!features[f].levels.empty())
      text += array_of("const char*", lists.back().c_str(), features[f].levels, quoted);
  }
  text += "// Of a category feature, the level of every code; of a number, none.\n";
  text += array_of("int", "num_levels", counts, number);
  return text + array_of("const char* const*", "levels", lists, [](const std::string& s) { return s; });
}

}  // namespace

std::string cpp_header(const TreeModel& model, const std::string& name) {
  check_name(name);
  const TreeEnsemble& trees = model.trees();
  export_detail::refuse_lines(trees, "the header");
  const TreeEnsembleOptions& options = trees.options();
  const auto& features = model.features().list();
  const Arrays a = arrays_of(trees);
  const std::int64_t d = trees.num_features(), k = trees.num_outputs();
  std::vector<std::string> names;
  for (const TreeFeature& f : features) names.push_back(f.name);
  const std::vector<double> rows = export_detail::parity_rows(model, kSelfTestRows);
  std::vector<double> scores(at(kSelfTestRows * k));
  for (std::int64_t r = 0; r < kSelfTestRows; ++r)
    trees.predict_raw_row(std::span(rows).subspan(at(r * d), at(d)),
                          std::span(scores).subspan(at(r * k), at(k)));

  std::string text = fmt::format(
      "// A model of {} trees, written by Cairn {}. C++17, no dependency. A row is num_features numbers in "
      "the order of\n"
      "// feature_names; a category is its level_of(), a missing value NaN.\n"
      "#pragma once\n\n#include <algorithm>\n#include <cmath>\n#include <cstdint>\n#include "
      "<cstring>\n#include <limits>\n\n"
      "namespace {} {{\n\n"
      "inline constexpr int num_features = {}, num_outputs = {}, num_predicted = {}, num_trees = {};\n",
      trees.num_trees(), version(), name, d, k, trees.num_predicted(), trees.num_trees());
  text += array_of("const char*", "feature_names", names, quoted);
  text += array_of("const char*", "class_names", model.classes(), quoted);
  text += levels_of(features);
  text +=
      "\nnamespace detail {\n// A leaf has feature -1 and in `left` the place of its values.\n"
      "struct Node {\n  double threshold;\n  std::int32_t feature, left, right, set;\n  bool "
      "missing_left;\n};\n";
  text += fmt::format("inline constexpr int leaf_width = {};\ninline constexpr bool f32_inputs = {};\n",
                      options.vector_leaves ? k : 1, options.f32_inputs);
  text += fmt::format(
      "inline constexpr double scale = {};\n",
      literal(options.average && trees.num_trees() > 0 ? static_cast<double>(trees.num_trees()) : 1));
  text += array_of("double", "base", options.base, literal);
  text += array_of("std::int32_t", "roots", a.roots, number);
  text += array_of("std::int32_t", "tree_outputs", a.outputs, number);
  text += array_of("Node", "nodes", a.nodes, [](const std::string& s) { return s; });
  text += array_of("double", "leaf_values", a.values, literal);
  text += array_of("std::int32_t", "set_begin", a.set_begin, number);
  text += array_of("std::int32_t", "set_codes", a.set_codes, number);
  text += fmt::format("inline constexpr int num_tests = {};\n", kSelfTestRows);
  text += rows_of("test_rows", "num_features > 0 ? num_features : 1",
                  d > 0 ? rows : std::vector<double>(kSelfTestRows), std::max<std::int64_t>(d, 1));
  text += rows_of("test_scores", "num_outputs", scores, k);
  return text + "}  // namespace detail\n" + kFunctions + finish_of(options.output) +
         (model.quantiles().size() > 1 ? kInOrder : "") + kSelfTest +
         fmt::format("\n}}  // namespace {}\n", name);
}

}  // namespace cairn
