// the principal components of fifty points, and support vector machines on the curved boundaries and
// the spam of the old course.
#include <fmt/format.h>

#include <cmath>

#include "cairn/builtin/registry.h"
#include "cairn/data/pca.h"
#include "cairn/model/evaluate.h"
#include "cairn/model/pipeline.h"
#include "cairn/readers/mat.h"
#include "recipes/columns.h"
#include "recipes/list.h"

namespace cairn::recipes {
namespace {

std::vector<Values> columns_of(const Tensor& x) {
  std::vector<Values> columns(static_cast<std::size_t>(x.size(1)));
  for (std::size_t j = 0; j < columns.size(); ++j)
    for (std::int64_t i = 0; i < x.size(0); ++i)
      columns[j].push_back(x.item({i, static_cast<std::int64_t>(j)}));
  return columns;
}

Dataset dataset_in(const std::string& file, const std::string& x, const std::string& y) {
  const auto columns = columns_of(mat_array(file, x));
  std::vector<std::string> names;
  for (std::size_t j = 0; j < columns.size(); ++j) names.push_back(fmt::format("x{}", j));
  return dataset_of(columns, names, columns_of(mat_array(file, y))[0], Task::binary);
}

Outcome components(const DataFolder& data) {
  ZScore z = z_score(columns_of(mat_array(data.file("course_ml/ex7data1.mat"), "X")));
  const double n = static_cast<double>(z.columns[0].size());
  for (Values& column : z.columns)  // the course divides by the sample's standard deviation
    for (double& v : column) v *= std::sqrt((n - 1) / n);
  const Dataset points(Table({Column::number("x0", Tensor::from(z.columns[0])),
                              Column::number("x1", Tensor::from(z.columns[1]))}),
                       {});
  const auto all = Pca({}).fit(points, {}), one = Pca({.components = 1}).fit(points, {});
  const Table scores = all->apply(points.table()), line = one->invert(one->apply(points.table()));
  Outcome o;
  const auto eigenvalue = [&](std::int64_t c) {
    double squares = 0;
    for (std::int64_t i = 0; i < scores.num_rows(); ++i)
      squares += std::pow(scores.column(c).number_at(i), 2);
    return squares / n;
  };
  // A point along the first axis alone has its entry of the first vector as score.
  const Table axes(
      {Column::number("x0", Tensor::from(Values{0, 1})), Column::number("x1", Tensor::from(Values{0, 0}))});
  const Table along = all->apply(axes);
  o.checks = {printed("first vector, size of both entries",
                      std::abs(along.column(std::int64_t{0}).number_at(1) -
                               along.column(std::int64_t{0}).number_at(0)),
                      "0.70710678"),
              printed("first eigenvalue", eigenvalue(0), "1.70081977"),
              printed("second eigenvalue", eigenvalue(1), "0.25918023"),
              printed("first point on the first vector, its size",
                      std::abs(scores.column(std::int64_t{0}).number_at(0)), "1.48127391"),
              printed("first point, from one component", line.column("x0").number_at(0), "-1.047419")};
  Series cloud{.name = "the points", .kind = "points"},
      nearest{.name = "from one component", .kind = "points"};
  for (std::int64_t i = 0; i < points.num_rows(); ++i) {
    cloud.points.emplace_back(z.columns[0][static_cast<std::size_t>(i)],
                              z.columns[1][static_cast<std::size_t>(i)]);
    nearest.points.emplace_back(line.column("x0").number_at(i), line.column("x1").number_at(i));
  }
  o.charts = {{.title = "Fifty points and their line", .x = "x0", .y = "x1", .series = {cloud, nearest}}};
  o.remarks = {"The sign of a vector is free: here the entry of largest size is positive.",
               "The course divides by the number of points, `pca` by one fewer; eigenvalues are shown as the "
               "course has "
               "them."};
  return o;
}

double accuracy(const char* learner, const std::vector<std::pair<const char*, const char*>>& settings,
                const Dataset& train, const Dataset& judged) {
  const LearnerEntry& entry = builtin_registry().learner(learner);
  auto made = entry.make();
  for (const auto& [name, value] : settings) set_param(made->params(), name, value);
  const auto model =
      prepare(std::move(made), entry, train, builtin_registry(), {.scale = "none"})->fit(train);
  return evaluate(*model, judged, {"accuracy"}).value("accuracy");
}

Outcome support_vectors(const DataFolder& data) {
  Outcome o;
  const std::string curved = data.file("course_ml/ex6data2.mat"), noisy = data.file("course_ml/ex6data3.mat");
  const Dataset second = dataset_in(curved, "X", "y"), third = dataset_in(noisy, "X", "y");
  // The course's sigma of 0.1 is a gamma of 1 / (2 sigma^2) = 50.
  o.checks = {
      level("ex6data2, kernel of sigma 0.1: accuracy on its points",
            accuracy("kernel_svm", {{"C", "1"}, {"gamma", "50"}}, second, second), ">= 0.99"),
      level("ex6data3, C 1 and sigma 0.1: accuracy on its validation points",
            accuracy("kernel_svm", {{"C", "1"}, {"gamma", "50"}}, third, dataset_in(noisy, "Xval", "yval")),
            ">= 0.965"),
      level("spam, linear: accuracy on 1,000 held-out mails",
            accuracy("linear_svm", {{"C", "0.1"}}, dataset_in(data.file("course_ml/spamTrain.mat"), "X", "y"),
                     dataset_in(data.file("course_ml/spamTest.mat"), "Xtest", "ytest")),
            ">= 0.985")};
  o.remarks = {"Words are 0 or 1 and the points alike in size: nothing is scaled.",
               "A support vector machine's `linear_svm` here costs a margin below 1 by its square."};
  return o;
}

}  // namespace

const Recipe kComponents{
    "principal-components",
    "X-7a",
    "Principal components of fifty points",
    "The line that is nearest to a cloud of points, and what is left when each is told by one number.",
    "course_ml/ex7data1.mat",
    components};
const Recipe kSupportVectors{"support-vectors",
                             "X-7b",
                             "Support vector machines: curved boundaries and spam",
                             "A kernel bends the boundary; of many words a straight one is enough.",
                             "course_ml/spamTrain.mat",
                             support_vectors};

}  // namespace cairn::recipes
