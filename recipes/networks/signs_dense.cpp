// D2W3-A1, A1b: fingers that show numbers, by fully connected layers: the framework's first lab. Its 1080
// training pictures are not public, so the 120 of its test file are judged in five folds.
#include <fmt/format.h>

#include "cairn/ops/activation.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/shape_ops.h"
#include "recipes/folds.h"
#include "recipes/list.h"
#include "recipes/planar.h"
#include "recipes/values.h"

namespace cairn::recipes {
namespace {

constexpr const char* kNetwork = R"({"input": [64, 64, 3], "layers": ["flatten",
    {"layer": "linear", "out": 25}, "relu", {"layer": "linear", "out": 12}, "relu",
    {"layer": "linear", "out": 6}]})";

void check_linear_function(Outcome& o) {
  numpy::RandomState random(1);
  const Tensor x = randn(random, {3, 1}), w = randn(random, {4, 3}), b = randn(random, {4, 1});
  check_values(o, "linear function", matmul(w, x) + b,
               {"-2.15657382", "2.95891446", "-1.08926781", "-0.84538042"});
}

void check_network(Outcome& o) {
  Network net = Network::parse(kNetwork);
  o.checks.push_back(printed("parameters", static_cast<double>(count_parameters(net).total), "307615"));
  const std::vector<Network::Row> rows = net.rows();
  check_shape(o, "a picture as a row", rows[0].output, {"12288"});
  check_shape(o, "first layer", rows[1].output, {"25"});
  check_shape(o, "second layer", rows[3].output, {"12"});
  check_shape(o, "logits", rows[5].output, {"6"});
}

Outcome judged_in_folds(const DataFolder& data, Outcome o, const FoldPlan& plan, int folds, const char* bar) {
  check_network(o);
  const Pictures pictures = read_pictures_of(data, "test_signs.h5");
  const Folds seen = judged(plan, pictures, folds);
  o.checks.push_back(
      level(fmt::format("accuracy of {} epochs over {} of 5 folds of 120 pictures", plan.epochs, folds),
            seen.accuracy, bar));
  o.checks.push_back(level("loss of the last epoch less the first's, first fold",
                           seen.losses.back() - seen.losses.front(), "<= 0"));
  o.charts.push_back(loss_chart(seen));
  o.albums = {seen.wrong};
  o.remarks.push_back(
      fmt::format("The course trains on 1080 pictures; here 96 are learned from at a time. Accuracy "
                  "in training: {:.3g}.",
                  seen.training));
  return o;
}

// 2018: by name what the framework's session computes.
Outcome first_edition() {
  Outcome o;
  check_linear_function(o);
  check_values(o, "sigmoid of 0 and 12", sigmoid(of({0, 12})), {"0.5", "0.999994"});
  check_values(o, "cost of logits .2, .4, .7, .9 and labels 0, 0, 1, 1",
               bce_with_logits(of({.2, .4, .7, .9}), of({0, 0, 1, 1}), {.reduction = Reduction::none}),
               {"0.7981389", "0.9130153", "0.4031860", "0.3411539"});
  const Tensor hot =
      one_hot(Tensor::from(std::vector<std::int64_t>{1, 2, 3, 0, 2, 1}), 4, DType::f64).transpose();
  check_values(o, "one-hot of 1, 2, 3, 0, 2, 1", hot,
               {"0.0", "0.0", "0.0", "1.0", "0.0", "0.0", "1.0", "0.0", "0.0", "0.0", "0.0", "1.0",
                "0.0", "1.0", "0.0", "0.0", "1.0", "0.0", "0.0", "0.0", "1.0", "0.0", "0.0", "0.0"});
  return o;
}

// 2021: the loss from logits.
Outcome second_edition() {
  Outcome o;
  check_linear_function(o);
  check_values(o, "sigmoid of -1, 0 and 12", sigmoid(of({-1, 0, 12})), {"0.2689414", "0.5", "0.999994"});
  const auto hot = [](std::int64_t label) {
    return one_hot(Tensor::from(std::vector<std::int64_t>{label}), 4, DType::f64);
  };
  check_values(o, "one-hot of 1", hot(1), {"0.0", "1.0", "0.0", "0.0"});
  check_values(o, "one-hot of 2", hot(2), {"0.0", "0.0", "1.0", "0.0"});
  const Tensor logits = of({2.4048107, -0.7921977, 0.9447198, 1.158121, 4.768706, 6.1481323, 5.0334096,
                            -4.1523376, -0.46802214, 3.9810789, 2.3220146, 3.909829},
                           {2, 6});
  const Tensor classes = Tensor::from(std::vector<std::int64_t>{5, 0});
  check_values(o, "cross-entropy", cross_entropy(logits, classes, {.reduction = Reduction::none}),
               {"0.253610", "0.5566767"});
  o.checks.push_back(printed("cross-entropy, mean", cross_entropy(logits, classes).item(), "0.4051435"));
  return o;
}

// A pass over 96 pictures has 3 steps of 32, the course's over 1080 have 34: its 100 passes are 1100 of ours.
Outcome run_first(const DataFolder& data) {
  return judged_in_folds(data, first_edition(), {kNetwork, 0.0001, 1500, 32}, 5, ">= 0.40");
}
Outcome brief_first(const DataFolder& data) {
  return judged_in_folds(data, first_edition(), {kNetwork, 0.0001, 250, 32}, 1, ">= 0.25");
}
Outcome run_second(const DataFolder& data) {
  return judged_in_folds(data, second_edition(), {kNetwork, 0.0001, 1100, 32}, 5, ">= 0.40");
}
Outcome brief_second(const DataFolder& data) {
  return judged_in_folds(data, second_edition(), {kNetwork, 0.0001, 250, 32}, 1, ">= 0.25");
}

}  // namespace

const Recipe kSignsDense{
    "signs-fully-connected",
    "D2W3-A1",
    "Fingers that show numbers: three fully connected layers",
    "12,288 bytes into 25 units: the framework's first lab, and why convolutions come next.",
    "course_dl",
    run_first,
    "a minute",
    brief_first};
const Recipe kSignsDenseSecond{"signs-fully-connected-2021",
                               "D2W3-A1b",
                               "Fingers that show numbers: the edition of 2021",
                               "The same network, its loss from logits, and a third fewer passes.",
                               "course_dl",
                               run_second,
                               "a minute",
                               brief_second};

}  // namespace cairn::recipes
