// LambdaMART: against a list-by-list recount, against peers, bad queries.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/model/archive.h"
#include "cairn/model/evaluate.h"
#include "cairn/tree/objective/objectives_internal.h"
#include "tests/tree/made_rows.h"

using namespace cairn;
using namespace cairn::test;

namespace {

using P = GradientBoostingParams;

// 12 rows a query, relevance 0 to 4, or 0 and 1.
Dataset ranking_rows(std::uint64_t seed, int queries, bool binary = false) {
  MadeNumbers made(seed);
  std::vector<std::vector<double>> x(5);
  std::vector<double> y, query;
  for (int q = 0; q < queries; ++q) {
    const double about = made.normal();
    for (int i = 0; i < 12; ++i) {
      double row[5];
      for (double& v : row) v = made.normal();
      const double score =
          row[0] + 0.7 * row[1] * row[2] + std::sin(2 * row[3]) + about + 0.8 * made.normal();
      const double relevance = std::clamp(std::floor(score + 1), 0.0, 4.0);
      for (std::size_t f = 0; f < 5; ++f) x[f].push_back(row[f]);
      y.push_back(binary ? static_cast<double>(relevance > 2) : relevance);
      query.push_back(q);
    }
  }
  std::vector<Column> columns;
  for (std::size_t f = 0; f < 5; ++f)
    columns.push_back(Column::number("x" + std::to_string(f), Tensor::from(x[f])));
  columns.push_back(Column::number("query", Tensor::from(query)));
  columns.push_back(Column::number("y", Tensor::from(y)));
  return {Table(std::move(columns)), {.roles = {.target = "y", .group = "query"}, .task = Task::regression}};
}

Json golden() {
  std::ifstream file(CAIRN_SOURCE_DIR "/tests/golden/boosting_objectives.json");
  return Json::parse(file)["ranking"];
}

// 1 - NDCG or 1 - average precision of the first `cutoff` of one list that stands in this order.
double list_loss(const std::vector<double>& relevance, bool map, std::size_t cutoff) {
  std::vector<double> best = relevance;
  std::ranges::sort(best, std::greater<>());
  double sum = 0, ideal = 0, seen = 0;
  for (std::size_t i = 0; i < std::min(cutoff, relevance.size()); ++i) {
    if (map) {
      seen += relevance[i] > 0;
      sum += relevance[i] > 0 ? seen / static_cast<double>(i + 1) : 0;
      ideal += best[i] > 0;
    } else {
      sum += (std::exp2(relevance[i]) - 1) / std::log2(static_cast<double>(i) + 2);
      ideal += (std::exp2(best[i]) - 1) / std::log2(static_cast<double>(i) + 2);
    }
  }
  return 1 - sum / ideal;
}

struct Lists {
  std::vector<double> y, raw, weights;
  tree::Truth truth;
};

void make_lists(Lists& l, bool map, std::int64_t rank_at) {
  MadeNumbers made(11);
  auto queries = std::make_shared<tree::Queries>();
  queries->starts = {0};
  for (const int n : {2, 5, 9}) {
    for (int i = 0; i < n; ++i) {
      queries->rows.push_back(static_cast<std::uint32_t>(l.y.size()));
      l.y.push_back(std::floor(made.uniform() * (map ? 2 : 4)));
      l.raw.push_back(made.normal());
      l.weights.push_back(n == 5 ? 2 : 1);
    }
    l.y.back() = 1, l.y[l.y.size() - 2] = 0;
    queries->starts.push_back(std::ssize(queries->rows));
    queries->names.push_back("q");
  }
  l.truth.y = l.y;
  l.truth.weights = l.weights;
  l.truth.rows = std::ssize(l.y);
  l.truth.queries = queries;
  l.truth.params.rank_by_map = map;
  l.truth.params.rank_at = rank_at;
}

}  // namespace

// The derivatives are those of sum |change| log(1 + exp(-(better - worse))) with the changes held where they
// are; here each change is found by swapping the two rows and counting the list again.
TEST_CASE("lambdarank: derivatives against central differences, changes against swaps") {
  for (const bool map : {false, true})
    for (const std::int64_t rank_at : {30, 3}) {
      CAPTURE(map);
      CAPTURE(rank_at);
      Lists l;
      make_lists(l, map, rank_at);
      std::vector<double> g(l.y.size()), h(l.y.size());
      tree::rank_gradients(l.truth, l.raw, g, h);
      double total = 0, weight = 0;
      for (std::int64_t q = 0; q < 3; ++q) {
        const auto rows = l.truth.queries->of(q);
        std::vector<std::uint32_t> order(rows.begin(), rows.end());
        std::ranges::sort(order, std::greater<>(), [&](std::uint32_t r) { return l.raw[r]; });
        std::vector<double> list;
        for (const std::uint32_t r : order) list.push_back(l.y[r]);
        const double now = list_loss(list, map, static_cast<std::size_t>(rank_at));
        const double w = l.weights[rows.front()];
        total += w * now, weight += w;
        struct PairOf {
          std::uint32_t better, worse;
          double change;
        };
        // A swap changes gains by the whole list's discounts, over the best that the first rows can be.
        const double whole = list_loss(list, map, 99);
        std::vector<double> best = list;
        std::ranges::sort(best, std::greater<>());
        double ideal_all = 0, ideal_top = 0;
        for (std::size_t i = 0; i < best.size(); ++i) {
          const double v = (std::exp2(best[i]) - 1) / std::log2(static_cast<double>(i) + 2);
          ideal_all += v, ideal_top += i < static_cast<std::size_t>(rank_at) ? v : 0;
        }
        std::vector<PairOf> pairs;
        double pushes = 0;
        for (std::size_t a = 0; a < std::min<std::size_t>(order.size(), static_cast<std::size_t>(rank_at));
             ++a)
          for (std::size_t b = a + 1; b < order.size(); ++b) {
            if (list[a] == list[b]) continue;
            std::vector<double> swapped = list;
            std::swap(swapped[a], swapped[b]);
            const double change =
                std::abs(list_loss(swapped, map, 99) - whole) * (map ? 1 : ideal_all / ideal_top);
            const bool right = list[a] > list[b];
            const std::uint32_t better = order[right ? a : b], worse = order[right ? b : a];
            // Pairs that stand apart already count less.
            pairs.push_back({better, worse, change / (0.01 + std::abs(l.raw[better] - l.raw[worse]))});
            pushes += 2 * pairs.back().change / (1 + std::exp(l.raw[better] - l.raw[worse]));
          }
        const double scale = w * std::log2(1 + pushes) / pushes;
        const auto loss = [&](const std::vector<double>& raw) {
          double sum = 0;
          for (const PairOf& p : pairs) sum += p.change * std::log1p(std::exp(raw[p.worse] - raw[p.better]));
          return sum * scale;
        };
        for (const std::uint32_t r : rows) {
          constexpr double kStep = 1e-4;
          std::vector<double> up = l.raw, down = l.raw;
          up[r] += kStep, down[r] -= kStep;
          CHECK(g[r] == doctest::Approx((loss(up) - loss(down)) / (2 * kStep)).epsilon(1e-6));
          CHECK(h[r] == doctest::Approx((loss(up) - 2 * loss(l.raw) + loss(down)) / (kStep * kStep))
                            .epsilon(1e-4)
                            .scale(1e-2));
        }
      }
      CHECK(tree::rank_loss(l.truth, l.raw) == doctest::Approx(total / weight).epsilon(1e-12));
    }
}

TEST_CASE("lambdarank: NDCG and average precision on queries not seen are not below the peers'") {
  const Json recorded = golden();
  const Dataset first = ranking_rows(1, 5);
  CHECK(first.features().column("x0").number_at(0) == recorded["first"][0].get<double>());
  CHECK(first.target_values()[0] == recorded["first"][5].get<double>());
  const auto seeds = recorded["seeds"].get<std::vector<std::uint64_t>>();
  const auto n = static_cast<double>(seeds.size());
  for (const std::string metric : {"ndcg", "map"}) {
    const bool binary = metric == "map";
    const std::string judged_by = binary ? "map" : "ndcg@10";
    const P p{.objective = "lambdarank", .max_depth = 4, .rank_metric = metric};
    double mean = 0, half = 0, xgboost = 0, lightgbm = 0;
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      const Evaluation e = evaluate(*fit_boosting(p, ranking_rows(seeds[i], 300, binary)),
                                    ranking_rows(seeds[i] + 1, 300, binary));
      CHECK(e.find("rmse") == nullptr);
      const Estimate one = *e.find(judged_by)->estimate;
      mean += one.value / n;
      half += (one.high - one.low) / 2 / n / std::sqrt(n);
      xgboost += recorded["peers"]["xgboost " + metric][i].get<double>() / n;
      lightgbm += recorded["peers"]["lightgbm " + metric][i].get<double>() / n;
    }
    MESSAGE(judged_by, " ", mean, " +- ", half, ", xgboost ", xgboost, ", lightgbm ", lightgbm);
    CHECK(half < 0.02);  // what is noise in the mean over the samples; a peer may be above by far less
    CHECK(mean > xgboost - 0.003);
    CHECK(mean > lightgbm - 0.003);
  }
}

TEST_CASE("ndcg with ties is scikit-learn's") {
  const Json recorded = golden()["metrics"];
  Judged j;
  j.truth = recorded["relevance"].get<std::vector<double>>();
  j.predicted = recorded["score"].get<std::vector<double>>();
  j.predicts = Predicts::rank_score;
  for (std::size_t i = 0; i < j.truth.size(); ++i) j.groups.push_back(static_cast<std::int64_t>(i / 12));
  const Evaluation e = evaluate(j, 0);
  CHECK(e.value("ndcg") == doctest::Approx(recorded["ndcg"].get<double>()).epsilon(1e-12));
  CHECK(e.value("ndcg@5") == doctest::Approx(recorded["ndcg@5"].get<double>()).epsilon(1e-12));
}

TEST_CASE("lambdarank: the same bytes for any number of threads, and it stops by itself on whole queries") {
  const Dataset rows = ranking_rows(3, 400);
  const int before = num_threads();
  std::string bytes;
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    const std::string now =
        to_bytes(*fit_boosting({.objective = "lambdarank", .trees = 4, .row_share = 0.7}, rows));
    if (bytes.empty()) bytes = now;
    CHECK(now == bytes);
  }
  set_num_threads(before);
  const auto strict = fit_boosting({.objective = "lambdarank", .trees = 2, .min_child_weight = 1e6}, rows);
  CHECK(strict->notes()[0] ==
        "no round found a split: every row is answered alike; min_child_weight=1000000 and min_gain=0 forbid "
        "small ones");
  const auto stopped = fit_boosting({.objective = "lambdarank", .trees = 500, .patience = 5}, rows);
  CHECK(stopped->trees().num_trees() < 400);
  CHECK(stopped->notes()[0].find("whole groups") != std::string::npos);
}

TEST_CASE("lambdarank: bad queries and relevances") {
  const auto refused = [](std::vector<double> y, std::vector<std::optional<std::string>> query,
                          const char* text) {
    std::vector<double> x;
    for (std::size_t i = 0; i < y.size(); ++i) x.push_back(static_cast<double>(i));
    const bool grouped = !query.empty();
    Table table({Column::number("x", Tensor::from(x)), Column::number("y", Tensor::from(y))});
    if (grouped) table = table.with(Column::category_of("q", query));
    const Dataset data(table,
                       {.roles = {.target = "y", .group = grouped ? "q" : ""}, .task = Task::regression});
    CHECK_THROWS_WITH_AS(fit_boosting({.objective = "lambdarank"}, data), doctest::Contains(text), Error);
  };
  CHECK_THROWS_WITH_AS(
      tree::objective_for("lambdarank", Task::multiclass),
      "objective: lambdarank does not serve a multiclass task. --task regression takes the target "
      "as a quantity.",
      UsageError);
  P p;
  CHECK_THROWS_WITH_AS(set_param({"gradient_boosting", &p, &P::list()}, "objective", "rank:ndcg"),
                       doctest::Contains("Did you mean 'lambdarank'?"), ParamError);
  refused({1, 0}, {},
          "objective=lambdarank orders the rows of each query, and no column names them. Name it with "
          "--group COL.");
  refused({1, -1}, {"a", "a"},
          "a target is -1; objective=lambdarank takes targets whole numbers from 0 to 31");
  refused({1, 0.5}, {"a", "a"},
          "a target is 0.5; objective=lambdarank takes targets whole numbers from 0 to 31");
  refused({1, 32}, {"a", "a"}, "a target is 32; objective=lambdarank");
  refused({1, 0, 2}, {"a", "a", "alone"}, "the query 'alone' has one row; a ranking learns from pairs");
  refused({1, 0, 2, 1}, {"a", "a", {}, {}},
          "2 rows belong to no query. Leave them out, or name another column");
  refused({1, 1, 2, 2}, {"a", "a", "b", "b"}, "in none of 2 queries do the rows differ in relevance");
}
