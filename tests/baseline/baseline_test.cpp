#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/baseline/constant.h"
#include "cairn/baseline/k_nearest_neighbors.h"
#include "cairn/baseline/naive_bayes.h"
#include "tests/support/golden.h"
#include "tests/support/matrices.h"

using namespace cairn;
using test::dense_matrix;
using test::sparse_matrix;

namespace {

using Rows = std::vector<std::vector<double>>;

template <class T>
std::vector<T> head(const std::vector<T>& v, std::int64_t n) {
  return {v.begin(), v.begin() + n};
}
template <class T>
std::vector<T> tail(const std::vector<T>& v, std::int64_t n) {
  return {v.begin() + n, v.end()};
}

Table features(const Matrix& x) {
  std::vector<std::string> names;
  for (std::int64_t c = 0; c < x.columns(); ++c) names.push_back("x" + std::to_string(c));
  return Table({Column::features("x", x, names)});
}

Dataset classes_data(const Matrix& x, const std::vector<int>& labels) {
  const std::vector<std::int32_t> codes(labels.begin(), labels.end());
  const Table table = features(x).with(Column::category("y", Tensor::from(codes), {"a", "b", "c"}));
  return Dataset(table, {.roles = {.target = "y"}, .task = Task::multiclass, .classes = {"a", "b", "c"}});
}

Dataset values_data(const Matrix& x, const std::vector<double>& y) {
  return Dataset(features(x).with(Column::number("y", Tensor::from(y))),
                 {.roles = {.target = "y"}, .task = Task::regression});
}

void check_probabilities(const Model& model, const Matrix& x, const Rows& expected) {
  const Table predicted = model.predict(features(x));
  REQUIRE(predicted.num_rows() == std::ssize(expected));
  const char* names[] = {"p_a", "p_b", "p_c"};
  for (std::size_t r = 0; r < expected.size(); ++r)
    for (std::size_t c = 0; c < 3; ++c)
      CHECK(std::abs(predicted.column(names[c]).number_at(static_cast<std::int64_t>(r)) - expected[r][c]) <
            1e-10);
}

struct Golden {
  nlohmann::json all = test::read_golden("baseline.json");
  std::int64_t train = all["train_rows"].get<std::int64_t>();
  std::vector<double> weights = all["weights"].get<std::vector<double>>();
  Rows x(const std::string& set) const { return all[set]["x"].get<Rows>(); }
  std::vector<int> labels(const std::string& set) const {
    return head(all[set]["labels"].get<std::vector<int>>(), train);
  }
  std::vector<double> y() const { return head(all["dense"]["y"].get<std::vector<double>>(), train); }
};

void check_neighbors_case(const Golden& g, const std::string& set, const nlohmann::json& c, bool sparse) {
  const Rows x = g.x(set);
  const auto matrix = [&](const Rows& rows) {
    return sparse ? sparse_matrix(rows, std::ssize(x[0])) : dense_matrix(rows);
  };
  const KNearestNeighbors learner({.k = c["k"], .weights = c["weights"], .metric = c["metric"]});
  const auto classifier = learner.fit(classes_data(matrix(head(x, g.train)), g.labels(set)));
  check_probabilities(*classifier, matrix(tail(x, g.train)), c["probabilities"].get<Rows>());
  if (!c.contains("values")) return;
  const auto regressor = learner.fit(values_data(matrix(head(x, g.train)), g.y()));
  const Table predicted = regressor->predict(features(matrix(tail(x, g.train))));
  const auto expected = c["values"].get<std::vector<double>>();
  for (std::size_t r = 0; r < expected.size(); ++r)
    CHECK(predicted.column("prediction").number_at(static_cast<std::int64_t>(r)) ==
          doctest::Approx(expected[r]).epsilon(1e-12));
}

}  // namespace

TEST_CASE("k_nearest_neighbors: equal to scikit-learn in every metric and weighting, dense and sparse") {
  const Golden g;
  for (const char* set : {"dense", "counts"})
    for (const auto& c : g.all[set]["neighbors"])
      for (const bool sparse : {false, true}) {
        CAPTURE(set);
        CAPTURE(c["metric"]);
        CAPTURE(c["weights"]);
        CAPTURE(sparse);
        check_neighbors_case(g, set, c, sparse);
      }
}

TEST_CASE("k_nearest_neighbors: a neighbour at distance 0 counts alone, and few rows are said so") {
  const Dataset data = values_data(dense_matrix({{0}, {0}, {1}}), {1, 3, 100});
  const auto model = KNearestNeighbors({.k = 5, .weights = "distance"}).fit(data);
  CHECK(model->predict(features(dense_matrix({{0}}))).column("prediction").number_at(0) == 2);
  REQUIRE(model->notes().size() == 1);
  CHECK(model->notes()[0] == "k is 5, there are only 3 training rows: all of them are asked");
}

TEST_CASE("k_nearest_neighbors: rows with different weights are refused, equal ones are not") {
  const Dataset data = values_data(dense_matrix({{0}, {1}, {2}}), {1, 3, 100});
  CHECK_THROWS_AS(KNearestNeighbors({.k = 1}).fit(data.with_weights({1, 2, 1})), NotSupported);
  CHECK(KNearestNeighbors({.k = 1}).fit(data.with_weights({2, 2, 2})) != nullptr);
}

TEST_CASE("naive_bayes: equal to scikit-learn, with and without weights") {
  const Golden g;
  for (const auto& c : g.all["naive_bayes"]) {
    CAPTURE(c["distribution"]);
    CAPTURE(c["weighted"]);
    const std::string set = c["data"];
    const Rows x = g.x(set);
    NaiveBayesParams params{.distribution = c["distribution"]};
    if (c.contains("alpha")) params.alpha = c["alpha"];
    if (c.contains("binarize")) params.binarize = c["binarize"];
    for (const bool sparse : {false, true}) {
      const auto matrix = [&](const Rows& rows) {
        return sparse ? sparse_matrix(rows, std::ssize(x[0])) : dense_matrix(rows);
      };
      Dataset data = classes_data(matrix(head(x, g.train)), g.labels(set));
      if (c["weighted"]) data = data.with_weights(g.weights);
      check_probabilities(*NaiveBayes(params).fit(data), matrix(tail(x, g.train)),
                          c["probabilities"].get<Rows>());
    }
  }
}

// For the classes a, b of model and row 0 of x: log of p_b / p_a.
static double log_odds(const Model& model, const Matrix& x) {
  const Table predicted = model.predict(features(x));
  return std::log(predicted.column("p_b").number_at(0) / predicted.column("p_a").number_at(0));
}

TEST_CASE("naive_bayes: mixed adds what its gaussian and its bernoulli features say apart") {
  const std::vector<std::int32_t> labels{0, 0, 0, 1, 1, 1, 1};
  const Rows numbers{{1.5}, {2.5}, {0.5}, {3.5}, {4.0}, {2.0}, {3.0}};
  const Rows flags{{1, 0}, {1, 1}, {0, 0}, {0, 1}, {1, 1}, {0, 1}, {0, 1}};
  Rows both;
  for (std::size_t r = 0; r < labels.size(); ++r) both.push_back({flags[r][0], numbers[r][0], flags[r][1]});
  const auto fit = [&](const Rows& x, const char* distribution) {
    return NaiveBayes({.distribution = distribution}).fit(classes_data(dense_matrix(x), labels));
  };
  const auto mixed = fit(both, "auto");
  CHECK(mixed->notes().at(0) == "distribution: gaussian for 1 features, bernoulli for 2");
  const auto gaussian = fit(numbers, "gaussian");
  const auto bernoulli = fit(flags, "bernoulli");
  const double prior = std::log(4.0 / 3.0);
  for (const auto& [flag, number, other] : {std::tuple{1.0, 2.2, 0.0}, {0.0, 3.3, 1.0}, {1.0, 0.0, 1.0}}) {
    const double expected = log_odds(*gaussian, dense_matrix({{number}})) +
                            log_odds(*bernoulli, dense_matrix({{flag, other}})) - prior;
    const Rows row{{flag, number, other}};
    CHECK(log_odds(*mixed, dense_matrix(row)) == doctest::Approx(expected).epsilon(1e-10));
    CHECK(log_odds(*mixed, sparse_matrix(row, 3)) == doctest::Approx(expected).epsilon(1e-10));
  }
  CHECK(fit(flags, "auto")->notes().at(0) == "distribution: bernoulli");
}

TEST_CASE("naive_bayes: auto takes bags of words for counts, 0/1 for presence and numbers for gaussian") {
  const std::vector<std::int32_t> labels{0, 0, 1, 1};
  const auto distribution = [&](const Matrix& m) {
    return NaiveBayes(NaiveBayesParams{}).fit(classes_data(m, labels))->notes().at(0);
  };
  Rows words{{0, 0.4, 2}, {0, 0.3, 0}, {1, 0, 0}, {3, 0, 1}};
  CHECK(distribution(sparse_matrix(words, 3)) == "distribution: multinomial");
  CHECK(distribution(dense_matrix(words)) == "distribution: gaussian");
  words[3][2] = -1;
  CHECK(distribution(sparse_matrix(words, 3)) == "distribution: bernoulli");
  CHECK_THROWS_WITH_AS(
      NaiveBayes({.distribution = "multinomial"}).fit(classes_data(dense_matrix(words), labels)),
      "column 'x2', row 4: is -1; naive_bayes with distribution = multinomial takes counts of at "
      "least 0. Use distribution = gaussian.",
      DataError);
  // An amount in every row among words: it is a number, they are present or not.
  const Rows amounts{{0, 100, 2}, {0, 120, 0}, {1, 300, 0}, {3, 280, 1}};
  CHECK(distribution(sparse_matrix(amounts, 3)) == "distribution: gaussian for 1 features, bernoulli for 2");
}

TEST_CASE("naive_bayes: a class without rows, features that do not vary, rows out of this world") {
  const Dataset data = classes_data(dense_matrix({{1, 5}, {2, 5}, {8, 5}, {9, 5}}), {0, 0, 1, 1});
  const auto model = NaiveBayes(NaiveBayesParams{}).fit(data);
  const Table predicted = model->predict(features(dense_matrix({{1.5, 5}, {8.5, 7}, {1e300, 5}})));
  CHECK(predicted.column("p_a").number_at(0) > 0.999);
  CHECK(predicted.column("p_c").number_at(0) == 0);
  CHECK(predicted.column("p_b").number_at(1) > 0.999);
  CHECK(predicted.column("p_a").number_at(2) == 0.5);  // every likelihood vanishes: the shares of the classes
  CHECK_THROWS_AS(NaiveBayes({.var_smoothing = 0}).fit(data), FitError);
  const auto level =
      NaiveBayes(NaiveBayesParams{}).fit(classes_data(dense_matrix({{3}, {3}, {3}, {3}}), {0, 0, 0, 1}));
  CHECK(level->predict(features(dense_matrix({{4}}))).column("p_a").number_at(0) == doctest::Approx(0.75));
}

TEST_CASE("constant: equal to scikit-learn's dummies") {
  const Golden g;
  const auto& expected = g.all["constant"];
  const Matrix x = dense_matrix(head(g.x("dense"), g.train));
  const Dataset values = values_data(x, g.y()), classes = classes_data(x, g.labels("dense"));
  for (const bool weighted : {false, true}) {
    const std::string suffix = weighted ? "_weighted" : "";
    const auto weigh = [&](const Dataset& d) { return weighted ? d.with_weights(g.weights) : d; };
    for (const char* strategy : {"mean", "median"}) {
      CAPTURE(strategy + suffix);
      const auto model = Constant({.strategy = strategy}).fit(weigh(values));
      CHECK(model->predict(features(x)).column("prediction").number_at(3) ==
            doctest::Approx(expected[strategy + suffix].get<double>()).epsilon(1e-13));
    }
    for (const char* strategy : {"prior", "most_frequent"}) {
      CAPTURE(strategy + suffix);
      const Table predicted = Constant({.strategy = strategy}).fit(weigh(classes))->predict(features(x));
      for (std::size_t c = 0; c < 3; ++c)
        CHECK(predicted.column(std::int64_t(c) + 1).number_at(0) ==
              doctest::Approx(expected[strategy + suffix][c].get<double>()).epsilon(1e-13));
    }
  }
}

TEST_CASE("constant: any table will do, a strategy of the other task will not") {
  const Table table({Column::text("words", std::vector<std::string>{"a", "b"}),
                     Column::number("y", Tensor::from(std::vector<double>{1, 2}))});
  const Dataset data(table, {.roles = {.target = "y"}, .task = Task::regression});
  const auto model = Constant({.strategy = "value", .value = 7}).fit(data);
  CHECK(model->predict(Table::with_rows(3)).column("prediction").number_at(2) == 7);
  CHECK_THROWS_WITH_AS(
      Constant({.strategy = "prior"}).fit(data),
      "constant: strategy = 'prior' does not serve a regression task. Use mean, median or value.",
      ParamError);
  const Dataset classes = classes_data(dense_matrix({{1}, {2}, {3}}), {0, 1, 2});
  CHECK_THROWS_AS(Constant({.strategy = "median"}).fit(classes), ParamError);
}
