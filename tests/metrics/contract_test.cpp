// The contract of every entry of the table.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/metrics/curves.h"
#include "cairn/metrics/metric.h"
#include "tests/metrics/sample.h"

using namespace cairn;
using namespace cairn::metric_tests;

namespace {

template <class F>
void for_each_metric(F&& f) {
  for (const Task task : kTasks)
    for (const Metric& m : metrics())
      if (m.applies(task)) {
        CAPTURE(std::string(m.name));
        CAPTURE(std::string(name_of(task)));
        f(m, task);
      }
}

Sample perfect(const Metric& m, Task task, std::int64_t n) {
  Sample s = sample_for(m, task, n, 1, 3);
  s.predicted = s.truth;
  s.decisions = s.labels;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(s.labels.size()); ++i)
    for (std::int64_t c = 0; c < s.num_classes; ++c)
      s.probabilities[static_cast<std::size_t>(i * s.num_classes + c)] =
          s.labels[static_cast<std::size_t>(i)] == c;
  return s;
}

double value_of(const char* name, const Sample& s) {
  const auto v = metric(name).compute(s.rows());
  return v ? *v : std::nan("");
}

}  // namespace

TEST_CASE("the table names each metric of the contract once") {
  std::set<std::string> names;
  for (const Metric& m : metrics()) {
    CHECK(names.insert(m.name).second);
    CHECK(std::strlen(m.doc) > 10);
    CHECK(std::strlen(m.interval) > 3);
    CHECK((m.regression || m.binary || m.multiclass));
  }
  CHECK(names == std::set<std::string>{"accuracy",
                                       "balanced_accuracy",
                                       "precision",
                                       "recall",
                                       "f1",
                                       "f1_macro",
                                       "f1_weighted",
                                       "roc_auc",
                                       "average_precision",
                                       "log_loss",
                                       "brier",
                                       "mcc",
                                       "cohen_kappa",
                                       "ece",
                                       "rmse",
                                       "mse",
                                       "mae",
                                       "median_ae",
                                       "r2",
                                       "mape",
                                       "max_error",
                                       "pinball",
                                       "ndcg",
                                       "ndcg@1",
                                       "ndcg@3",
                                       "ndcg@5",
                                       "ndcg@10",
                                       "map",
                                       "map@5",
                                       "map@10",
                                       "concordance"});
  CHECK(default_metric(Task::regression).name == std::string("rmse"));
  CHECK(default_metric(Task::regression, Predicts::quantiles).name == std::string("pinball"));
  CHECK(default_metric(Task::regression, Predicts::rank_score).name == std::string("ndcg@10"));
  CHECK(default_metric(Task::regression, Predicts::duration).name == std::string("concordance"));
  for (const Metric* m : metrics_for(Task::regression, false, Predicts::risk))
    CHECK(m->name == std::string("concordance"));
  for (const Metric* m : metrics_for(Task::regression, false)) CHECK(m->judges == Judges::values);
  CHECK(default_metric(Task::binary).name == std::string("roc_auc"));
  CHECK(default_metric(Task::multiclass).name == std::string("log_loss"));
  for (const Metric* m : metrics_for(Task::multiclass, false)) CHECK_FALSE(m->needs_probabilities);
}

TEST_CASE("a misspelt metric is answered with the nearest") {
  try {
    metric("roc_uac");
    FAIL("no error");
  } catch (const UsageError& e) {
    CHECK(std::string(e.what()) == "metric: there is no metric 'roc_uac'. Did you mean 'roc_auc'?");
  }
}

TEST_CASE("a perfect prediction has the best value, and no other is better") {
  for_each_metric([](const Metric& m, Task task) {
    const auto best = m.compute(perfect(m, task, 200).rows());
    REQUIRE(best.has_value());
    CHECK(*best == doctest::Approx(m.best).epsilon(1e-12));
    const auto other = m.compute(sample_for(m, task, 200, 1, 4).rows());
    REQUIRE(other.has_value());
    CHECK((m.higher_is_better ? *other < *best : *other > *best));
    CHECK(as_error(m, m.best) == 0);
    CHECK(as_error(m, *other) > 0);
  });
}

TEST_CASE("the order of rows does not matter") {
  for_each_metric([](const Metric& m, Task task) {
    Sample s = sample_for(m, task, 500, 1, 5);
    for (std::int64_t i = 0; i < 500; ++i) s.weights.push_back(0.5 + static_cast<double>(i % 7));
    const auto order = Random(1, "order").permutation(500);
    CHECK(*m.compute(s.select(order).rows()) == doctest::Approx(*m.compute(s.rows())).epsilon(1e-12));
  });
}

TEST_CASE("a row of weight 2 counts as two rows, of weight 0 as none") {
  for_each_metric([](const Metric& m, Task task) {
    if (m.judges == Judges::order) return;  // a list is not the same with a row twice; weights are of queries
    Sample s = sample_for(m, task, 301, 1, 6);
    std::vector<std::int64_t> repeated;
    for (std::int64_t i = 0; i < 301; ++i) {
      s.weights.push_back(static_cast<double>(i % 3));
      for (std::int64_t k = 0; k < i % 3; ++k) repeated.push_back(i);
    }
    Sample twice = s.select(repeated);
    twice.weights.clear();
    CHECK(*m.compute(s.rows()) == doctest::Approx(*m.compute(twice.rows())).epsilon(1e-12));
  });
}

TEST_CASE("a row of weight 0 may hold anything") {
  for_each_metric([](const Metric& m, Task task) {
    Sample s = sample_for(m, task, 100, 1, 6);
    s.weights.assign(100, 1.0);
    s.weights[7] = 0;
    const auto before = m.compute(s.rows());
    if (task == Task::regression) s.predicted[7] = std::nan("");
    for (std::int64_t c = 0; c < s.num_classes; ++c)
      s.probabilities[static_cast<std::size_t>(7 * s.num_classes + c)] = 0.25;
    CHECK(m.compute(s.rows()) == before);
  });
}

TEST_CASE("nothing is undefined by NaN: no rows, no weight, predictions that are no numbers") {
  for_each_metric([](const Metric& m, Task task) {
    Sample none = sample_for(m, task, 0, 1, 1);
    CHECK_FALSE(m.compute(none.rows()).has_value());
    CHECK_FALSE(estimate(m, none.rows(), 0).has_value());
    Sample weightless = sample_for(m, task, 10, 1, 1);
    weightless.weights.assign(10, 0.0);
    CHECK_FALSE(m.compute(weightless.rows()).has_value());
    Sample broken = sample_for(m, task, 30, 1, 1);
    if (task == Task::regression)
      broken.predicted[3] = std::nan("");
    else
      std::fill(broken.probabilities.begin(), broken.probabilities.end(), std::nan(""));
    if (task == Task::regression || m.needs_probabilities) {
      if (m.name != std::string("median_ae")) CHECK_FALSE(m.compute(broken.rows()).has_value());
    }
    Sample silent = sample_for(m, task, 30, 1, 1);
    silent.probabilities.clear();
    if (m.needs_probabilities) CHECK_FALSE(m.compute(silent.rows()).has_value());
    for (std::int64_t n = 1; n <= 3; ++n) {  // tiny samples: a finite value or none
      const auto v = m.compute(sample_for(m, task, n, 1, 2).rows());
      if (v) CHECK(std::isfinite(*v));
    }
  });
}

TEST_CASE("undefined cases by name") {
  Sample one_class{.task = Task::binary, .num_classes = 2};
  one_class.labels = {0, 0, 0};
  one_class.decisions = {0, 0, 0};
  one_class.probabilities = {0.9, 0.1, 0.6, 0.4, 0.8, 0.2};
  for (const char* name :
       {"precision", "recall", "f1", "roc_auc", "average_precision", "mcc", "cohen_kappa"}) {
    CAPTURE(name);
    CHECK_FALSE(metric(name).compute(one_class.rows()).has_value());
  }
  CHECK(value_of("accuracy", one_class) == 1);
  CHECK(value_of("brier", one_class) == doctest::Approx((0.01 + 0.16 + 0.04) / 3));
  Sample constant{.task = Task::regression};
  constant.truth = {0.1, 0.1, 0.1};
  constant.predicted = {0, 1, 2};
  CHECK_FALSE(metric("r2").compute(constant.rows()).has_value());
  constant.truth = {0, 1, 2};
  CHECK_FALSE(metric("mape").compute(constant.rows()).has_value());
  constant.truth = {1e200, 0, 0};
  CHECK_FALSE(metric("mse").compute(constant.rows()).has_value());
  Sample absent = make_sample(Task::multiclass, 50, 1, 2);
  for (auto& l : absent.labels) l = l == 3 ? 0 : l;
  CHECK_FALSE(metric("roc_auc").compute(absent.rows()).has_value());
}

TEST_CASE("by hand") {
  Sample s{.task = Task::binary, .num_classes = 2};
  //           tp fn fp tn tn
  s.labels = {1, 1, 0, 0, 0};
  s.decisions = {1, 0, 1, 0, 0};
  for (const double p : {0.9, 0.4, 0.6, 0.4, 0.2}) s.probabilities.insert(s.probabilities.end(), {1 - p, p});
  CHECK(value_of("accuracy", s) == doctest::Approx(0.6));
  CHECK(value_of("balanced_accuracy", s) == doctest::Approx((1.0 / 2 + 2.0 / 3) / 2));
  CHECK(value_of("precision", s) == doctest::Approx(0.5));
  CHECK(value_of("recall", s) == doctest::Approx(0.5));
  CHECK(value_of("f1", s) == doctest::Approx(0.5));
  CHECK(value_of("f1_macro", s) == doctest::Approx((0.5 + 2.0 / 3) / 2));
  CHECK(value_of("f1_weighted", s) == doctest::Approx((2 * 0.5 + 3 * 2.0 / 3) / 5));
  CHECK(value_of("mcc", s) == doctest::Approx((1 * 2 - 1 * 1) / 6.0));
  CHECK(value_of("cohen_kappa", s) == doctest::Approx((0.6 - 0.52) / 0.48));
  CHECK(value_of("roc_auc", s) == doctest::Approx((3 + 1.5) / 6));  // 0.9 beats 3; 0.4 beats 0.2, ties 0.4
  CHECK(value_of("average_precision", s) == doctest::Approx((1 + 0.5) / 2));
  CHECK(value_of("brier", s) == doctest::Approx((0.01 + 0.36 + 0.36 + 0.16 + 0.04) / 5));
  CHECK(value_of("log_loss", s) == doctest::Approx(-std::log(0.9 * 0.4 * 0.4 * 0.6 * 0.8) / 5));
  // One row a bin but for two at 0.6: one right, one wrong (truth 1 at p 0.4 is called 0 with 0.6), and the
  // wrong 0.6.
  CHECK(value_of("ece", s) ==
        doctest::Approx((std::abs(1 - 0.9) + std::abs(1 - 1.8) + std::abs(1 - 0.8)) / 5));
  Sample r{.task = Task::regression};
  r.truth = {1, 2, 4};
  r.predicted = {1, 4, 3};
  CHECK(value_of("mse", r) == doctest::Approx(5.0 / 3));
  CHECK(value_of("rmse", r) == doctest::Approx(std::sqrt(5.0 / 3)));
  CHECK(value_of("mae", r) == doctest::Approx(1));
  CHECK(value_of("pinball", r) == doctest::Approx(0.5));
  CHECK(value_of("median_ae", r) == 1);
  CHECK(value_of("max_error", r) == 2);
  CHECK(value_of("mape", r) == doctest::Approx((0 + 1 + 0.25) / 3));
  CHECK(value_of("r2", r) == doctest::Approx(1 - 5 / (42.0 / 9)));
}

TEST_CASE("orders by hand: ties in every order, weights of queries, cut-offs") {
  Sample s{.task = Task::regression};
  s.truth = {3, 0, 1, /**/ 1, 0, /**/ 0, 0};
  s.predicted = {1, 2, 3, /**/ 5, 5, /**/ 1, 2};
  s.groups = {7, 7, 7, 4, 4, 9, 9};
  // Group 7 stands 1, 0, 3; group 4 is one tie; group 9 has nothing relevant and does not count.
  const double best = 7 + 1 / std::log2(3), seven = (1 + 7 / 2.0) / best, four = (1 + 1 / std::log2(3)) / 2;
  CHECK(value_of("ndcg", s) == doctest::Approx((seven + four) / 2).epsilon(1e-14));
  CHECK(value_of("ndcg@1", s) == doctest::Approx((1.0 / 7 + 0.5) / 2).epsilon(1e-14));
  CHECK(value_of("map", s) == doctest::Approx(((1 + 2.0 / 3) / 2 + 0.75) / 2).epsilon(1e-14));
  s.weights = {1, 1, 1, 4, 2, 1, 1};
  CHECK(value_of("ndcg", s) == doctest::Approx((seven + 3 * four) / 4).epsilon(1e-14));
  s.truth[2] = -1;
  CHECK_FALSE(metric("ndcg").compute(s.rows()).has_value());
  s.truth[2] = 1;
  s.groups.clear();
  CHECK_FALSE(metric("map").compute(s.rows()).has_value());
}

TEST_CASE("concordance by hand: censored rows, equal times, risks and durations") {
  Sample s{.task = Task::regression};
  s.truth = {1, 2, 2, 3, 4};
  s.predicted = {1, 4, 2, 4, 3};
  s.events = {1, 0, 1, 1, 0};
  // 1 before all four: 4 right. The third before the second (censored then), the fourth and the fifth: 3
  // right. The fourth before the fifth: wrong.
  CHECK(value_of("concordance", s) == doctest::Approx(7.0 / 8));
  s.predicted[3] = 3;
  CHECK(value_of("concordance", s) == doctest::Approx(7.5 / 8));
  Scored risk = s.rows();
  risk.predicts = Predicts::risk;
  CHECK(*metric("concordance").compute(risk) == doctest::Approx(0.5 / 8));
  s.events.assign(5, 0);
  CHECK_FALSE(metric("concordance").compute(s.rows()).has_value());
}

TEST_CASE("spans that do not fit together are a mistake of ours, not a crash") {
  Sample s = make_sample(Task::binary, 10, 1, 1);
  s.decisions.pop_back();
  CHECK_THROWS_AS(metric("accuracy").compute(s.rows()), InternalError);
  s = make_sample(Task::multiclass, 10, 1, 1);
  s.labels[4] = -1;
  CHECK_THROWS_AS(metric("accuracy").compute(s.rows()), InternalError);
  CHECK_THROWS_AS(metric("log_loss").compute(s.rows()), InternalError);
}

TEST_CASE("the same bytes for any number of threads") {
  const int before = num_threads();
  for_each_metric([](const Metric& m, Task task) {
    Sample s = sample_for(m, task, 40000, 1, 8);
    for (std::int64_t i = 0; i < 40000; ++i) s.weights.push_back(1.0 / (1.0 + static_cast<double>(i % 5)));
    std::vector<Estimate> seen;
    for (const int threads : {1, 2, 7}) {
      set_num_threads(threads);
      seen.push_back(*estimate(m, s.rows(), 0));
    }
    for (const Estimate& e : seen) CHECK(std::memcmp(&e, &seen[0], sizeof(e)) == 0);
  });
  set_num_threads(before);
}
