// Calibrating probabilities: by hand, and against shares that are known.
#include "cairn/model/calibration.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "cairn/base/random.h"
#include "cairn/model/archive.h"
#include "tests/support/error_text.h"
#include "tests/support/memory_visitor.h"

using namespace cairn;

namespace {

// Rows whose class is drawn with probability p, while the model says `said(p)`.
template <class F>
Judged drawn(int n, F said, std::int64_t classes = 2) {
  Judged j{.task = classes == 2 ? Task::binary : Task::multiclass, .num_classes = classes};
  Random random(4, "calibration");
  for (int i = 0; i < n; ++i) {
    std::vector<double> p(static_cast<std::size_t>(classes));
    double total = 0;
    for (double& v : p) total += v = std::exp(1.5 * random.normal());
    double u = random.uniform() * total;
    std::int32_t label = 0;
    while (label + 1 < classes && (u -= p[static_cast<std::size_t>(label)]) > 0) ++label;
    j.labels.push_back(label);
    for (double& v : p) v /= total;
    said(p);
    j.probabilities.insert(j.probabilities.end(), p.begin(), p.end());
    j.decisions.push_back(static_cast<std::int32_t>(std::ranges::max_element(p) - p.begin()));
  }
  return j;
}

// Twice the log-probabilities: far too sure.
void too_sure(std::vector<double>& p) {
  double total = 0;
  for (double& v : p) total += v = v * v;
  for (double& v : p) v /= total;
}

double ece(const Judged& j) { return *metric("ece").compute(j.view()); }

}  // namespace

TEST_CASE("temperature undoes a known one and keeps every decision") {
  for (const std::int64_t classes : {2, 4}) {
    const Judged j = drawn(6000, too_sure, classes);
    const Calibration c("temperature", j);
    std::vector<double> p{0.2, 0.8};
    if (classes == 2) {
      c.apply(p, 2);
      // log-odds halve: 0.8 becomes 2 / 3.
      CHECK(p[1] == doctest::Approx(2.0 / 3).epsilon(0.03));
    }
    const Judged after = c.apply(j, -1);
    CHECK(after.decisions == j.decisions);
    CHECK(ece(j) > 0.06);
    CHECK(ece(after) < 0.03);
  }
}

TEST_CASE("isotonic: blocks of rising means by hand, equal probabilities together, straight lines between") {
  Judged j{.task = Task::binary, .labels = {0, 1, 0, 1, 1}, .decisions = {0, 0, 1, 1, 1}, .num_classes = 2};
  for (const double p : {0.1, 0.3, 0.5, 0.7, 0.7}) j.probabilities.insert(j.probabilities.end(), {1 - p, p});
  const Calibration c("isotonic", j);
  // 0 at 0.1; 0.3 and 0.5 fall, so both are 0.5; 1 at 0.7.
  const auto of = [&](double p) {
    std::vector<double> row{1 - p, p};
    c.apply(row, 2);
    CHECK(row[0] == doctest::Approx(1 - row[1]));
    return row[1];
  };
  CHECK(of(0.0) == doctest::Approx(0).scale(1));
  CHECK(of(0.2) == doctest::Approx(0.25));
  CHECK(of(0.4) == doctest::Approx(0.5));
  CHECK(of(0.6) == doctest::Approx(0.75));
  CHECK(of(0.9) == doctest::Approx(1));
}

TEST_CASE("every method makes honest what is too sure, and auto keeps what is honest already") {
  for (const std::int64_t classes : {2, 3}) {
    const Judged j = drawn(4000, too_sure, classes);
    for (const char* method : {"platt", "isotonic", "temperature"}) {
      CAPTURE(method);
      const CalibrationChoice choice = choose_calibration(method, j);
      CHECK(choice.calibration.method() == method);
      CHECK(choice.trials.size() == 4);
      const Judged after = choice.calibration.apply(j, -1);
      CHECK(ece(after) < ece(j) / 2);
      for (std::size_t r = 0; r < 20; ++r) {
        double total = 0;
        for (std::size_t c = 0; c < static_cast<std::size_t>(classes); ++c)
          total += after.probabilities[r * static_cast<std::size_t>(classes) + c];
        CHECK(total == doctest::Approx(1));
      }
    }
    CHECK(!choose_calibration("auto", j).calibration.empty());
  }
  // Honest ones: whatever is chosen gains next to nothing.
  const Judged honest = drawn(4000, [](std::vector<double>&) {});
  const CalibrationChoice choice = choose_calibration("auto", honest);
  double best = choice.trials[0].log_loss;
  for (const CalibrationTrial& t : choice.trials) best = std::min(best, t.log_loss);
  CHECK(best > choice.trials[0].log_loss - 0.002);
}

TEST_CASE("a threshold decides on what probabilities became") {
  const Judged j = drawn(1000, too_sure);
  const Calibration c("platt", j);
  const Judged after = c.apply(j, 0.9);
  for (std::size_t r = 0; r < 1000; ++r)
    CHECK((after.decisions[r] == 1) == (after.probabilities[2 * r + 1] >= 0.9));
}

TEST_CASE("predictions without probabilities are refused") {
  Judged j{.task = Task::regression, .truth = {1, 2}, .predicted = {1, 2}};
  CHECK(testing::error_text([&] { choose_calibration("auto", j); }).find("no probabilities to calibrate") !=
        std::string::npos);
}
