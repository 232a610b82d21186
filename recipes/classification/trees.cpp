// M2W4: a decision tree step by step on ten animals and on ten mushrooms, and trees, a forest and boosting on
// heart disease.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cairn/builtin/registry.h"
#include "cairn/data/csv.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/pipeline.h"
#include "cairn/tree/decision_tree.h"
#include "cairn/tree/forest.h"
#include "cairn/tree/gradient_boosting.h"
#include "cairn/tree/impurity.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/numpy_random.h"

namespace cairn::recipes {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Ten examples of three questions whose answers are 1 or 0.
struct Examples {
  std::array<const char*, 3> questions;
  std::array<std::array<int, 3>, 10> x;
  std::array<int, 10> y;
};
constexpr Examples kAnimals{{"ears pointy", "face round", "whiskers"},
                            {{{1, 1, 1},
                              {0, 0, 1},
                              {0, 1, 0},
                              {1, 0, 1},
                              {1, 1, 1},
                              {1, 1, 0},
                              {0, 0, 0},
                              {1, 1, 0},
                              {0, 1, 0},
                              {0, 1, 0}}},
                            {1, 1, 0, 0, 1, 1, 0, 1, 0, 0}};
constexpr Examples kTenMushrooms{{"cap brown", "stalk tapering", "solitary"},
                                 {{{1, 1, 1},
                                   {1, 0, 1},
                                   {1, 0, 0},
                                   {1, 0, 0},
                                   {1, 1, 1},
                                   {0, 1, 1},
                                   {0, 0, 0},
                                   {1, 0, 1},
                                   {0, 1, 0},
                                   {1, 0, 0}}},
                                 {1, 1, 0, 0, 1, 0, 0, 1, 1, 0}};

struct Sides {
  std::array<double, 2> one{}, zero{};  // examples of either class by their answer
};
Sides sides_of(const Examples& e, std::size_t question) {
  Sides s;
  for (std::size_t i = 0; i < e.x.size(); ++i) (e.x[i][question] != 0 ? s.one : s.zero)[at(e.y[i])] += 1;
  return s;
}

double gain(const Examples& e, std::size_t question) {
  const Sides s = sides_of(e, question);
  return information_gain(s.one, s.zero);
}

struct Grown {
  std::vector<std::vector<std::size_t>> leaves;  // the examples that end in each, by the first of them
  std::int32_t first_question = -1;
  std::string text;
};

// The tree of the same code that `cairn train --learner decision_tree --set criterion=entropy` runs.
Grown grown(const Examples& e, int depth) {
  std::vector<Values> columns(3);
  Values y;
  for (std::size_t i = 0; i < e.x.size(); ++i) {
    for (std::size_t f = 0; f < 3; ++f) columns[f].push_back(e.x[i][f]);
    y.push_back(e.y[i]);
  }
  const Dataset data = dataset_of(columns, {e.questions.begin(), e.questions.end()}, y, Task::binary);
  const auto model = DecisionTree({.criterion = "entropy", .max_depth = depth}).fit(data);
  const auto& tree = dynamic_cast<const TreeModel&>(*model);
  Grown g{.first_question = tree.trees().features()[0], .text = tree_text(tree.trees(), 0, tree.names())};
  std::vector<std::int64_t> leaf_of;
  for (std::size_t i = 0; i < e.x.size(); ++i) {
    const Values row(e.x[i].begin(), e.x[i].end());
    const std::int64_t leaf = tree.trees().leaf_of(0, row);
    const auto known = std::ranges::find(leaf_of, leaf);
    if (known == leaf_of.end()) {
      leaf_of.push_back(leaf);
      g.leaves.push_back({i});
    } else {
      g.leaves[at(known - leaf_of.begin())].push_back(i);
    }
  }
  return g;
}

// The leaves as one number a leaf: its examples as digits, such as 1457.
void check_leaves(Outcome& o, const Grown& g,
                  const std::vector<std::pair<std::size_t, const char*>>& printed_ones) {
  for (const auto& [example, digits] : printed_ones)
    for (const auto& leaf : g.leaves) {
      if (std::ranges::find(leaf, example) == leaf.end()) continue;
      double number = 0;
      for (const std::size_t i : leaf) number = 10 * number + static_cast<double>(i);
      o.checks.push_back(
          printed(fmt::format("the examples in the leaf of example {}", example), number, digits));
    }
}

// The tree of `decision_tree` as it says it, a line a sentence.
void add_tree(Outcome& o, const Grown& g) {
  for (std::size_t begin = 0; begin < g.text.size();) {
    const std::size_t end = std::min(g.text.find('\n', begin), g.text.size());
    o.remarks.push_back("The tree: " + g.text.substr(begin, end - begin));
    begin = end + 1;
  }
}

Outcome run_animals(const DataFolder&) {
  const Sides ears = sides_of(kAnimals, 0);
  Outcome o;
  o.checks = {printed("entropy of five cats and five others", entropy(std::array{5.0, 5.0}), "1.0"),
              printed("mean entropy after asking for pointy ears",
                      0.5 * entropy(ears.one) + 0.5 * entropy(ears.zero), "0.7219280948873623"),
              printed("information gain of pointy ears", gain(kAnimals, 0), "0.2780719051126377"),
              printed("information gain of a round face", gain(kAnimals, 1), "0.03"),
              printed("information gain of whiskers", gain(kAnimals, 2), "0.12")};
  const Grown tree = grown(kAnimals, 2);
  o.checks.push_back(printed("the question that is asked first", tree.first_question, "0"));
  check_leaves(o, tree, {{0, "457"}, {1, "1"}, {2, "2689"}, {3, "3"}});
  add_tree(o, tree);
  return o;
}

Outcome run_mushrooms(const DataFolder&) {
  Outcome o;
  o.checks = {printed("entropy of all ten", entropy(std::array{5.0, 5.0}), "1.0"),
              printed("information gain of a brown cap", gain(kTenMushrooms, 0), "0.034851554559677034"),
              printed("information gain of a tapering stalk", gain(kTenMushrooms, 1), "0.12451124978365313"),
              printed("information gain of growing alone", gain(kTenMushrooms, 2), "0.2780719051126377")};
  const Grown tree = grown(kTenMushrooms, 2);
  o.checks.push_back(printed("the question that is asked first", tree.first_question, "2"));
  check_leaves(o, tree, {{0, "147"}, {5, "5"}, {8, "8"}, {2, "2369"}});
  add_tree(o, tree);
  return o;
}

double accuracy(const Model& model, const Dataset& data) {
  return evaluate(model, data, {"accuracy"}).value("accuracy");
}

struct Heart {
  Dataset train, validation;
};

// Categories one hot, as the course makes them, and then a tree.
std::unique_ptr<Model> one_hot_tree(const DecisionTreeParams& p, const Dataset& train) {
  std::vector<std::unique_ptr<Transform>> one_hot;
  one_hot.push_back(builtin_registry().transform("one_hot").make());
  return Pipeline(std::move(one_hot), std::make_unique<DecisionTree>(p)).fit(train);
}

template <class Fit>
Chart sweep(const Heart& parts, const std::string& parameter, const std::vector<int>& values, Fit&& fit) {
  Series train{.name = "training"}, validation{.name = "validation"};
  for (const int v : values) {
    const auto model = fit(v);
    train.points.emplace_back(v, accuracy(*model, parts.train));
    validation.points.emplace_back(v, accuracy(*model, parts.validation));
  }
  return {.title = fmt::format("Accuracy against {}", parameter),
          .x = parameter,
          .y = "accuracy",
          .series = {train, validation},
          .log_x = true};
}

Outcome run_heart(const DataFolder& data) {
  const Dataset all(read_csv(data.file("course_ml/heart.csv")).table, {.roles = {.target = "HeartDisease"}});
  const auto split = numpy::train_test_split(all.num_rows(), 0.2, 55);
  const Heart parts{all.select(split.train), all.select(split.test)};
  Outcome o;
  const auto tree = one_hot_tree({.max_depth = 3, .min_samples_split = 50}, parts.train);
  RandomForestParams p;
  p.max_depth = 16;
  p.min_samples_split = 10;
  const auto forest = RandomForest(p).fit(parts.train);
  const auto boosted = GradientBoosting({.trees = 500, .patience = 10, .validation = 0.2}).fit(parts.train);
  o.checks = {printed("rows to learn from", static_cast<double>(parts.train.num_rows()), "734"),
              printed("tree: accuracy, training", accuracy(*tree, parts.train), "0.8583"),
              printed("tree: accuracy, validation", accuracy(*tree, parts.validation), "0.8641"),
              level("forest: accuracy, validation (the course: 0.8859)", accuracy(*forest, parts.validation),
                    ">= 0.87"),
              level("boosting, stopped early: accuracy, validation (the course: 0.8533)",
                    accuracy(*boosted, parts.validation), ">= 0.84")};
  o.charts = {sweep(parts, "min_samples_split of a tree", {2, 10, 30, 50, 100, 200, 300, 700},
                    [&](int v) { return one_hot_tree({.min_samples_split = v}, parts.train); }),
              sweep(parts, "max_depth of a tree", {1, 2, 3, 4, 8, 16, 32, 64},
                    [&](int v) { return one_hot_tree({.max_depth = v}, parts.train); }),
              sweep(parts, "trees of a forest", {10, 50, 100, 500}, [&](int v) {
                RandomForestParams q = p;
                q.trees = v;
                return RandomForest(q).fit(parts.train);
              })};
  for (const std::string& note : boosted->notes()) o.remarks.push_back("Boosting: " + note + ".");
  return o;
}

}  // namespace

const Recipe kCatTree{"cat-or-dog-tree",
                      "M2W4-L1",
                      "A decision tree step by step",
                      "A tree asks the question that lowers the entropy most, and then asks each side again.",
                      "",
                      run_animals};
const Recipe kMushrooms{"mushrooms",
                        "M2W4-A1",
                        "A decision tree from scratch: mushrooms",
                        "Entropy, information gain and the best question, two deep.",
                        "",
                        run_mushrooms};
const Recipe kHeart{"heart-disease-trees",
                    "M2W4-L2",
                    "Heart disease by a tree, a forest and boosting",
                    "What depth and leaf size do to a single tree, and what many trees bring beyond it.",
                    "course_ml/heart.csv",
                    run_heart};

}  // namespace cairn::recipes
