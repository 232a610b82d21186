// Trees of other programs predict what those programs predicted, and files that lie are refused.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/tree/exchange/import.h"
#include "cairn/tree/exchange/imported_model.h"
#include "cairn/tree/shap.h"
#include "tests/support/golden.h"
#include "tests/support/shared_data.h"

using namespace cairn;

namespace {

const std::string kFolder = std::string(CAIRN_SOURCE_DIR) + "/tests/golden/trees/";

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

ImportedTrees read(const std::string& path) {
  return path.find("xgboost") != std::string::npos ? read_xgboost(path) : read_lightgbm(path);
}

Matrix matrix(const std::vector<double>& values, std::int64_t columns) {
  return Matrix::from_rows(
      Tensor::from(std::span<const double>(values), Shape{std::ssize(values) / columns, columns}));
}

std::vector<double> flat(const nlohmann::json& rows) {
  std::vector<double> all;
  for (const auto& row : rows)
    for (const double v : test::golden_numbers(row)) all.push_back(v);
  return all;
}

std::vector<double> raw_of(const TreeEnsemble& trees, const Matrix& x) {
  std::vector<double> raw(at(x.rows() * trees.num_outputs()));
  trees.predict_raw(x, raw);
  return raw;
}

std::vector<double> predictions_of(const TreeEnsemble& trees, const Matrix& x) {
  std::vector<double> predicted(at(x.rows() * trees.num_predicted()));
  trees.finish(raw_of(trees, x), predicted);
  return predicted;
}

// Numbers in lines, parted by blanks or tabs; the first `skip` of a line left out.
std::vector<double> numbers_in(const std::string& path, int skip = 0) {
  std::istringstream lines(read_file(path));
  std::vector<double> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    int number = 0;
    for (std::string word; words >> word; ++number) {
      if (number < skip) continue;
      if (const auto colon = word.find(':'); colon != std::string::npos) word.erase(0, colon + 1);
      all.push_back(std::stod(word));
    }
  }
  return all;
}

// Writes contents to a temporary file for as long as this stands.
class Temporary {
 public:
  Temporary(const std::string& name, std::string_view contents)
      : path_((std::filesystem::temp_directory_path() / ("cairn_import_" + name)).string()) {
    write_file(path_, contents);
  }
  ~Temporary() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string message_of(const std::string& path) {
  try {
    read(path);
  } catch (const Error& e) {
    return e.what();
  }
  return "was read";
}

}  // namespace

TEST_CASE("imported trees: today's XGBoost and LightGBM, raw scores, predictions and Shapley values") {
  const auto golden = test::read_golden("trees/pairs.json");
  CHECK(golden["pairs"].size() == 14);
  for (const auto& [name, pair] : golden["pairs"].items()) {
    CAPTURE(name);
    const ImportedTrees imported = read(kFolder + name);
    const TreeEnsemble& trees = imported.trees;
    const Matrix x = matrix(flat(pair["rows"]), 4);
    CHECK(test::largest_difference(raw_of(trees, x), flat(pair["raw"])) < 1e-6);
    std::vector<double> predicted = predictions_of(trees, x);
    if (trees.options().output == TreeOutput::logistic) {  // the peers give the second class alone
      for (std::size_t r = 0; r < predicted.size() / 2; ++r) predicted[r] = predicted[2 * r + 1];
      predicted.resize(predicted.size() / 2);
    }
    CHECK(test::largest_difference(predicted, flat(pair["predicted"])) < 1e-6);
    if (pair["shap"].is_null()) continue;
    std::vector<double> shap(at(x.rows() * trees.num_outputs() * 5));
    shap_values(trees, x, shap);
    CHECK(test::largest_difference(shap, flat(pair["shap"])) < 1e-5);
  }
}

TEST_CASE("imported trees: as a model they predict for a table by its columns' names") {
  const auto golden = test::read_golden("trees/pairs.json");
  for (const auto& [name, pair] : golden["pairs"].items()) {
    if (name.find("two_targets") != std::string::npos) continue;  // a model predicts one number
    CAPTURE(name);
    CHECK(begins_like_other_trees(read_file(kFolder + name).substr(0, 16)));
    const auto model = import_model(kFolder + name);
    const std::vector<double> rows = flat(pair["rows"]);
    std::vector<Column> columns;
    for (std::size_t f = 4; f-- > 0;) {  // in another order
      std::vector<double> values;
      for (std::size_t r = 0; r < rows.size() / 4; ++r) values.push_back(rows[4 * r + f]);
      columns.push_back(Column::number(model->schema().columns[f].name, Tensor::take(std::move(values))));
    }
    const Table said = model->predict(Table(columns));
    const std::vector<double> expected = flat(pair["predicted"]);
    const std::size_t n = rows.size() / 4, k = expected.size() / n;
    double worst = 0;
    for (std::size_t r = 0; r < n; ++r)
      for (std::size_t c = 0; c < k; ++c) {
        const std::string column = model->task() == Task::regression ? "prediction"
                                   : model->task() == Task::binary   ? "p_1"
                                                                     : "p_" + std::to_string(c);
        worst = std::max(worst, std::abs(said.column(column).number_at(static_cast<std::int64_t>(r)) -
                                         expected[r * k + c]));
      }
    CHECK(worst < 1e-6);
  }
  // A model file of ours whose header happens to be 0x4c7b bytes long begins with '{L' as UBJSON does.
  CHECK(!begins_like_other_trees(std::string_view("{L\0\0\0\0\0\0{\"__met", 16)));
  CHECK(!begins_like_other_trees("binf"));
}

TEST_CASE("imported trees: models of the shared data and what their programs recorded") {
  struct Pair {
    const char *model, *inputs, *expected;
    int columns, skip;
    bool raw;
  };
  for (const Pair& p : {
           Pair{"lg_dart_breast_cancer.model", "breast_cancer_test.tsv",
                "lg_dart_breast_cancer_true_predictions.txt", 30, 0, false},
           {"lgmulticlass.model", "multiclass_test.tsv", "lgmulticlass_true_raw_predictions.txt", 28, 1,
            true},
           {"lgmulticlass.model", "multiclass_test.tsv", "lgmulticlass_true_predictions.txt", 28, 1, false},
           {"lg_kddcup99.model", "kddcup99_test.tsv", "lg_kddcup99_true_predictions.txt", 41, 0, true},
           {"lg_rf_iris.model", "iris_test.libsvm", "lg_rf_iris_true_predictions.txt", 4, 1, true},
           {"genlin_fmtp_gamma_AvgClaimAmount.model", "genlin_fmtp_gamma_AvgClaimAmount_features.tsv",
            "genlin_fmtp_gamma_AvgClaimAmount_true_predictions.txt", 9, 0, false},
           {"genlin_fmtp_poisson_Frequency.model", "genlin_fmtp_poisson_Frequency_features.tsv",
            "genlin_fmtp_poisson_Frequency_true_predictions.txt", 9, 0, false},
           {"genlin_fmtp_tweedie_PurePremium.model", "genlin_fmtp_tweedie_PurePremium_features.tsv",
            "genlin_fmtp_tweedie_PurePremium_true_predictions.txt", 9, 0, false},
       }) {
    CAPTURE(p.model);
    const auto model = testing::shared_data(std::string("gbdt_models/") + p.model);
    const auto inputs = testing::shared_data(std::string("gbdt_models/") + p.inputs);
    const auto expected = testing::shared_data(std::string("gbdt_models/") + p.expected);
    if (!model || !inputs || !expected) return;
    const ImportedTrees imported = read_lightgbm(*model);
    const Matrix x = matrix(numbers_in(*inputs, p.skip), p.columns);
    std::vector<double> got = p.raw ? raw_of(imported.trees, x) : predictions_of(imported.trees, x);
    if (!p.raw && imported.trees.options().output == TreeOutput::logistic) {
      for (std::size_t r = 0; r < got.size() / 2; ++r) got[r] = got[2 * r + 1];
      got.resize(got.size() / 2);
    }
    CHECK(test::largest_difference(got, numbers_in(*expected)) < 1e-6);
  }
}

TEST_CASE("imported trees: the leaves LightGBM recorded") {
  const auto model = testing::shared_data("gbdt_models/lg_breast_cancer.txt");
  const auto inputs = testing::shared_data("gbdt_models/lg_breast_cancer_data.txt");
  const auto leaves = testing::shared_data("gbdt_models/lg_breast_cancer_data_pred_leaves.txt");
  if (!model || !inputs || !leaves) return;
  const TreeEnsemble trees = read_lightgbm(*model).trees;
  const std::vector<double> x = numbers_in(*inputs), expected = numbers_in(*leaves);
  const std::size_t rows = x.size() / 30;
  REQUIRE(expected.size() == rows * at(trees.num_trees()));
  // Rows share a leaf here exactly where they shared one there.
  for (std::int64_t t = 0; t < trees.num_trees(); ++t) {
    std::map<double, std::int64_t> ours;
    std::map<std::int64_t, double> theirs;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int64_t leaf = trees.leaf_of(t, std::span(x).subspan(r * 30, 30));
      const double recorded = expected[r * at(trees.num_trees()) + at(t)];
      CHECK(ours.try_emplace(recorded, leaf).first->second == leaf);
      CHECK(theirs.try_emplace(leaf, recorded).first->second == recorded);
    }
  }
}

TEST_CASE("imported trees: files that lie are refused with place and reason") {
  const auto changed = [](const std::string& file, const std::string& from, const std::string& to) {
    std::string text = read_file(kFolder + file);
    const auto place = text.find(from);
    REQUIRE(place != std::string::npos);
    return text.replace(place, from.size(), to);
  };
  const auto said = [](const std::string& name, const std::string& contents) {
    const Temporary file(name, contents);
    const std::string message = message_of(file.path());
    return message.substr(std::min(message.size(), file.path().size() + 2));
  };
  CHECK(said("lightgbm.txt", "") == "is empty");
  CHECK(said("lightgbm.txt", "a,b\n1,2\n") ==
        "is not LightGBM's text: it begins with 'a,b', not with 'tree'");
  CHECK(said("lightgbm.txt", changed("lightgbm_binary.txt", "left_child=1", "left_child=0")) ==
        "node 0 of tree 1 has two parents");
  CHECK(said("lightgbm.txt", changed("lightgbm_binary.txt", "num_leaves=9", "num_leaves=1099511627776")) ==
        "tree 0 claims 1099511627776 leaves");
  CHECK(said("lightgbm.txt", changed("lightgbm_binary.txt", "max_feature_idx=3", "max_feature_idx=0")) ==
        "names 4 of its 1 features");
  CHECK(said("lightgbm.txt", changed("lightgbm_binary.txt", "split_feature=", "split_feature=7 ")) ==
        "tree 0: split_feature holds 9 numbers; 8 were expected");
  CHECK(said("lightgbm.txt",
             changed("lightgbm_binary.txt", "objective=binary sigmoid:1", "objective=multiclassova")) ==
        "its objective 'multiclassova' makes something of the raw output that these trees cannot express");
  CHECK(said("xgboost.json", "{\"learner\": 3}") == "'learner' is not an object");
  CHECK(said("xgboost.json", "{\"a\": [1, 2").starts_with("cannot be read at byte"));
  CHECK(said("xgboost.json", "binf\x01\x02").starts_with("is neither XGBoost's JSON nor its UBJSON"));
  CHECK(said("xgboost.json", changed("xgboost_binary.json", "\"num_feature\":\"4\",\"num_target\"",
                                     "\"num_feature\":\"1\",\"num_target\"")) ==
        "tree 0, node 1 splits feature 1; there are 1");
  // A short file that promises a list of 2^31 nothings.
  CHECK(said("xgboost.ubj", std::string("{i\x01"
                                        "a[$Z#l\x7f\xff\xff\xff",
                                        14))
            .find("claims a list") != std::string::npos);
  CHECK(said("xgboost.ubj", "{" + std::string(3000, '[')).size() > 0);
}

TEST_CASE("imported trees: any byte changed or cut off gives a model or an error, never a crash") {
  for (const char* name :
       {"xgboost_categories.json", "xgboost_binary.ubj", "lightgbm_categories.txt", "lightgbm_linear.txt"}) {
    const std::string whole = read_file(kFolder + name);
    Random random(1, name);
    for (int i = 0; i < 150; ++i) {
      std::string broken = whole;
      if (i % 5 == 0) {
        broken.resize(random.below(whole.size()));
      } else {
        for (int k = 0; k < 1 + i % 3; ++k)
          broken[random.below(broken.size())] =
              static_cast<char>(i % 2 ? random.below(256) : '0' + random.below(10));
      }
      const Temporary file(name, broken);
      CHECK(!message_of(file.path()).empty());
    }
  }
}
