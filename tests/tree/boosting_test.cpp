// Boosting: against sums over rows and every split there is, derivatives against differences, bad data.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/model/archive.h"
#include "cairn/tree/bins_internal.h"
#include "cairn/tree/dropout_internal.h"
#include "cairn/tree/gradient_boosting.h"
#include "cairn/tree/objective/expression_internal.h"
#include "cairn/tree/objective/objective_internal.h"
#include "tests/support/numeric_dataset.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using Rows = std::vector<std::vector<double>>;
using P = GradientBoostingParams;
const double kNaN = std::nan("");

std::unique_ptr<TreeModel> fit(const P& params, const Dataset& data, const FitContext& context = {}) {
  auto model = GradientBoosting(by_hand(params)).fit(data, context);
  REQUIRE(dynamic_cast<TreeModel*>(model.get()) != nullptr);
  return std::unique_ptr<TreeModel>(dynamic_cast<TreeModel*>(model.release()));
}

struct Sample {
  Rows x;
  std::vector<double> y;
};

Sample sample(std::uint64_t seed, int n, int d, bool gaps) {
  Random random(seed, "rows");
  Sample s;
  for (int i = 0; i < n; ++i) {
    s.x.emplace_back();
    for (int f = 0; f < d; ++f) s.x.back().push_back(gaps && random.below(7) == 0 ? kNaN : random.normal());
    const auto value = [&](std::size_t f) { return std::isnan(s.x.back()[f]) ? 1.0 : s.x.back()[f]; };
    s.y.push_back(value(0) + value(1) * value(2) + 0.3 * random.normal());
  }
  return s;
}

std::vector<int> above_zero(const std::vector<double>& y) {
  std::vector<int> labels;
  for (const double v : y) labels.push_back(v > 0);
  return labels;
}

std::vector<double> raw_of(const TreeModel& model, const Dataset& data) {
  std::vector<double> raw(static_cast<std::size_t>(data.num_rows() * model.trees().num_outputs()));
  model.trees().predict_raw(model.features().matrix(data.features()), raw);
  return raw;
}

double mean_of(const std::vector<double>& y) {
  double sum = 0;
  for (const double v : y) sum += v;
  return sum / static_cast<double>(y.size());
}

// Some target for rows that are only asked about.
std::vector<double> numbered(std::size_t n) {
  std::vector<double> y;
  for (std::size_t i = 0; i < n; ++i) y.push_back(static_cast<double>(i));
  return y;
}

}  // namespace

TEST_CASE("boosting: the first split is the best of all there are") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    const Sample s = sample(seed, 60, 3, seed % 2 == 1);
    const auto model = fit({.trees = 1, .learning_rate = 1, .max_depth = 1}, regression_data(s.x, s.y));
    const double mean = mean_of(s.y), l2 = 1;
    double best = 0, all = 0;
    for (const double v : s.y) all += mean - v;
    for (std::size_t f = 0; f < 3; ++f)
      for (const auto& at : s.x)
        for (const bool missing_left : {false, true}) {
          double g[2] = {}, h[2] = {};
          for (std::size_t i = 0; i < s.x.size(); ++i) {
            const bool left =
                std::isnan(s.x[i][f]) ? missing_left : s.x[i][f] <= (std::isnan(at[f]) ? INFINITY : at[f]);
            g[left] += mean - s.y[i];
            h[left] += 1;
          }
          if (h[0] == 0 || h[1] == 0) continue;
          best = std::max(
              best, (g[0] * g[0] / (h[0] + l2) + g[1] * g[1] / (h[1] + l2) - all * all / (60 + l2)) / 2);
        }
    REQUIRE(model->trees().num_nodes() == 3);
    CHECK(model->trees().gains()[0] == doctest::Approx(best).epsilon(1e-4));
  }
}

TEST_CASE("boosting: categories are grouped as no other grouping does better") {
  Random random(8, "levels");
  for (int trial = 0; trial < 10; ++trial) {
    std::vector<std::int32_t> codes;
    std::vector<double> y;
    for (int i = 0; i < 80; ++i) {
      codes.push_back(static_cast<std::int32_t>(random.below(7)) - 1);
      y.push_back(random.normal() + 2 * (codes.back() % 3));
    }
    const Dataset data(Table({Column::category("c", Tensor::from(codes), {"a", "b", "c", "d", "e", "f"}),
                              Column::number("y", Tensor::from(y))}),
                       {.roles = {.target = "y"}, .task = Task::regression});
    const auto model = fit(
        {.trees = 1, .learning_rate = 1, .max_depth = 1, .l2 = 0, .category_l2 = 0, .category_smoothing = 0},
        data);
    double best = 0;
    for (int set = 1; set < 127; ++set) {
      double g[2] = {}, h[2] = {};
      for (std::size_t i = 0; i < y.size(); ++i) {
        const int left = set >> (codes[i] < 0 ? 6 : codes[i]) & 1;
        g[left] += mean_of(y) - y[i];
        h[left] += 1;
      }
      if (h[0] > 0 && h[1] > 0) best = std::max(best, (g[0] * g[0] / h[0] + g[1] * g[1] / h[1]) / 2);
    }
    CHECK(model->trees().gains()[0] == doctest::Approx(best).epsilon(1e-4));
  }
}

TEST_CASE("boosting: every node's sums are those of its rows, level by level and leaf by leaf") {
  const Sample s = sample(3, 40000, 5, true);  // enough for several threads, pieces and subtrees
  const Dataset data = regression_data(s.x, s.y);
  for (const char* growth : {"depth_wise", "leaf_wise"}) {
    CAPTURE(growth);
    const auto model = fit(
        {.trees = 1, .learning_rate = 1, .growth = growth, .max_depth = 7, .max_leaves = 60, .l2 = 2}, data);
    const TreeEnsemble& trees = model->trees();
    CHECK((trees.num_nodes() + 1) / 2 == 60);
    std::vector<double> count(static_cast<std::size_t>(trees.num_nodes())), g(count.size());
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      const auto leaf = static_cast<std::size_t>(trees.leaf_of(0, s.x[i]));
      count[leaf] += 1;
      g[leaf] += trees.options().base[0] - s.y[i];
    }
    for (std::size_t i = count.size(); i-- > 0;) {
      if (trees.is_leaf(static_cast<std::int64_t>(i))) {
        // Gradients are rounded to 16 bits here, at random: the sums keep their mean.
        CHECK(trees.leaf_values(static_cast<std::int64_t>(i))[0] ==
              doctest::Approx(-g[i] / (count[i] + 2)).epsilon(1e-3));
      } else {
        count[i] = count[static_cast<std::size_t>(trees.left()[i])] +
                   count[static_cast<std::size_t>(trees.right()[i])];
      }
      CHECK(trees.covers()[i] == doctest::Approx(count[i]).epsilon(1e-5));
    }
  }
}

TEST_CASE("boosting: what training adds to the rows is what the model predicts for them") {
  const Sample s = sample(4, 20000, 4, true);
  const Dataset data = classification_data(s.x, above_zero(s.y));
  const auto model = fit({.trees = 20, .max_depth = 5}, data);
  const auto raw = raw_of(*model, data);
  double loss = 0;
  const auto labels = above_zero(s.y);
  for (std::size_t i = 0; i < raw.size(); ++i) loss += std::log1p(std::exp(labels[i] ? -raw[i] : raw[i]));
  CHECK(model->loss_history().size() == 20);
  CHECK(model->loss_history().back() == doctest::Approx(loss / 20000).epsilon(1e-9));
  CHECK(std::ranges::is_sorted(model->loss_history(), std::greater<>()));
}

TEST_CASE("boosting: derivatives of every objective against central differences") {
  using namespace cairn::tree;
  constexpr double kStep = 1e-5;
  for (const Objective& o : objectives()) {
    if (o.all_gradients) continue;  // rows that depend on each other have tests of their own
    INFO(o.name);
    Random random(1, "rows");
    constexpr std::int64_t kRows = 12;
    Truth t;
    t.rows = kRows;
    t.num_outputs = o.multiclass ? 3 : 1;
    t.params.quantile = 0.3;
    t.params.levels = {0.2, 0.5, 0.9};
    t.params.expression = std::make_shared<Expression>("log_cosh(score - y) * (1 + y)");
    if (o.predicts == Predicts::quantiles) t.num_outputs = 3;
    std::vector<double> y, w, raw;
    std::vector<std::int32_t> labels;
    for (int i = 0; i < kRows; ++i) {
      y.push_back(o.binary ? static_cast<double>(random.below(2)) : 0.2 + std::abs(random.normal()));
      w.push_back(0.5 + random.uniform());
      labels.push_back(static_cast<std::int32_t>(random.below(3)));
    }
    for (int i = 0; i < kRows * t.num_outputs; ++i) raw.push_back(random.normal());
    t.y = y;
    t.weights = w;
    t.labels = labels;
    if (o.prepare) o.prepare(t, raw);
    std::vector<double> g(raw.size()), h(raw.size()), up_g(raw.size()), down_g(raw.size()), any(raw.size());
    o.gradients(t, raw, 0, kRows, g, h);
    const bool second_is_true = !o.leaf_quantile && !o.prepare && !o.multiclass;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i) % kRows;
      std::vector<double> up = raw, down = raw;
      up[i] += kStep;
      down[i] -= kStep;
      const double slope =
          (o.loss(t, up, row) - o.loss(t, down, row)) / (2 * kStep) * w[static_cast<std::size_t>(row)] *
          (o.predicts == Predicts::quantiles ? 3 : 1);  // their loss is the mean over the levels
      CHECK(g[i] == doctest::Approx(slope).epsilon(1e-6));
      CHECK(h[i] > 0);
      if (!second_is_true) continue;
      o.gradients(t, up, 0, kRows, up_g, any);
      o.gradients(t, down, 0, kRows, down_g, any);
      CHECK(h[i] == doctest::Approx((up_g[i] - down_g[i]) / (2 * kStep)).epsilon(1e-6));
    }
    // The constant it starts from is the best one.
    std::vector<double> base(static_cast<std::size_t>(t.num_outputs));
    o.start(t, base);
    const auto total = [&](double shift) {
      std::vector<double> flat;
      for (const double b : base) flat.insert(flat.end(), kRows, b + (&b == base.data() ? shift : 0));
      double sum = 0;
      for (std::int64_t r = 0; r < kRows; ++r) sum += w[static_cast<std::size_t>(r)] * o.loss(t, flat, r);
      return sum;
    };
    if (o.prepare) continue;  // huber starts from the median
    CHECK(total(0) <= total(1e-3) + 1e-9);
    CHECK(total(0) <= total(-1e-3) + 1e-9);
  }
}

TEST_CASE("boosting: the same bytes for any number of threads") {
  const Sample s = sample(5, 40000, 6, true);
  std::vector<int> three;
  for (const double v : s.y) three.push_back(v > 1 ? 2 : v > 0 ? 1 : 0);
  const Dataset two = classification_data(s.x, above_zero(s.y)), many = classification_data(s.x, three);
  const Dataset values = regression_data(s.x, s.y);
  const int before = num_threads();
  const auto check = [&](const P& p, const Dataset& data) {
    std::string bytes;
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      const std::string now = to_bytes(*GradientBoosting(p).fit(data, {.seed = 9}));
      if (bytes.empty()) bytes = now;
      CHECK(now == bytes);
    }
  };
  check({.trees = 4, .max_depth = 8}, two);
  check({.trees = 4, .growth = "leaf_wise", .max_leaves = 31}, two);
  check({.trees = 3,
         .sampling = "minimum_variance",
         .row_share = 0.3,
         .column_share = 0.8,
         .column_share_node = 0.5},
        many);
  check({.trees = 3, .sampling = "goss", .row_share = 0.4, .column_share_level = 0.6}, values);
  check({.objective = "absolute", .trees = 3, .row_share = 0.7}, values);
  check({.objective = "huber", .trees = 3, .patience = 2}, values);
  check({.trees = 6, .row_share = 0.8, .dropout = 0.4}, values);
  set_num_threads(before);
}

TEST_CASE("boosting: monotone and interaction demands are kept") {
  Sample s = sample(6, 3000, 3, false);
  for (std::size_t i = 0; i < s.y.size(); ++i) s.y[i] += std::sin(4 * s.x[i][0]);
  const Dataset data = regression_data(s.x, s.y);
  const auto model = fit({.trees = 60, .monotone = {"x0+"}}, data);
  for (double other = -2; other <= 2; other += 0.5) {
    Rows line;
    for (double v = -3; v <= 3; v += 0.05) line.push_back({v, other, -other});
    const Table p = model->predict(regression_data(line, numbered(line.size())).features());
    for (std::int64_t r = 1; r < p.num_rows(); ++r)
      CHECK(p.column("prediction").number_at(r) >= p.column("prediction").number_at(r - 1) - 1e-12);
  }
  const auto apart = fit({.trees = 30, .interactions = {"x1,x2"}}, data);
  const TreeEnsemble& trees = apart->trees();
  bool together = false;
  for (std::int64_t i = 0; i < trees.num_nodes(); ++i) {
    if (trees.is_leaf(i)) continue;
    for (const std::int32_t child :
         {trees.left()[static_cast<std::size_t>(i)], trees.right()[static_cast<std::size_t>(i)]}) {
      if (trees.is_leaf(child)) continue;
      const int a = trees.features()[static_cast<std::size_t>(i)],
                b = trees.features()[static_cast<std::size_t>(child)];
      CHECK((a == 0) == (b == 0));
      together |= a != b;
    }
  }
  CHECK(together);
}

TEST_CASE("boosting: it stops by itself, and goes on from where it was") {
  const Sample s = sample(7, 2000, 4, false);
  const Dataset data = regression_data(s.x, s.y);
  const auto stopped = fit({.trees = 2000, .learning_rate = 0.3, .patience = 10}, data, {.seed = 2});
  CHECK(stopped->trees().num_trees() < 500);
  CHECK(stopped->trees().num_trees() > 10);
  CHECK(stopped->notes()[0].starts_with("200 of 2000 rows watched the loss"));
  // The rounds after the kept one are told too: what was watched rises there.
  const auto kept = static_cast<std::size_t>(stopped->kept_step());
  CHECK(stopped->kept_step() == stopped->trees().num_trees());
  CHECK(stopped->loss_history().size() == kept + 10);
  const auto watched = stopped->watched_history();
  REQUIRE(watched.size() == kept + 10);
  CHECK(std::ranges::min_element(watched) - watched.begin() == std::ssize(watched) - 11);
  const auto further = fit({.trees = 3, .patience = 5}, data, {.seed = 2, .start_model = stopped.get()});
  CHECK(further->loss_history().size() == kept + 3);
  CHECK(further->watched_history().size() == kept + 3);
  CHECK(further->watched_history()[0] == watched[0]);
  CHECK(further->kept_step() > stopped->kept_step());
}

TEST_CASE("boosting: quantile leaves hold quantiles") {
  const Sample s = sample(9, 4000, 3, false);
  const Dataset data = regression_data(s.x, s.y);
  for (const double level : {0.1, 0.5, 0.9}) {
    const auto model = fit({.objective = "quantile", .trees = 80, .max_depth = 3, .quantile = level}, data);
    const auto raw = raw_of(*model, data);
    double below = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) below += s.y[i] <= raw[i] ? 1 : 0;
    CHECK(below / 4000 == doctest::Approx(level).epsilon(0.03));
  }
}

TEST_CASE("boosting: expectiles of targets 0 and 1 are their level; at one half they are means") {
  const Rows x{{1}, {1}, {1}, {1}};
  const std::vector<double> y{0, 1, 0, 1};
  for (const double level : {0.1, 0.5, 0.8}) {
    const auto model = fit({.objective = "expectile", .trees = 1, .quantile = level}, regression_data(x, y));
    CHECK(model->trees().options().base[0] == doctest::Approx(level).epsilon(1e-12));
  }
  for (const double level : {0.0, 1.0})
    for (const char* objective : {"expectile", "quantile"})
      CHECK_THROWS_WITH_AS(
          fit({.objective = objective, .trees = 1, .quantile = level}, regression_data(x, y)),
          doctest::Contains(fmt::format("gradient_boosting.quantile: objective={} has no level {}, at which "
                                        "rows on one side count nothing. Such as --set quantile=0.9.",
                                        objective, level)
                                .c_str()),
          UsageError);
  const Sample s = sample(4, 300, 3, false);
  const Dataset data = regression_data(s.x, s.y);
  const auto half = fit({.objective = "expectile", .trees = 20, .min_child_weight = 0, .l2 = 0}, data);
  const auto mean = fit({.objective = "squared", .trees = 20, .min_child_weight = 0, .l2 = 0}, data);
  const Table a = half->predict(data.features()), b = mean->predict(data.features());
  for (std::int64_t r = 0; r < a.num_rows(); ++r)
    CHECK(a.column("prediction").number_at(r) ==
          doctest::Approx(b.column("prediction").number_at(r)).epsilon(1e-9));
}

TEST_CASE("bins: quantiles of weighted values, a bin a value when there are few") {
  using namespace cairn::tree;
  std::vector<double> values, ones;
  for (int i = 0; i < 1000; ++i) values.push_back(i), ones.push_back(1);
  const auto cuts = quantile_cuts(values, ones, 10);
  REQUIRE(cuts.size() == 9);
  for (std::size_t i = 0; i < 9; ++i)
    CHECK(cuts[i] == doctest::Approx(100 * (static_cast<double>(i) + 1) - 0.5));
  CHECK(quantile_cuts(std::vector<double>{1, 2, 4}, std::vector<double>{9, 1, 1}, 255) ==
        std::vector<double>{1.5, 3});
  CHECK(quantile_cuts({}, {}, 255).empty());
  std::vector<double> heavy = ones;
  heavy[500] = 10000;  // one value that outweighs all others has a bin of its own
  const auto around = quantile_cuts(values, heavy, 10);
  CHECK(std::ranges::count_if(around, [](double c) { return c > 500 && c < 501; }) == 1);
  CHECK(between_values(1, std::nextafter(1, 2)) == 1);
  CHECK(between_values(-INFINITY, 3) == -INFINITY);
  CHECK(between_values(-1e308, 1.7e308) == doctest::Approx(3.5e307));
}

TEST_CASE("boosting: bad data") {
  const Rows x{{1}, {2}, {3}, {4}};
  CHECK_THROWS_WITH_AS(fit({.objective = "poisson"}, regression_data(x, std::vector<double>{1, 2, -3, 4.5})),
                       doctest::Contains("a target is -3; objective=poisson takes targets counts, 0 or more"),
                       DataError);
  CHECK_THROWS_WITH_AS(fit({.objective = "gamma"}, regression_data(x, std::vector<double>{1, 2, 0, 4.5})),
                       doctest::Contains("a target is 0; objective=gamma takes targets above 0"), DataError);
  CHECK_THROWS_WITH_AS(fit({.objective = "logistic"}, regression_data(x, std::vector<double>{1, 2, 0, 4.5})),
                       doctest::Contains("logistic does not serve a regression task"), UsageError);
  CHECK_THROWS_WITH_AS(fit({}, regression_data(x, std::vector<double>{1, 2, 0, 1e200})),
                       doctest::Contains("its square is beyond the range of numbers"), DataError);
  // Infinite values, a column without any, a constant one.
  const Rows odd{
      {INFINITY, kNaN, 5}, {-INFINITY, kNaN, 5}, {2, kNaN, 5}, {INFINITY, kNaN, 5}, {kNaN, kNaN, 5}};
  const Dataset data = regression_data(odd, std::vector<double>{3.5, 1, 2, 3.5, 9});
  const auto model = fit({.trees = 200, .learning_rate = 0.5, .min_child_weight = 0.5, .l2 = 0}, data);
  const auto raw = raw_of(*model, data);
  for (const auto& [row, y] : {std::pair{0, 3.5}, {1, 1.0}, {2, 2.0}, {4, 9.0}})
    CHECK(raw[static_cast<std::size_t>(row)] == doctest::Approx(y).epsilon(1e-4));
  // One row.
  CHECK(raw_of(*fit({.trees = 3},
                    regression_data({{1}}, std::vector<double>{7.5}).select(std::vector<std::int64_t>{0})),
               regression_data({{1}}, std::vector<double>{7.5}))[0] == 7.5);
}

TEST_CASE("boosting: rounds left out are put back smaller, and the model is what training saw") {
  const Sample s = sample(12, 3000, 4, true);
  const Dataset data = regression_data(s.x, s.y);
  for (const double share : {0.0, 0.1, 0.5}) {
    const P p{.trees = 40, .max_depth = 3, .dropout = share, .dropout_skip = share / 2};
    const auto model = fit(p, data, {.seed = 3});
    const auto raw = raw_of(*model, data);
    double loss = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) loss += (raw[i] - s.y[i]) * (raw[i] - s.y[i]) / 2;
    CHECK(model->loss_history().back() == doctest::Approx(loss / 3000).epsilon(1e-9));
    CHECK(model->loss_history().back() < model->loss_history().front());
  }
  // By hand: one row a side. The first round goes half of 1.5; the second leaves it out, finds 1.5 again and
  // goes 0.5 / (1 + 0.5) of it, and the first is left with 1 / (1 + 0.5) of what it was.
  const Dataset two = regression_data({{0}, {1}}, std::vector<double>{-1.5, 1.5});
  const auto by_hand = fit({.trees = 2, .learning_rate = 0.5, .l2 = 0, .dropout = 1}, two);
  CHECK(by_hand->trees().leaf_values(1)[0] == doctest::Approx(-1.5 * 0.5 / 1.5));
  CHECK(by_hand->trees().leaf_values(4)[0] == doctest::Approx(-1.5 * 0.5 / 1.5));
  // All of it off is the model without.
  CHECK(to_bytes(*fit({.trees = 5, .dropout = 0.3, .dropout_skip = 1}, data)) ==
        to_bytes(*fit({.trees = 5}, data)));
  const auto out = tree::rounds_left_out({.share = 0.9, .most = 3}, 100, 7, 1);
  CHECK(out.size() == 3);
  CHECK(std::ranges::is_sorted(out));
  CHECK(tree::rounds_left_out({.share = 1e-9}, 5, 7, 1).size() == 1);
  CHECK_THROWS_WITH_AS(
      fit({.dropout = 0.1, .patience = 5}, data),
      doctest::Contains("patience=5 would keep the best round, and dropout=0.1 goes on changing"),
      UsageError);
}

TEST_CASE("boosting: a demand that leaves cannot keep is refused") {
  const Sample s = sample(13, 100, 3, false);
  for (const char* objective : {"absolute", "quantile"})
    CHECK_THROWS_WITH_AS(
        fit({.objective = objective, .monotone = {"x0+"}}, regression_data(s.x, s.y)),
        doctest::Contains(
            "answers quantiles of a leaf's residuals, which need not rise or fall. objective=huber and "
            "expectile keep it."),
        UsageError);
}

TEST_CASE("boosting: a category of very many levels") {
  constexpr std::int32_t kLevels = 300'000, kRows = 5000;
  std::vector<std::string> levels;
  for (std::int32_t i = 0; i < kLevels; ++i) levels.push_back("l" + std::to_string(i));
  std::vector<std::int32_t> codes;
  std::vector<double> y;
  for (std::int32_t i = 0; i < kRows; ++i) {
    codes.push_back(i % 2 == 0 ? kLevels - 1 : i);
    y.push_back(i % 2 == 0 ? 1.5 : 0);
  }
  const Dataset data(
      Table({Column::category("c", Tensor::from(codes), levels), Column::number("y", Tensor::from(y))}),
      {.roles = {.target = "y"}, .task = Task::regression});
  const auto model = fit({.trees = 50, .learning_rate = 0.5, .max_depth = 2}, data);
  const auto raw = raw_of(*model, data);
  CHECK(raw[0] == doctest::Approx(1.5).epsilon(1e-2));
  CHECK(std::abs(raw[1]) < 1e-2);
}

TEST_CASE("boosting: watched rows of weight 0 count for nothing") {
  const Sample s = sample(21, 300, 3, true), w = sample(22, 200, 3, true);
  const Dataset data = regression_data(s.x, s.y);
  Rows halved;
  std::vector<double> targets, weights;
  for (std::size_t r = 0; r < w.y.size(); ++r) {
    weights.push_back(r % 2 ? 1.0 : 0.0);
    if (r % 2 == 0) continue;
    halved.push_back(w.x[r]);
    targets.push_back(w.y[r]);
  }
  const Dataset all = regression_data(w.x, w.y).with_weights(weights),
                some = regression_data(halved, targets);
  const auto watch = [&](const Dataset& rows) {
    FitContext context;
    context.validation = &rows;
    return fit({.trees = 30, .patience = 30}, data, context)->watched_history();
  };
  REQUIRE(watch(some).size() == 30);
  CHECK(watch(all) == watch(some));
}
