// The radix pass of roc_auc against counting every pair, and DeLong's variance against its definition.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/metrics/ranking.h"
#include "tests/metrics/sample.h"

using namespace cairn;

namespace {

struct Scores {
  std::vector<double> score;
  std::vector<std::int32_t> label;
};

// Definitions: placement of each row among the rows of the other class, pair by pair.
RankingArea by_pairs(const Scores& s) {
  std::vector<double> of_positive, of_negative;
  for (std::size_t i = 0; i < s.score.size(); ++i) {
    double wins = 0, others = 0;
    for (std::size_t j = 0; j < s.score.size(); ++j) {
      if (s.label[i] == s.label[j]) continue;
      others += 1;
      wins += s.score[i] == s.score[j] ? 0.5 : (s.score[i] > s.score[j]) == (s.label[i] == 1) ? 1.0 : 0.0;
    }
    (s.label[i] == 1 ? of_positive : of_negative).push_back(wins / others);
  }
  const auto mean = [](const std::vector<double>& v) {
    double sum = 0;
    for (const double x : v) sum += x;
    return sum / static_cast<double>(v.size());
  };
  const auto variance_of_mean = [&](const std::vector<double>& v) {
    double sum = 0;
    for (const double x : v) sum += (x - mean(v)) * (x - mean(v));
    return sum / static_cast<double>(v.size() - 1) / static_cast<double>(v.size());
  };
  return {mean(of_positive), variance_of_mean(of_positive) + variance_of_mean(of_negative),
          static_cast<std::int64_t>(of_positive.size()), static_cast<std::int64_t>(of_negative.size())};
}

Scores make(std::int64_t n, double (*score)(Random&), std::uint64_t index) {
  Random random(11, "scores", index);
  Scores s;
  for (std::int64_t i = 0; i < n; ++i) {
    s.label.push_back(random.below(3) == 0);
    s.score.push_back(score(random) +
                      (s.label.back() == 1 && random.below(2) == 0 ? s.score.empty() ? 0 : s.score[0] : 0));
  }
  return s;
}

}  // namespace

TEST_CASE("area and variance equal the definitions, whatever the scores look like") {
  double (*const kinds[])(Random&) = {
      [](Random& r) { return r.normal(); },                           // both signs, no ties
      [](Random& r) { return std::round(r.normal() * 3); },           // ties, zeros
      [](Random& r) { return std::round(r.uniform() * 100) / 100; },  // probabilities with ties
      [](Random& r) { return r.below(2) == 0 ? -0.0 : 0.0; },         // zeros of both signs tie
      [](Random& r) {
        return std::ldexp(r.normal(), static_cast<int>(r.below(2000)) - 1000);
      },  // the whole range
      [](Random& r) { return r.below(50) == 0 ? -std::numeric_limits<double>::infinity() : r.uniform(); },
      [](Random& r) {
        return 1 + static_cast<double>(r.below(500)) * 0x1p-52;
      },                                                                      // neighbours in the last bits
      [](Random& r) { return static_cast<double>(r.below(1000)) * 5e-324; },  // denormals
  };
  std::uint64_t index = 0;
  for (const auto kind : kinds)
    for (const std::int64_t n : {3, 30, 100, 1500}) {
      const Scores s = make(n, kind, index++);
      CAPTURE(index);
      const RankingArea expected = by_pairs(s);
      const auto area = ranking_area(s.score, s.label);
      if (expected.positives == 0 || expected.negatives == 0) {
        CHECK_FALSE(area.has_value());
        continue;
      }
      REQUIRE(area.has_value());
      CHECK(area->positives == expected.positives);
      CHECK(area->negatives == expected.negatives);
      CHECK(area->value == doctest::Approx(expected.value).epsilon(1e-13));
      if (expected.positives > 1 && expected.negatives > 1)
        CHECK(area->variance == doctest::Approx(expected.variance).epsilon(1e-11));
    }
}

TEST_CASE("the radix pass equals the ranking of weighted rows") {
  metric_tests::Sample s = metric_tests::make_sample(Task::binary, 300000, 1, 2);
  for (double& p : s.probabilities) p = std::round(p * 1e5) / 1e5;
  const double radix = *metric("roc_auc").compute(s.rows());
  const auto radix_interval = estimate(metric("roc_auc"), s.rows(), 0);
  s.weights.assign(300000, 1.0);
  CHECK(*metric("roc_auc").compute(s.rows()) == doctest::Approx(radix).epsilon(1e-12));
  const auto weighted_interval = estimate(metric("roc_auc"), s.rows(), 0);
  CHECK(weighted_interval->low == doctest::Approx(radix_interval->low).epsilon(1e-6));
  CHECK(weighted_interval->high == doctest::Approx(radix_interval->high).epsilon(1e-6));
}

TEST_CASE("the area is the same for any number of threads and any order of rows") {
  metric_tests::Sample s = metric_tests::make_sample(Task::binary, 700000, 1, 2);
  std::vector<double> scores(s.labels.size());
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = s.probabilities[2 * i + 1];
  const int before = num_threads();
  set_num_threads(1);
  const auto first = ranking_area(scores, s.labels);
  for (const int threads : {2, 7}) {
    set_num_threads(threads);
    const auto again = ranking_area(scores, s.labels);
    CHECK(again->value == first->value);
    CHECK(again->variance == first->variance);
  }
  set_num_threads(before);
  const auto order = Random(0, "order").permutation(700000);
  std::vector<double> shuffled(scores.size());
  std::vector<std::int32_t> labels(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    shuffled[i] = scores[static_cast<std::size_t>(order[i])];
    labels[i] = s.labels[static_cast<std::size_t>(order[i])];
  }
  const auto again = ranking_area(shuffled, labels);
  CHECK(again->value == first->value);
  CHECK(again->variance == first->variance);
}

TEST_CASE("no area: one class, NaN, lengths that differ") {
  const std::vector<double> scores{0.1, 0.2, std::nan("")};
  const std::vector<std::int32_t> labels{0, 1, 1};
  CHECK_FALSE(ranking_area(scores, labels).has_value());
  CHECK_FALSE(ranking_area(std::span(scores).first(1), std::span(labels).first(1)).has_value());
  CHECK_FALSE(ranking_area({}, {}).has_value());
  CHECK_THROWS_AS(ranking_area(scores, std::span(labels).first(1)), UsageError);
}
