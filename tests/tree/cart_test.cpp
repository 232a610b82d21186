// Exact trees: against every split there is, against scikit-learn, against the courses.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/model/archive.h"
#include "cairn/tree/decision_tree.h"
#include "cairn/tree/forest.h"
#include "cairn/tree/impurity.h"
#include "tests/support/golden.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using Rows = std::vector<std::vector<double>>;
const double kNaN = std::nan("");

std::unique_ptr<TreeModel> as_tree(std::unique_ptr<Model> model) {
  REQUIRE(dynamic_cast<TreeModel*>(model.get()) != nullptr);
  return std::unique_ptr<TreeModel>(dynamic_cast<TreeModel*>(model.release()));
}

constexpr double kLevel = 0.3;  // of the quantile that is asked for

// Impurity times weight of some rows, the plain way.
double mixed(Criterion c, const std::vector<double>& y, const std::vector<double>& w) {
  double weight = 0, sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) weight += w[i], sum += w[i] * y[i];
  if (weight == 0) return 0;
  if (c == Criterion::gini || c == Criterion::entropy) {
    std::vector<double> classes(3);
    for (std::size_t i = 0; i < y.size(); ++i) classes[static_cast<std::size_t>(y[i])] += w[i];
    return weight * (c == Criterion::gini ? gini(classes) : entropy(classes));
  }
  const double mean = sum / weight;
  double best = INFINITY, deviance = 0, squares = 0;
  for (const double m : y) {
    double distance = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      distance += w[i] * std::abs(y[i] - m) * (c == Criterion::absolute ? 1 : y[i] > m ? kLevel : 1 - kLevel);
    best = std::min(best, distance);
  }
  for (std::size_t i = 0; i < y.size(); ++i) {
    deviance += w[i] * ((y[i] > 0 ? y[i] * std::log(y[i] / mean) : 0) - y[i] + mean);
    squares += w[i] * (y[i] - mean) * (y[i] - mean);
  }
  return c == Criterion::absolute || c == Criterion::quantile ? best
         : c == Criterion::poisson                            ? deviance
                                                              : squares;
}

// The largest fall of the criterion that any split of any feature brings, per weight of all rows.
double best_gain(Criterion c, const Rows& x, const std::vector<double>& y, const std::vector<double>& w) {
  double total = 0, best = 0;
  for (const double v : w) total += v;
  const double parent = mixed(c, y, w);
  for (std::size_t f = 0; f < x[0].size(); ++f)
    for (const auto& at : x)
      for (const bool missing_left : {false, true}) {
        const double limit = std::isnan(at[f]) ? INFINITY : at[f];
        std::vector<double> yl, yr, wl, wr;
        for (std::size_t i = 0; i < x.size(); ++i) {
          const bool left = std::isnan(x[i][f]) ? missing_left : x[i][f] <= limit;
          (left ? yl : yr).push_back(y[i]);
          (left ? wl : wr).push_back(w[i]);
        }
        if (yl.empty() || yr.empty()) continue;
        if (c == Criterion::poisson && (std::ranges::max(yl) == 0 || std::ranges::max(yr) == 0)) continue;
        best = std::max(best, (parent - mixed(c, yl, wl) - mixed(c, yr, wr)) / total);
      }
  return best;
}

Dataset animals(const Rows& x, const std::vector<int>& y) { return classification_data(x, y); }

// Some target for rows that are only asked about.
std::vector<double> numbered(std::size_t n) {
  std::vector<double> y;
  for (std::size_t i = 0; i < n; ++i) y.push_back(static_cast<double>(i));
  return y;
}

}  // namespace

TEST_CASE("cart: the first split is the best of all there are") {
  for (const char* name : {"gini", "entropy", "squared", "absolute", "poisson", "quantile"}) {
    const Criterion c = criterion_from_name(name);
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      INFO(name << ", seed " << seed);
      Random random(seed, "rows");
      Rows x;
      std::vector<double> y, w;
      for (int i = 0; i < 30; ++i) {
        x.emplace_back();
        for (int f = 0; f < 3; ++f)
          x.back().push_back(random.below(6) == 0 ? kNaN : static_cast<double>(random.below(8)));
        y.push_back(static_cast<double>(random.below(3)));
        w.push_back(seed % 2 == 0 ? 1 : static_cast<double>(1 + random.below(3)));
      }
      const bool classes = c == Criterion::gini || c == Criterion::entropy;
      std::vector<int> labels(y.begin(), y.end());
      Dataset data = classes ? classification_data(x, labels) : regression_data(x, y);
      data = data.with_weights(w);
      const auto model =
          as_tree(DecisionTree({.criterion = name, .quantile = kLevel, .max_depth = 1}).fit(data));
      REQUIRE(model->trees().num_nodes() == 3);
      CHECK(model->trees().gains()[0] == doctest::Approx(best_gain(c, x, y, w)).epsilon(1e-6));
    }
  }
}

TEST_CASE("cart: categories are grouped as no other grouping does better") {
  Random random(4, "levels");
  for (int trial = 0; trial < 10; ++trial) {
    std::vector<std::int32_t> codes;
    std::vector<double> y;
    for (int i = 0; i < 60; ++i) {
      codes.push_back(static_cast<std::int32_t>(random.below(7)) - 1);
      y.push_back(std::round(10 * random.normal()) + 3 * (codes.back() % 3));
    }
    const Dataset data(Table({Column::category("c", Tensor::from(codes), {"a", "b", "c", "d", "e", "f"}),
                              Column::number("y", Tensor::from(y))}),
                       {.roles = {.target = "y"}, .task = Task::regression});
    const auto model = as_tree(DecisionTree({.max_depth = 1}).fit(data));
    const std::vector<double> ones(y.size(), 1.0);
    double best = 0;
    for (int set = 1; set < 127; ++set) {  // bit 6: missing
      std::vector<double> left, right;
      for (std::size_t i = 0; i < y.size(); ++i)
        (set >> (codes[i] < 0 ? 6 : codes[i]) & 1 ? left : right).push_back(y[i]);
      if (left.empty() || right.empty()) continue;
      best = std::max(best, mixed(Criterion::squared, y, ones) -
                                mixed(Criterion::squared, left, std::vector<double>(left.size(), 1.0)) -
                                mixed(Criterion::squared, right, std::vector<double>(right.size(), 1.0)));
    }
    CHECK(model->trees().gains()[0] == doctest::Approx(best / 60).epsilon(1e-6));
  }
}

TEST_CASE("cart: scikit-learn's trees") {
  const auto golden = read_golden("tree.json");
  for (const auto& [name, set] : golden["sets"].items()) {
    Rows x;
    for (const auto& row : set["x"]) x.push_back(golden_numbers(row));
    for (const auto& c : set["cases"]) {
      const auto& settings = c["settings"];
      INFO(name << " " << settings.dump() << (c["weighted"].get<bool>() ? " weighted" : ""));
      const std::string criterion = settings["criterion"];
      DecisionTreeParams p{.criterion = criterion};
      p.max_depth = settings.value("max_depth", 0);
      p.max_leaves = settings.value("max_leaf_nodes", 0);
      p.min_samples_leaf = settings.value("min_samples_leaf", 1);
      p.ccp_alpha = settings.value("ccp_alpha", 0.0);
      const bool classes = criterion == "gini" || criterion == "entropy";
      Dataset data =
          classes ? classification_data(x, golden["labels"].get<std::vector<int>>())
                  : regression_data(x, golden_numbers(golden[criterion == "poisson" ? "counts" : "y"]));
      if (c["weighted"].get<bool>()) data = data.with_weights(golden_numbers(golden["weights"]));
      const auto model = as_tree(DecisionTree(p).fit(data));
      CHECK((model->trees().num_nodes() + 1) / 2 == c["leaves"].get<int>());
      CHECK(model->trees().max_depth() == c["depth"].get<int>());
      std::vector<double> said(x.size() * (classes ? 3 : 1));
      model->trees().predict_raw(model->features().matrix(data.features()), said);
      CHECK(largest_difference(said, golden_numbers(c["predictions"])) < 1e-9);
      std::vector<double> gains;
      double sum = 0;
      for (const Importance& i : model->importances()) gains.push_back(i.gain), sum += i.gain;
      for (double& g : gains) g /= sum;
      CHECK(largest_difference(gains, golden_numbers(c["importances"])) < 1e-5);
    }
  }
}

TEST_CASE("M2W4-L1: cats by ear, face and whiskers") {
  const Rows x{{1, 1, 1}, {0, 0, 1}, {0, 1, 0}, {1, 0, 1}, {1, 1, 1},
               {1, 1, 0}, {0, 0, 0}, {1, 1, 0}, {0, 1, 0}, {0, 1, 0}};
  const std::vector<int> y{1, 1, 0, 0, 1, 1, 0, 1, 0, 0};
  CHECK(entropy(std::vector<double>{5, 5}) == 1);
  // Ear shape: 0, 3, 4, 5, 7 have pointy ears, four of them cats; the others one of five.
  CHECK(0.5 * entropy(std::vector<double>{1, 4}) + 0.5 * entropy(std::vector<double>{4, 1}) ==
        doctest::Approx(0.7219280948873623).epsilon(1e-15));
  CHECK(information_gain(std::vector<double>{1, 4}, std::vector<double>{4, 1}) ==
        doctest::Approx(0.2780719051126377).epsilon(1e-14));
  const auto tree = as_tree(DecisionTree({.criterion = "entropy", .max_depth = 1}).fit(animals(x, y)));
  CHECK(tree->trees().features()[0] == 0);
  CHECK(tree->trees().gains()[0] == doctest::Approx(0.2780719051126377).epsilon(1e-6));
  double face[2][2] = {}, whiskers[2][2] = {};
  for (std::size_t i = 0; i < x.size(); ++i) {
    face[static_cast<int>(x[i][1])][y[i]] += 1;
    whiskers[static_cast<int>(x[i][2])][y[i]] += 1;
  }
  CHECK(information_gain(face[1], face[0]) == doctest::Approx(0.034851554559677034));
  CHECK(information_gain(whiskers[1], whiskers[0]) == doctest::Approx(0.12451124978365313));
}

TEST_CASE("M2W4-A1: mushrooms") {
  const Rows x{{1, 1, 1}, {1, 0, 1}, {1, 0, 0}, {1, 0, 0}, {1, 1, 1},
               {0, 1, 1}, {0, 0, 0}, {1, 0, 1}, {0, 1, 0}, {1, 0, 0}};
  const std::vector<int> y{1, 1, 0, 0, 1, 0, 0, 1, 1, 0};
  const double gains[] = {0.034851554559677034, 0.12451124978365313, 0.2780719051126377};
  for (std::size_t f = 0; f < 3; ++f) {
    double split[2][2] = {};
    for (std::size_t i = 0; i < x.size(); ++i) split[static_cast<int>(x[i][f])][y[i]] += 1;
    CHECK(information_gain(split[1], split[0]) == doctest::Approx(gains[f]).epsilon(1e-14));
  }
  CHECK(entropy(std::vector<double>{0, 10}) == 0);
  CHECK(entropy(std::vector<double>{10, 0}) == 0);
  CHECK(entropy(std::vector<double>{12, 12}) == 1);
  CHECK(entropy(std::vector<double>{3, 6}) == doctest::Approx(0.918295).epsilon(1e-6));
  CHECK(entropy(std::vector<double>{6, 3}) == doctest::Approx(0.918295).epsilon(1e-6));
  CHECK(entropy(std::vector<double>{}) == 0);
  const Dataset data = animals(x, y);
  const auto model = as_tree(DecisionTree({.criterion = "entropy", .max_depth = 2}).fit(data));
  const TreeEnsemble& trees = model->trees();
  CHECK(trees.features()[0] == 2);
  // The leaves that the course names: [0, 1, 4, 7], [5], [8], [2, 3, 6, 9].
  std::vector<std::int64_t> leaf;
  for (const auto& row : x) leaf.push_back(trees.leaf_of(0, row));
  for (const auto& group : std::vector<std::vector<std::size_t>>{{0, 1, 4, 7}, {5}, {8}, {2, 3, 6, 9}})
    for (std::size_t i = 0; i < x.size(); ++i)
      CHECK((leaf[i] == leaf[group[0]]) == (std::ranges::find(group, i) != group.end()));
  CHECK(model->decision_path(data.features(), 5) ==
        std::vector<std::string>{"x2 = 1: > 0.5 or missing", "x0 = 0: <= 0.5", "-> 0 1"});
}

TEST_CASE("M2W4-A1: the course's unit tests of splits") {
  const Rows x{{1, 0}, {1, 0}, {1, 0}, {0, 0}, {0, 1}};
  // A question that the course calls feature f, as the course counts it: value 1 on one side, 0 on the other.
  const auto gain = [](const Rows& rows, const std::vector<int>& y, std::size_t f) {
    std::array<std::array<double, 2>, 2> sides{};
    for (std::size_t i = 0; i < rows.size(); ++i)
      sides[static_cast<std::size_t>(rows[i][f])][static_cast<std::size_t>(y[i])] += 1;
    return information_gain(sides[1], sides[0]);
  };
  const std::vector<int> zeros(5, 0), mixed{0, 1, 0, 1, 0};
  CHECK(gain(x, zeros, 0) == 0);
  CHECK(gain(x, zeros, 1) == 0);
  CHECK(gain(x, mixed, 0) == doctest::Approx(0.019973).epsilon(1e-4));
  CHECK(gain(x, mixed, 1) == doctest::Approx(0.170951).epsilon(1e-5));
  const Rows four(x.begin(), x.begin() + 4);
  const std::vector<int> of_four(mixed.begin(), mixed.begin() + 4);
  CHECK(gain(four, of_four, 0) == doctest::Approx(0.311278).epsilon(1e-5));
  CHECK(gain(four, of_four, 1) == 0);

  // The feature that a tree asks about first; -1: it asks nothing. Where the course's function finds one
  // class it answers -1 too; here such data are refused.
  const auto best = [](const Rows& rows, const std::vector<int>& y) {
    const auto tree = as_tree(DecisionTree({.criterion = "entropy", .max_depth = 1}).fit(animals(rows, y)));
    return tree->trees().features()[0];
  };
  std::vector<int> alternating;
  for (int i = 0; i < 100; ++i) alternating.push_back(i % 2);
  CHECK_THROWS_WITH_AS(best(x, zeros), doctest::Contains("a classification needs two classes"), DataError);
  CHECK(best(x, {1, 1, 1, 0, 0}) == 0);
  CHECK(best(x, {0, 0, 0, 0, 1}) == 1);
  CHECK(best(x, {0, 0, 0, 1, 1}) == 0);
  CHECK(best(x, mixed) == 1);
  CHECK(best({x[2], x[3], x[4]}, {0, 1, 0}) == 0);
  CHECK(best(Rows(100, {1, 0}), alternating) == -1);  // nothing to ask

  // The rows on either side of a question about the column, those with 1 first.
  const auto split = [](const std::vector<double>& column, const std::vector<std::size_t>& rows) {
    Rows asked;
    std::vector<int> is_one;
    for (const std::size_t row : rows) {
      asked.push_back({column[row]});
      is_one.push_back(static_cast<int>(column[row]));
    }
    const auto tree = as_tree(DecisionTree({.max_depth = 1}).fit(animals(asked, is_one)));
    const std::int64_t ones = tree->trees().leaf_of(0, std::vector<double>{1});
    std::array<std::vector<std::size_t>, 2> sides;
    for (std::size_t i = 0; i < rows.size(); ++i)
      sides[tree->trees().leaf_of(0, asked[i]) == ones ? 0 : 1].push_back(rows[i]);
    return sides;
  };
  using Sides = std::array<std::vector<std::size_t>, 2>;
  CHECK(split({0, 1, 0, 1, 0}, {0, 1, 2, 3, 4}) == Sides{{{1, 3}, {0, 2, 4}}});
  CHECK(split({0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0}, {1, 2, 3, 6, 7, 9, 10}) ==
        Sides{{{1, 3, 6}, {2, 7, 9, 10}}});
}

TEST_CASE("M2W4-A1: one-hot columns and a category say the same") {
  const std::vector<std::int32_t> caps{0, 0, 1, 2, 0, 1, 2, 0, 1, 2};
  Rows one_hot;
  for (const std::int32_t c : caps)
    one_hot.push_back({c == 0 ? 1.0 : 0.0, c == 1 ? 1.0 : 0.0, c == 2 ? 1.0 : 0.0});
  const std::vector<int> y{1, 1, 0, 0, 1, 0, 0, 1, 1, 0};
  std::vector<std::int32_t> labels(y.begin(), y.end());
  const Dataset categories(Table({Column::category("cap", Tensor::from(caps), {"a", "b", "c"}),
                                  Column::category("y", Tensor::from(labels), {"0", "1"})}),
                           {.roles = {.target = "y"}});
  const auto a = DecisionTree(DecisionTreeParams{}).fit(categories),
             b = DecisionTree(DecisionTreeParams{}).fit(animals(one_hot, y));
  const Table pa = a->predict(categories.features()), pb = b->predict(animals(one_hot, y).features());
  for (std::int64_t r = 0; r < pa.num_rows(); ++r)
    CHECK(pa.column("p_1").number_at(r) == pb.column("p_1").number_at(r));
}

TEST_CASE("cart: folds choose how strongly a tree is pruned") {
  Random random(8, "rows");
  Rows x, x_test;
  std::vector<int> labels, labels_test;
  std::vector<double> y, y_test, w;
  for (int i = 0; i < 1600; ++i) {
    const bool train = i < 600;
    (train ? x : x_test).push_back({random.normal(), random.normal(), random.normal()});
    const auto& row = (train ? x : x_test).back();
    (train ? labels : labels_test).push_back((row[0] > 0.3) != (random.below(5) == 0));
    (train ? y : y_test).push_back((row[0] > 0.3 ? 2 : 0) + (row[1] > 0 ? 1 : 0) + random.normal());
    if (train) w.push_back(i % 10 == 0 ? 0 : 1);
  }
  const auto right = [&](const TreeModel& model) {
    const Table said = model.predict(classification_data(x_test, labels_test).features());
    double sum = 0;
    for (std::size_t r = 0; r < labels_test.size(); ++r)
      sum += said.column("prediction").cell(static_cast<std::int64_t>(r)) == std::to_string(labels_test[r])
                 ? 1
                 : 0;
    return sum / static_cast<double>(labels_test.size());
  };
  const Dataset classes = classification_data(x, labels).with_weights(w);
  const auto full = as_tree(DecisionTree(DecisionTreeParams{}).fit(classes)),
             pruned = as_tree(DecisionTree({.prune_folds = 5}).fit(classes));
  CHECK(full->trees().num_nodes() > 150);
  CHECK(pruned->trees().num_nodes() == 3);  // one question tells all there is
  CHECK(right(*pruned) > right(*full) + 0.05);
  CHECK(pruned->notes()[1].starts_with("pruned with ccp_alpha 0.0"));

  const Dataset values = regression_data(x, y);
  const auto mend = as_tree(DecisionTree({.prune_folds = 4}).fit(values));
  const auto whole = as_tree(DecisionTree(DecisionTreeParams{}).fit(values));
  CHECK(whole->trees().num_nodes() > 1000);
  CHECK(mend->trees().num_nodes() >= 7);  // three questions tell all there is
  CHECK(mend->trees().num_nodes() <= 31);
  const auto error = [&](const TreeModel& model) {
    const Table said = model.predict(regression_data(x_test, y_test).features());
    double sum = 0;
    for (std::size_t r = 0; r < y_test.size(); ++r)
      sum += std::pow(said.column("prediction").number_at(static_cast<std::int64_t>(r)) - y_test[r], 2);
    return sum / static_cast<double>(y_test.size());
  };
  CHECK(error(*mend) < 1.3);  // the noise alone is 1
  CHECK(error(*whole) > 1.6);
  CHECK_THROWS_WITH_AS(DecisionTree({.prune_folds = 1}).fit(values), doctest::Contains("1 fold has no other"),
                       UsageError);
  CHECK_THROWS_WITH_AS(DecisionTree({.ccp_alpha = 0.1, .prune_folds = 5}).fit(values),
                       doctest::Contains("it chooses ccp_alpha, which is 0.1"), UsageError);

  // As large as gains can be (f32); a choice that depends on the scale shows.
  std::vector<double> large = y;
  for (double& v : large) v = std::scalbn(v, 60);
  const auto scaled = as_tree(DecisionTree({.prune_folds = 4}).fit(regression_data(x, large)));
  CHECK(scaled->trees().num_nodes() == mend->trees().num_nodes());
}

TEST_CASE("cart: folds that rows, groups or times cannot give are refused by the parameter's name") {
  const Dataset few = regression_data({{1}, {2}, {3}}, std::vector<double>{1, 2, 4});
  CHECK_THROWS_WITH_AS(DecisionTree({.prune_folds = 5}).fit(few),
                       "decision_tree.prune_folds: 3 rows cannot be dealt into 5 folds. Ask for fewer folds, "
                       "or choose ccp_alpha yourself.",
                       DataError);
  const auto with = [&](Roles roles, const std::vector<double>& when) {
    roles.target = "y";
    return Dataset(few.table().with(Column::number("when", Tensor::from(when))), {.roles = roles});
  };
  CHECK_THROWS_WITH_AS(
      DecisionTree({.prune_folds = 5}).fit(with({.time = "when"}, {1, 2, 2})),
      "decision_tree.prune_folds: --time when has 2 different times; 5 folds need 6. Ask for "
      "fewer folds, or choose ccp_alpha yourself.",
      DataError);
  CHECK_THROWS_WITH_AS(DecisionTree({.prune_folds = 2}).fit(with({.time = "when"}, {1, 1, 1})),
                       doctest::Contains("--time when: all 3 rows have the same time"), DataError);
}

TEST_CASE("cart: monotone demands are kept") {
  Random random(5, "rows");
  Rows x;
  std::vector<double> y;
  for (int i = 0; i < 400; ++i) {
    x.push_back({random.normal(), random.normal()});
    y.push_back(x.back()[0] + std::sin(4 * x.back()[0]) + x.back()[1] + 0.3 * random.normal());
  }
  const Dataset data = regression_data(x, y);
  ExtraTreesParams drawn;
  drawn.trees = 20;
  drawn.monotone = {"x0+"};
  std::vector<std::unique_ptr<Model>> models;
  models.push_back(DecisionTree({.monotone = {"x0+"}}).fit(data));
  models.push_back(ExtraTrees(drawn).fit(data));
  for (const auto& model : models) {
    for (double other = -2; other <= 2; other += 0.5) {
      Rows line;
      for (double v = -3; v <= 3; v += 0.05) line.push_back({v, other});
      const Table p = model->predict(regression_data(line, numbered(line.size())).features());
      for (std::int64_t r = 1; r < p.num_rows(); ++r)
        CHECK(p.column("prediction").number_at(r) >= p.column("prediction").number_at(r - 1) - 1e-12);
    }
  }
  CHECK_THROWS_WITH_AS(DecisionTree({.monotone = {"x0"}}).fit(data),
                       doctest::Contains("does not end in + or -"), UsageError);
  CHECK_THROWS_WITH_AS(DecisionTree({.monotone = {"x9+"}}).fit(data),
                       doctest::Contains("there is no feature 'x9'"), UsageError);
}

TEST_CASE("forests: rows out of the bag tell nearly what held-out rows tell, for any number of threads") {
  Random random(6, "rows");
  Rows x, x_test;
  std::vector<int> y, y_test;
  for (int i = 0; i < 1200; ++i) {
    (i < 800 ? x : x_test).push_back({random.normal(), random.normal(), random.normal()});
    const auto& row = (i < 800 ? x : x_test).back();
    (i < 800 ? y : y_test).push_back(row[0] * row[1] + 0.5 * random.normal() > 0);
  }
  const Dataset data = classification_data(x, y), test = classification_data(x_test, y_test);
  RandomForestParams p;
  p.trees = 60;
  const int before = num_threads();
  std::string bytes;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const auto model = RandomForest(p).fit(data, {.seed = 3});
    if (bytes.empty()) bytes = to_bytes(*model);
    CHECK(to_bytes(*model) == bytes);
    const Table said = model->predict(test.features());
    double right = 0;
    for (std::size_t r = 0; r < y_test.size(); ++r)
      right +=
          said.column("prediction").cell(static_cast<std::int64_t>(r)) == std::to_string(y_test[r]) ? 1 : 0;
    const std::string note = model->notes()[1];
    REQUIRE(note.starts_with("out-of-bag accuracy "));
    CHECK(std::abs(std::stod(note.substr(20)) - right / 400) < 0.06);
    CHECK(right / 400 > 0.65);
    // "0.8612 (0.8353 to 0.8837) on 800 rows": the interval holds what held-out rows say, give or take
    // theirs.
    const double low = std::stod(note.substr(note.find('(') + 1)),
                 high = std::stod(note.substr(note.find("to ") + 3));
    CHECK(low < std::stod(note.substr(20)));
    CHECK(high - low == doctest::Approx(0.05).epsilon(0.3));
    CHECK(std::abs((low + high) / 2 - right / 400) < 0.06);
  }
  set_num_threads(before);
}

TEST_CASE("cart: what cannot be learned from") {
  const Rows x{{1}, {2}, {3}};
  CHECK_THROWS_WITH_AS(
      DecisionTree({.criterion = "poisson"}).fit(regression_data(x, std::vector<double>{1, -2, 3.5})),
      doctest::Contains("a target is -2; criterion=poisson takes counts"), DataError);
  CHECK_THROWS_WITH_AS(
      DecisionTree({.criterion = "gini"}).fit(regression_data(x, std::vector<double>{1, 2, 3.5})),
      doctest::Contains("gini does not serve a regression task"), UsageError);
  CHECK_THROWS_WITH_AS(
      DecisionTree({.max_features = "many"}).fit(regression_data(x, std::vector<double>{1, 2, 3.5})),
      doctest::Contains("'many' is none of auto"), UsageError);
}
