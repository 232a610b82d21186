// Tails of distributions and paired tests: equal to scipy's and statsmodels'
// (tests/golden/linear_inference.json, made by scripts/golden/linear_inference.py).
#include "cairn/metrics/paired.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/base/json.h"
#include "cairn/base/random.h"
#include "cairn/metrics/distributions.h"

using namespace cairn;

namespace {

const Json& golden() {
  static const Json json =
      Json::parse(read_file(std::string(CAIRN_SOURCE_DIR) + "/tests/golden/linear_inference.json"));
  return json;
}

doctest::Approx near(const Json& value) { return doctest::Approx(value.get<double>()).epsilon(1e-10); }

}  // namespace

TEST_CASE("tails and quantiles of distributions are scipy's, far out too") {
  const Json& tails = golden()["tails"];
  for (const Json& t : tails["normal_tail"]) CHECK(normal_tail(t[0]) == near(t[1]));
  for (const Json& t : tails["student_two_sided"]) {
    CAPTURE(t.dump());
    CHECK(student_two_sided(t[0], t[1]) == near(t[2]));
  }
  for (const Json& t : tails["chi_squared_tail"]) {
    CAPTURE(t.dump());
    CHECK(chi_squared_tail(t[0], t[1]) == near(t[2]));
  }
  for (const Json& t : tails["f_tail"]) {
    CAPTURE(t.dump());
    CHECK(f_tail(t[0], t[1], t[2]) == near(t[3]));
  }
  for (const Json& t : tails["student_quantile"])
    CHECK(student_quantile(t[0], t[1]) == doctest::Approx(t[2].get<double>()).epsilon(1e-9).scale(1));
  for (const Json& t : tails["normal_quantile"]) CHECK(normal_quantile(t[0]) == near(t[1]));
  CHECK(std::isnan(student_two_sided(1, 0)));
  CHECK(std::isnan(normal_quantile(1)));
}

TEST_CASE("McNemar and Holm are statsmodels'") {
  for (const Json& t : golden()["tests"]["mcnemar"]) {
    const auto b = t[0].get<std::int64_t>(), c = t[1].get<std::int64_t>();
    CHECK(sign_test(b, b + c) == near(t[2]));
  }
  const Json& h = golden()["tests"]["holm"];
  auto p = h["p"].get<std::vector<double>>();
  const auto expected = h["adjusted"].get<std::vector<double>>();
  for (std::size_t i = 0; i < p.size(); ++i) CHECK(holm(p)[i] == doctest::Approx(expected[i]));
  p.push_back(std::nan(""));  // a test that could not be made counts for nothing
  CHECK(holm(p)[0] == doctest::Approx(expected[0]));
  CHECK(std::isnan(holm(p).back()));
}

TEST_CASE("5x2cv: the F of ten differences by hand") {
  // Pairs (1, 1), (2, 2), (0, 2), (1, 3), (1, 1): squares sum to 26, variances to 2 + 2.
  const std::vector<double> d{1, 1, 2, 2, 0, 2, 1, 3, 1, 1};
  const FiveByTwo found = five_by_two(d);
  CHECK(found.mean == doctest::Approx(1.4));
  CHECK(found.f == doctest::Approx(26.0 / 8));
  CHECK(found.p == doctest::Approx(f_tail(3.25, 10, 5)));
  CHECK(five_by_two(std::vector<double>(10, 0.0)).p == 1);
  std::vector<double> undefined = d;
  undefined[3] = std::nan("");
  CHECK(std::isnan(five_by_two(undefined).p));
  CHECK(std::isnan(five_by_two(undefined).mean));
}

TEST_CASE(
    "paired bootstrap: nothing between two alike, much between two apart, uniform when chance decides") {
  std::vector<std::int32_t> labels;
  Random random(2, "labels");
  for (int i = 0; i < 400; ++i) labels.push_back(random.uniform() < 0.5 ? 0 : 1);
  const auto scored = [&](double accuracy, std::uint64_t stream, std::vector<std::int32_t>& decisions) {
    Random draw(7, "decisions", stream);
    decisions.clear();
    for (const std::int32_t label : labels)
      decisions.push_back(draw.uniform() < accuracy ? label : 1 - label);
    return Scored{.task = Task::binary, .labels = labels, .decisions = decisions, .num_classes = 2};
  };
  std::vector<std::int32_t> first, second;
  const Scored a = scored(0.7, 0, first);
  CHECK(paired_bootstrap(metric("accuracy"), a, a, 0)->p == 1);
  const auto apart = paired_bootstrap(metric("accuracy"), a, scored(0.95, 1, second), 0);
  CHECK(apart->p < 0.002);
  CHECK(apart->difference.low > 0);
  int small = 0;
  constexpr int kRuns = 100;
  for (int run = 0; run < kRuns; ++run) {
    const Scored x = scored(0.8, 2 * static_cast<std::uint64_t>(run) + 10, first);
    const Scored y = scored(0.8, 2 * static_cast<std::uint64_t>(run) + 11, second);
    small += paired_bootstrap(metric("accuracy"), x, y, 0)->p < 0.2 ? 1 : 0;
  }
  CHECK(small >= 8);  // 20 +- 4
  CHECK(small <= 32);
}
