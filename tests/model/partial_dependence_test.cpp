#include "cairn/model/partial_dependence.h"

#include <doctest/doctest.h>

#include <cmath>

#include "cairn/base/error.h"
#include "cairn/model/numeric.h"

using namespace cairn;

namespace {

// a * b of two columns of numbers, or 3 where the city is Rome; of a classification its logistic.
class Product : public Model {
 public:
  explicit Product(Task task) : task_(task) {}
  std::string_view kind() const override { return "product"; }
  Table predict(const Table& table) const override {
    std::vector<double> said;
    for (std::int64_t r = 0; r < table.num_rows(); ++r) {
      const Column& city = table.column("city");
      const double value = !city.is_missing(r) && city.cell(r) == "Rome"
                               ? 3
                               : table.column("a").number_at(r) * table.column("b").number_at(r);
      if (task_ == Task::regression) {
        said.push_back(value);
      } else {
        const double yes = 1 / (1 + std::exp(-value));
        said.push_back(1 - yes);
        said.push_back(yes);
      }
    }
    return prediction_table(task_, classes_, std::move(said));
  }
  void visit(Visitor&) override {}
  Task task() const override { return task_; }
  const std::vector<std::string>& classes() const override { return classes_; }

 private:
  Task task_;
  std::vector<std::string> classes_ =
      task_ == Task::regression ? std::vector<std::string>{} : std::vector<std::string>{"no", "yes"};
};

Table rows() {
  const double kNaN = std::nan("");
  const std::vector<std::optional<std::string>> city{"Bern", "Bern", "Rome", std::nullopt};
  return Table({Column::number("a", Tensor::from(std::vector<double>{1, 2, 2, kNaN})),
                Column::number("b", Tensor::from(std::vector<double>{10, 20, 30, 40})),
                Column::category_of("city", city)});
}

}  // namespace

TEST_CASE("partial dependence: means over the rows by hand, of numbers and of categories") {
  const auto a = partial_dependence(Product(Task::regression), rows(), "a");
  CHECK(a.is_number);
  CHECK(a.numbers == std::vector<double>{1, 2});  // distinct, ascending, without the missing one
  CHECK(a.mean == std::vector<double>{(10.0 + 20 + 3 + 40) / 4, (20.0 + 40 + 3 + 80) / 4});
  // Rows' own curves 10 20, 20 40, 3 3, 40 80 about their means 15, 30, 3, 60, moved to the mean of all, 27.
  CHECK(a.low[0] == 27 - 20);
  CHECK(a.high[1] == 27 + 20);
  CHECK(a.rows == 4);
  CHECK(a.outputs == std::vector<std::string>{""});
  const auto city = partial_dependence(Product(Task::regression), rows().slice(0, 3), "city");
  CHECK_FALSE(city.is_number);
  CHECK(city.levels == std::vector<std::string>{"Bern", "Rome"});  // the most frequent first
  CHECK(city.share[0] == doctest::Approx(2.0 / 3));
  CHECK(city.mean == std::vector<double>{(10.0 + 40 + 60) / 3, 3});
}

TEST_CASE("partial dependence: probabilities of the classes asked for") {
  const Table three = rows().slice(0, 3);
  const auto yes = partial_dependence(Product(Task::binary), three, "city", {"yes"});
  CHECK(yes.mean.size() == 2);
  CHECK(yes.mean[1] == doctest::Approx(1 / (1 + std::exp(-3.0))));
  const auto both = partial_dependence(Product(Task::binary), three, "city");
  CHECK(both.outputs == std::vector<std::string>{"no", "yes"});
  CHECK(both.mean[1] + both.mean[3] == doctest::Approx(1));
}

TEST_CASE("partial dependence: many values become quantiles, many rows a part of them") {
  std::vector<double> a, b;
  std::vector<std::optional<std::string>> city;
  for (int i = 0; i < 1000; ++i) {
    a.push_back(i);
    b.push_back(1);
    city.push_back("Bern");
  }
  const Table table({Column::number("a", Tensor::from(a)), Column::number("b", Tensor::from(b)),
                     Column::category_of("city", city)});
  const auto told = partial_dependence(Product(Task::regression), table, "a");
  CHECK(told.numbers.size() == 20);
  CHECK(told.numbers.front() == 10);
  CHECK(told.numbers.back() == 989);
  CHECK(told.mean == told.numbers);
  CHECK(told.rug.size() == 40);
  CHECK(told.rows == 200);
  CHECK_FALSE(has_partial_dependence(table.column("b")));
  CHECK(has_partial_dependence(table.column("a")));
}

TEST_CASE("partial dependence: what it is not told of") {
  const std::vector<std::string> words{"a", "b"};
  const Table text({Column::text("note", words)});
  CHECK_THROWS_WITH_AS(partial_dependence(Product(Task::regression), text, "note"),
                       "column 'note': is text; partial dependence is told of numbers and categories",
                       DataError);
  const double kNaN = std::nan("");
  const Table empty({Column::number("a", Tensor::from(std::vector<double>{kNaN, kNaN}))});
  CHECK_THROWS_WITH_AS(partial_dependence(Product(Task::regression), empty, "a"),
                       "column 'a': has no value in any row. Partial dependence needs rows that have one.",
                       DataError);
}
