// Trees written for other programs: read back they give the same scores, and the C++ header the same bits.
// That the programs themselves agree is the work of scripts/check_exports.py.
#include <doctest/doctest.h>

#include <fmt/format.h>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "cairn/base/atomic_file.h"
#include "cairn/base/random.h"
#include "cairn/tree/exchange/export.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/parity.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

const double kNaN = std::nan("");
const std::vector<std::string> kCities{"Bern", "Paris \"sur\" Seine", "Rōma", "what?\?/", "Oslo"};

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// A tree of random shape over two numbers and a category; its leaves hold `width` numbers.
Tree random_tree(Random& draw, std::int64_t width, bool shares) {
  Tree t;
  t.nodes.resize(1);
  for (std::size_t i = 0; i < t.nodes.size(); ++i) {
    t.nodes[i].cover = 1 + static_cast<double>(draw.below(50));
    if (t.nodes.size() > 40 || (i > 0 && draw.below(3) == 0)) {
      for (std::int64_t o = 0; o < width; ++o)
        t.nodes[i].value.push_back(shares ? 0.01 + draw.uniform() : draw.normal());
      if (shares) {
        const double sum = std::accumulate(t.nodes[i].value.begin(), t.nodes[i].value.end(), 0.0);
        for (double& v : t.nodes[i].value) v /= sum;
      }
      continue;
    }
    TreeNode& n = t.nodes[i];
    n.feature = static_cast<std::int32_t>(draw.below(3));
    n.gain = draw.uniform();
    n.missing_left = draw.below(2) == 0;
    n.threshold = draw.normal();
    if (n.feature == 2) {
      n.category = true;
      for (std::int32_t c = 0; c < std::ssize(kCities); ++c)
        if (draw.below(2) == 0) n.left_codes.push_back(c);
    }
    t.split(static_cast<std::int32_t>(i));
  }
  return t;
}

TreeModel model_of(TreeOutput output, std::int64_t outputs, bool average = false) {
  Random draw(3, "trees", static_cast<std::uint64_t>(output) * 10 + at(outputs));
  const bool vector_leaves = output == TreeOutput::share;
  std::vector<Tree> trees;
  for (int t = 0; t < 12; ++t) {
    trees.push_back(random_tree(draw, vector_leaves ? outputs : 1, vector_leaves));
    trees.back().output = vector_leaves ? 0 : static_cast<std::int32_t>(t % outputs);
  }
  TreeEnsembleOptions options{.num_features = 3,
                              .num_outputs = outputs,
                              .vector_leaves = vector_leaves,
                              .average = average,
                              .output = output};
  for (std::int64_t o = 0; o < outputs; ++o)
    options.base.push_back(vector_leaves ? 0 : 0.25 + static_cast<double>(o));
  TreeModelParts parts;
  parts.features = TreeFeatures({{"a [b] <c", false, {}}, {"x=1, y", false, {}}, {"city", true, kCities}});
  parts.trees = TreeEnsemble(options, trees);
  const std::int64_t predicted = parts.trees.num_predicted();
  parts.task = output == TreeOutput::identity || output == TreeOutput::exponential ? Task::regression
               : predicted == 2                                                    ? Task::binary
                                                                                   : Task::multiclass;
  for (std::int64_t c = 0; parts.task != Task::regression && c < predicted; ++c)
    parts.classes.push_back(fmt::format("class {}", c));
  return TreeModel(std::move(parts));
}

// Rows of f32 numbers, gaps and codes.
std::vector<double> rows(std::int64_t n) {
  Random draw(5, "rows");
  std::vector<double> all;
  for (std::int64_t i = 0; i < n; ++i) {
    for (int f = 0; f < 2; ++f) all.push_back(draw.below(6) == 0 ? kNaN : static_cast<float>(draw.normal()));
    all.push_back(draw.below(6) == 0 ? kNaN : static_cast<double>(draw.below(kCities.size())));
  }
  return all;
}

double largest_difference(const TreeEnsemble& a, const TreeEnsemble& b) {
  REQUIRE(a.num_outputs() == b.num_outputs());
  REQUIRE(a.num_features() == b.num_features());
  const std::vector<double> x = rows(500);
  std::vector<double> of_a(at(a.num_outputs())), of_b(of_a);
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); i += 3) {
    a.predict_raw_row(std::span(x).subspan(i, 3), of_a);
    b.predict_raw_row(std::span(x).subspan(i, 3), of_b);
    for (std::size_t o = 0; o < of_a.size(); ++o) largest = std::max(largest, std::abs(of_a[o] - of_b[o]));
  }
  return largest;
}

}  // namespace

TEST_CASE("export: what XGBoost and LightGBM would read gives the same scores") {
  const TemporaryFolder folder;
  const struct {
    TreeOutput output;
    std::int64_t outputs;
    bool average;
    const char *xgboost, *lightgbm;
  } cases[]{{TreeOutput::identity, 1, false, "reg:squarederror", "regression"},
            {TreeOutput::identity, 1, true, "reg:squarederror", "regression"},
            {TreeOutput::exponential, 1, false, "count:poisson", "poisson"},
            {TreeOutput::logistic, 1, false, "binary:logistic", "binary sigmoid:1"},
            {TreeOutput::softmax, 3, false, "multi:softprob", "multiclass num_class:3"}};
  for (const auto& c : cases) {
    CAPTURE(c.xgboost);
    const TreeModel model = model_of(c.output, c.outputs, c.average);
    folder.write("m.json", xgboost_json(model));
    folder.write("m.ubj", xgboost_ubjson(model));
    folder.write("m.txt", lightgbm_text(model));
    for (const char* name : {"m.json", "m.ubj"}) {
      const ImportedTrees back = read_xgboost(folder.file(name));
      CHECK(back.objective == c.xgboost);
      CHECK(back.feature_names == std::vector<std::string>{"a _b_ _c", "x=1, y", "city"});
      CHECK(back.trees.options().output == c.output);
      CHECK(largest_difference(model.trees(), back.trees) < 2e-6);  // leaves in f32
    }
    const ImportedTrees back = read_lightgbm(folder.file("m.txt"));
    CHECK(back.objective == c.lightgbm);
    CHECK(back.feature_names == std::vector<std::string>{"a__b__<c", "x_1__y", "city"});
    CHECK(largest_difference(model.trees(), back.trees) < 1e-12);
  }
}

TEST_CASE("export: a file that was changed is told by the rows it carries") {
  const TemporaryFolder folder;
  const TreeModel model = model_of(TreeOutput::logistic, 1);
  std::string text = lightgbm_text(model);
  const auto leaf = text.find("leaf_value=", text.find("Tree=12")) + 11;
  text.replace(leaf, text.find('\n', leaf) - leaf,
               std::string(text.substr(leaf, text.find('\n', leaf) - leaf)).replace(0, 1, "77"));
  folder.write("m.txt", text);
  CHECK(error_text([&] { read_lightgbm(folder.file("m.txt")); }).find("the file promises") !=
        std::string::npos);
  std::string json = xgboost_json(model);
  json.replace(json.find("\\\"raw\\\":[["), 10, "\\\"raw\\\":[[9");
  folder.write("m.json", json);
  CHECK(error_text([&] { read_xgboost(folder.file("m.json")); }).find("the file promises") !=
        std::string::npos);
  for (const char* promise : {"", "[]", "{\"rows\": 1, \"raw\": 1}", "{\"rows\": [[1]], \"raw\": [[1]]}",
                              "{\"rows\": [], \"raw\": [[1]]}", "{\"rows\": [[1,2,\"x\"]], \"raw\": [[1]]}",
                              "{\"rows\": [[1,2,3]], \"raw\": [[null]]}"})
    CHECK(!error_text([&] { check_parity(model.trees(), promise, "file"); }).empty());
}

TEST_CASE("export: shares of classes become a number a class, and shares again when they are read") {
  const TemporaryFolder folder;
  for (const std::int64_t classes : {2, 3})
    for (const bool average : {true, false}) {
      const TreeModel model = model_of(TreeOutput::share, classes, average);
      folder.write("m.json", xgboost_json(model));
      folder.write("m.ubj", xgboost_ubjson(model));
      folder.write("m.txt", lightgbm_text(model));
      const std::vector<double> x = rows(300);
      std::vector<double> raw(at(classes)), shares(at(classes)), theirs(at(classes));
      for (const char* name : {"m.json", "m.ubj", "m.txt"}) {
        CAPTURE(name);
        const bool exact = std::string(name) == "m.txt";
        const ImportedTrees back = exact ? read_lightgbm(folder.file(name)) : read_xgboost(folder.file(name));
        CHECK(back.classes == model.classes());
        CHECK(back.trees.options().output == TreeOutput::share);
        CHECK(back.trees.num_trees() == model.trees().num_trees());
        double largest = 0;
        for (std::size_t i = 0; i < x.size(); i += 3) {
          model.trees().predict_raw_row(std::span(x).subspan(i, 3), raw);
          model.trees().finish(raw, shares);
          back.trees.predict_raw_row(std::span(x).subspan(i, 3), raw);
          back.trees.finish(raw, theirs);
          for (std::size_t o = 0; o < shares.size(); ++o)
            largest = std::max(largest, std::abs(shares[o] - theirs[o]));
        }
        CHECK(largest < (exact ? 1e-12 : 2e-7));
      }
    }
}

TEST_CASE("export: files whose trees are said to hold shares and do not are refused") {
  const TemporaryFolder folder;
  const std::string text = lightgbm_text(model_of(TreeOutput::share, 3, true));
  const auto complaint = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    folder.write("m.txt", changed);
    return error_text([&] { read_lightgbm(folder.file("m.txt")); });
  };
  const std::string names = "cairn_shares=[\"class 0\",\"class 1\",\"class 2\"]";
  CHECK(complaint(names, "cairn_shares=[1,2,3]").ends_with("its cairn_shares holds what is no name"));
  CHECK(complaint(names, "cairn_shares=[\"a\"]").ends_with("its cairn_shares is not the names of 3 classes"));
  CHECK(complaint("threshold=", "threshold=7").find("are to hold shares of one tree and differ at node") !=
        std::string::npos);
  const auto of_xgboost = [&](const std::string& from, const std::string& to) {
    std::string json = xgboost_json(model_of(TreeOutput::share, 3, true));
    REQUIRE(json.find(from) != std::string::npos);
    json.replace(json.find(from), from.size(), to);
    folder.write("m.json", json);
    return error_text([&] { read_xgboost(folder.file("m.json")); });
  };
  CHECK(of_xgboost("\"tree_info\":[0,1,2,", "\"tree_info\":[0,2,1,")
            .ends_with("tree 1 adds to output 2; trees that hold shares add to one class after the other, "
                       "this one to 1"));
  CHECK(of_xgboost("\"base_score\":\"0E0\"", "\"base_score\":\"5E-1\"")
            .ends_with("adds 0.5 to the shares of classes, which have no base"));
}

// XGBoost's walk takes the right child to be the node after the left one, whatever else the file says.
TEST_CASE("export: a right child stands behind the left one, and both know their parent") {
  const Json document = Json::parse(xgboost_json(model_of(TreeOutput::identity, 1)));
  std::size_t turned = 0;
  for (const Json& tree : document["learner"]["gradient_booster"]["model"]["trees"]) {
    const std::vector<int> left = tree["left_children"], right = tree["right_children"],
                           parents = tree["parents"];
    CHECK(parents[0] == 2147483647);
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (left[i] < 0) continue;
      CHECK(right[i] == left[i] + 1);
      CHECK(parents.at(static_cast<std::size_t>(left[i])) == static_cast<int>(i));
      CHECK(parents.at(static_cast<std::size_t>(right[i])) == static_cast<int>(i));
    }
    turned += tree["categories_nodes"].size();
  }
  CHECK(turned > 10);  // where our sides change places
}

TEST_CASE(
    "export: several quantiles are refused where nobody puts them in order, and names that C++ refuses") {
  const TreeModel model = model_of(TreeOutput::share, 3, true);
  Random draw(1, "tree");
  std::vector<Tree> trees{random_tree(draw, 1, false), random_tree(draw, 1, false)};
  trees[1].output = 1;
  TreeModelParts parts;
  parts.features = model.features();
  parts.quantiles = {0.1, 0.9};
  parts.trees = TreeEnsemble({.num_features = 3, .num_outputs = 2, .base = {0, 0}}, trees);
  const TreeModel levels(std::move(parts));
  CHECK(error_text([&] { xgboost_json(levels); }).find("C++ header") != std::string::npos);
  CHECK(error_text([&] { lightgbm_text(levels); }).find("C++ header") != std::string::npos);
  for (const char* name : {"", "3d", "a-b", "a b", "a;b"})
    CHECK(error_text([&] { cpp_header(model, name); }).find("namespace") != std::string::npos);
}

TEST_CASE("export: the C++ header compiles alone and gives the same bits") {
  const TemporaryFolder folder;
  const std::vector<double> x = rows(60);
  std::string program = "#include <cstdio>\n", body;
  std::vector<double> expected;
  int number = 0;
  for (const TreeModel& model : {model_of(TreeOutput::identity, 1, true),
                                 model_of(TreeOutput::exponential, 1), model_of(TreeOutput::logistic, 1),
                                 model_of(TreeOutput::softmax, 3), model_of(TreeOutput::share, 3, true)}) {
    const std::string name = fmt::format("m{}", number++);
    folder.write(name + ".h", cpp_header(model, name));
    program += fmt::format("#include \"{}.h\"\n", name);
    body += fmt::format(
        "  if (!{0}::self_test() || {0}::level_of(2, \"R\\305\\215ma\") != 2 || {0}::level_of(2, \"x\") == "
        "{0}::level_of(2, "
        "\"x\")) return 1;\n"
        "  for (int r = 0; r < 60; ++r) {{\n    double p[{0}::num_predicted];\n    {0}::predict(x[r], p);\n"
        "    for (double v : p) std::printf(\"%a\\n\", v);\n  }}\n",
        name);
    const auto k = at(model.trees().num_predicted());
    std::vector<double> raw(at(model.trees().num_outputs())), predicted(k);
    for (std::size_t i = 0; i < x.size(); i += 3) {
      model.trees().predict_raw_row(std::span(x).subspan(i, 3), raw);
      model.trees().finish(raw, predicted);
      expected.insert(expected.end(), predicted.begin(), predicted.end());
    }
  }
  program += "static const double x[60][3] = {\n";
  for (std::size_t i = 0; i < x.size(); i += 3) {
    program += "  {";
    for (std::size_t f = 0; f < 3; ++f)
      program += std::isnan(x[i + f]) ? "NAN, " : fmt::format("{:a}, ", x[i + f]);
    program += "},\n";
  }
  folder.write("main.cpp", program + "};\nint main() {\n" + body + "}\n");
  const std::string run = fmt::format(
      "cd '{}' && c++ -std=c++17 -Wall -Wextra -Werror -pedantic -O1 main.cpp -o main 2> said.txt && ./main "
      "> out.txt",
      folder.path());
  const int code = std::system(run.c_str());
  INFO(read_file(folder.file("said.txt")));
  REQUIRE(code == 0);
  std::istringstream said(read_file(folder.file("out.txt")));
  std::vector<double> got;
  for (std::string line; std::getline(said, line);) got.push_back(std::strtod(line.c_str(), nullptr));
  CHECK(got == expected);
}
