#include "cairn/linear/sgd.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/linear_regression.h"
#include "tests/support/numeric_dataset.h"

using namespace cairn;
using Layout = Matrix::Layout;

namespace {

const LinearModel& linear(const std::unique_ptr<Model>& model) {
  return dynamic_cast<const LinearModel&>(*model);
}

struct Sample {
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  std::vector<int> side, third;
};

// Three scaled columns; y is linear in them, `side` a noisy half-plane and `third` the largest of the three.
Sample sample(int n) {
  Sample s;
  Random random(11, "sgd test");
  for (int i = 0; i < n; ++i) {
    std::vector<double> row{random.normal(), random.normal(), random.normal()};
    s.y.push_back(3 + 2 * row[0] - row[1] + 0.1 * random.normal());
    s.side.push_back(2 * row[0] - row[1] + 0.3 * random.normal() > 0 ? 1 : 0);
    s.third.push_back(static_cast<int>(std::max_element(row.begin(), row.end()) - row.begin()));
    s.x.push_back(std::move(row));
  }
  return s;
}

double accuracy(const Model& model, const Dataset& data) {
  const Table predicted = model.predict(data.features());
  const auto decided = predicted.column("prediction").codes(), truth = data.target().codes();
  double right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) right += decided[i] == truth[i];
  return right / static_cast<double>(truth.size());
}

class SomeRows final : public DatasetParts {
 public:
  SomeRows(Dataset all, std::int64_t rows) : all_(std::move(all)), rows_(rows) {}
  std::int64_t num_rows() const override { return all_.num_rows(); }
  const Dataset& sample() const override { return all_; }
  void each(const std::function<void(const Dataset&)>& use) override {
    for (std::int64_t begin = 0; begin < num_rows(); begin += rows_) {
      std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(rows_, num_rows() - begin)));
      std::iota(rows.begin(), rows.end(), begin);
      use(all_.select(rows));
    }
  }

 private:
  Dataset all_;
  std::int64_t rows_;
};

std::string error_of(const Learner& learner, const Dataset& data) {
  try {
    learner.fit(data);
  } catch (const Error& e) {
    return e.what();
  }
  return "(no error)";
}

}  // namespace

TEST_CASE("sgd comes near the least-squares weights, dense and sparse") {
  const Sample s = sample(2000);
  const auto exact = LinearRegression({}).fit(test::regression_data(s.x, s.y));
  for (const char* loss : {"squared", "huber"})
    for (const Layout layout : {Layout::columns, Layout::csr}) {
      const auto model =
          Sgd({.loss = loss, .alpha = 1e-6, .tol = 1e-5}).fit(test::regression_data(s.x, s.y, {}, layout));
      for (std::size_t c = 0; c < 3; ++c)
        CHECK(linear(model).weights()[c] ==
              doctest::Approx(linear(exact).weights()[c]).epsilon(0.02).scale(1));
      CHECK(linear(model).intercepts()[0] == doctest::Approx(3).epsilon(layout == Layout::csr ? 0.1 : 0.02));
      CHECK(model->loss_history().size() >= 5);
      CHECK(model->loss_history().back() < model->loss_history().front());
    }
}

TEST_CASE("sgd separates classes with either loss, and its probabilities are honest") {
  const Sample s = sample(2000);
  for (const char* loss : {"logistic", "hinge"}) {
    const Dataset two = test::classification_data(s.x, s.side),
                  three = test::classification_data(s.x, s.third);
    CAPTURE(loss);
    const auto model = Sgd({.loss = loss}).fit(two);
    CHECK(accuracy(*model, two) > 0.94);
    CHECK(accuracy(*Sgd({.loss = loss}).fit(three), three) > 0.93);
    const Table p = model->predict(two.features());
    double mean = 0, ones = 0;
    for (std::int64_t i = 0; i < two.num_rows(); ++i) {
      const double yes = p.column("p_1").number_at(i);
      CHECK(yes + p.column("p_0").number_at(i) == doctest::Approx(1));
      mean += yes;
      ones += s.side[static_cast<std::size_t>(i)];
    }
    CHECK(mean / 2000 == doctest::Approx(ones / 2000).epsilon(0.03));
  }
}

TEST_CASE("an L1 penalty sets useless weights to zero") {
  Sample s = sample(1000);
  Random random(12, "noise");
  for (auto& row : s.x)
    for (int c = 0; c < 5; ++c) row.push_back(random.normal());
  const auto model = Sgd({.penalty = "l1", .alpha = 0.05}).fit(test::regression_data(s.x, s.y));
  int zeros = 0;
  for (std::size_t c = 2; c < 8; ++c) zeros += linear(model).weights()[c] == 0;
  CHECK(zeros >= 4);
  CHECK(linear(model).weights()[0] > 1.8);
}

TEST_CASE("the same bits for any number of threads; another seed, another walk") {
  const Sample s = sample(500);
  const Dataset data = test::classification_data(s.x, s.third);
  const auto fit = [&](int threads, std::uint64_t seed) {
    set_num_threads(threads);
    const auto model = Sgd({}).fit(data, {.seed = seed});
    return std::vector<double>(linear(model).weights().begin(), linear(model).weights().end());
  };
  const auto one = fit(1, 0);
  CHECK(one == fit(2, 0));
  CHECK(one == fit(7, 0));
  CHECK(one != fit(2, 1));
  set_num_threads(2);
}

TEST_CASE("diverging steps and a loss of another task are explained") {
  Sample s = sample(200);
  for (auto& row : s.x) row[0] *= 1e6;
  const std::string text = error_of(Sgd({.learning_rate = 1, .power = 0}), test::regression_data(s.x, s.y));
  CHECK(text.find("the steps diverge: the mean loss is") != std::string::npos);
  CHECK(text.find("lower learning_rate = 1") != std::string::npos);
  CHECK(error_of(Sgd({.loss = "hinge"}), test::regression_data(s.x, s.y))
            .find("hinge does not serve a regression") != std::string::npos);
}

TEST_CASE(
    "rows in parts: the bits of memory up to a block, and beyond it the same for any parts and threads") {
  const auto bits = [](const std::unique_ptr<Model>& model) {
    const auto w = linear(model).weights();
    std::vector<double> all(w.begin(), w.end());
    all.insert(all.end(), linear(model).intercepts().begin(), linear(model).intercepts().end());
    return all;
  };
  const Sample small = sample(500);
  for (const char* loss : {"logistic", "squared"}) {
    CAPTURE(loss);
    const Dataset data = loss[0] == 's' ? test::regression_data(small.x, small.y)
                                        : test::classification_data(small.x, small.third);
    const Sgd learner({.loss = loss, .penalty = "l1"});
    SomeRows parts(data, 7);
    CHECK(bits(learner.fit_parts(parts, {.seed = 3})) == bits(learner.fit(data, {.seed = 3})));
  }
  // Sorted by a column, 2.3 blocks of 65,536 rows.
  Sample large = sample(150'000);
  std::vector<std::size_t> order(large.y.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return large.x[i][0]; });
  Sample sorted;
  for (const std::size_t i : order) sorted.x.push_back(large.x[i]), sorted.y.push_back(large.y[i]);
  const Dataset data = test::regression_data(sorted.x, sorted.y);
  const Sgd learner({.max_epochs = 5});
  const auto fit = [&](std::int64_t rows, int threads) {
    set_num_threads(threads);
    SomeRows parts(data, rows);
    return learner.fit_parts(parts, {.seed = 3});
  };
  const auto model = fit(1000, 1);
  CHECK(bits(model) == bits(fit(77'777, 2)));
  CHECK(bits(model) == bits(fit(150'000, 2)));
  CHECK(std::abs(linear(model).weights()[0] - 2) < 0.2);
  CHECK(std::abs(linear(model).weights()[1] + 1) < 0.2);
  CHECK(std::abs(linear(model).intercepts()[0] - 3) < 0.5);
  CHECK(model->notes()[1] == "the rows came in parts and were shuffled within blocks of 65536 rows");
  CHECK(why_not_in_parts(learner).empty());
  CHECK(why_not_in_parts(Sgd({.loss = "hinge"})).find("loss=hinge") == 0);
}
