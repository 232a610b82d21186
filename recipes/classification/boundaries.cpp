// The plane as five learners part it, beside each other: two moons, two rings.
#include <fmt/format.h>

#include <array>

#include "cairn/builtin/registry.h"
#include "cairn/model/pipeline.h"
#include "recipes/columns.h"
#include "recipes/list.h"
#include "recipes/planar.h"

namespace cairn::recipes {
namespace {

struct Cloud {
  const char* name;
  Planar train, unseen;
  double low, high;                 // of both axes in the pictures
  std::array<const char*, 5> bars;  // accuracy on unseen points, a learner each
};
constexpr std::array<const char*, 5> kLearners{"logistic_regression", "k_nearest_neighbors", "decision_tree",
                                               "random_forest", "gradient_boosting"};

Dataset dataset_of_points(const Planar& points) {
  std::vector<Values> columns(2);
  Values y;
  for (std::int64_t i = 0; i < points.x.size(0); ++i) {
    for (std::int64_t j = 0; j < 2; ++j)
      columns[static_cast<std::size_t>(j)].push_back(points.x.item({i, j}));
    y.push_back(points.y.item({i, 0}));
  }
  return dataset_of(columns, {"x0", "x1"}, y, Task::binary);
}

double accuracy(const Model& model, const Dataset& data) {
  const Table said = model.predict(data.features());
  const Column& truth = data.target();
  double right = 0;
  for (std::int64_t r = 0; r < data.num_rows(); ++r)
    right += said.column("prediction").cell(r) == truth.cell(r);
  return right / static_cast<double>(data.num_rows());
}

// Every point of a grid in the colour of what is predicted there, the training points on top.
Chart picture(const Model& model, const Cloud& cloud, const char* learner) {
  constexpr std::int64_t kAcross = 45, kUp = 23;  // pictures are wide
  std::vector<Values> points(2);
  for (const double a : linspace(cloud.low, cloud.high, kAcross))
    for (const double b : linspace(cloud.low, cloud.high, kUp))
      points[0].push_back(a), points[1].push_back(b);
  const Table asked(
      {Column::number("x0", Tensor::from(points[0])), Column::number("x1", Tensor::from(points[1]))});
  const Table said = model.predict(asked);
  Series regions[2]{{.name = "decided for 0", .kind = "points"}, {.name = "decided for 1", .kind = "points"}};
  for (std::size_t i = 0; i < points[0].size(); ++i)
    regions[said.column("prediction").cell(static_cast<std::int64_t>(i)) == "1"].points.emplace_back(
        points[0][i], points[1][i]);
  Series classes[2]{{.name = "class 0", .kind = "points"}, {.name = "class 1", .kind = "points"}};
  for (std::int64_t i = 0; i < cloud.train.x.size(0); ++i)
    classes[cloud.train.y.item({i, 0}) > 0.5].points.emplace_back(cloud.train.x.item({i, 0}),
                                                                  cloud.train.x.item({i, 1}));
  return {.title = fmt::format("{} by {}", cloud.name, learner),
          .x = "x0",
          .y = "x1",
          .series = {regions[0], regions[1], classes[0], classes[1]}};
}

Outcome run(const DataFolder&) {
  const Cloud clouds[]{{"Two moons",
                        moons(200, 0.25, 1),
                        moons(1000, 0.25, 2),
                        -2,
                        3,
                        {">= 0.82", ">= 0.90", ">= 0.87", ">= 0.90", ">= 0.90"}},
                       {"Two rings",
                        circles(200, 0.06, 1),
                        circles(1000, 0.06, 2),
                        -1.5,
                        1.5,
                        {"<= 0.60", ">= 0.85", ">= 0.75", ">= 0.82", ">= 0.80"}}};
  Outcome o;
  for (const Cloud& cloud : clouds) {
    const Dataset train = dataset_of_points(cloud.train), unseen = dataset_of_points(cloud.unseen);
    for (std::size_t i = 0; i < kLearners.size(); ++i) {
      const LearnerEntry& entry = builtin_registry().learner(kLearners[i]);
      const auto model = prepare(entry.make(), entry, train, builtin_registry())->fit(train, {.seed = 1});
      o.checks.push_back(
          level(fmt::format("{} by {}: accuracy on 1,000 unseen points", cloud.name, entry.name),
                accuracy(*model, unseen), cloud.bars[i]));
      o.charts.push_back(picture(*model, cloud, entry.name));
    }
  }
  o.remarks = {"The course shows the pictures only; the levels are ours.",
               "A straight line cannot part rings: logistic regression does no better there than guessing.",
               "Trees part the plane along its axes, in steps; a forest and boosting round the steps by "
               "summing many of them.",
               "Nearest neighbours follow the points themselves, and their noise."};
  return o;
}

}  // namespace

const Recipe kBoundaries{"decision-boundaries",
                         "M2W4-boundaries",
                         "What a boundary looks like: five learners side by side",
                         "The shape that a learner can give a boundary decides which data it can part.",
                         "",
                         run};

}  // namespace cairn::recipes
