// D4W1-A2a, A2b, A2c: a happy house, and fingers that show numbers: two small convolutional networks. The
// courses' training files are not public, so the pictures of their test files are judged in five folds.
#include <fmt/format.h>

#include "recipes/folds.h"
#include "recipes/list.h"

namespace cairn::recipes {
const char* const kHappyNetwork = R"({"input": [64, 64, 3], "layers": [
    {"layer": "conv2d", "out": 32, "kernel": 7, "padding": "3"}, "batch_norm", "relu",
    {"layer": "max_pool2d", "window": 2}, "flatten", {"layer": "linear", "out": 1}]})";
const char* const kSignsNetwork = R"({"input": [64, 64, 3], "layers": [
    {"layer": "conv2d", "out": 8, "kernel": 4, "padding": "same"}, "relu",
    {"layer": "max_pool2d", "window": 8, "padding": "same"},
    {"layer": "conv2d", "out": 16, "kernel": 2, "padding": "same"}, "relu",
    {"layer": "max_pool2d", "window": 4, "padding": "same"}, "flatten", {"layer": "linear", "out": 6}]})";

namespace {

void check_shapes(Outcome& o, const char* network, std::int64_t statistics, const char* parameters) {
  Network net = Network::parse(network);
  o.checks.push_back(
      printed(statistics > 0 ? "parameters, running means and variances among them" : "parameters",
              static_cast<double>(count_parameters(net).total + statistics), parameters));
}

Outcome happy(const DataFolder& data, int folds) {
  const Pictures pictures = read_pictures_of(data, "test_happy.h5");
  Outcome o;
  check_shapes(o, kHappyNetwork, 2L * 32, "37633");
  const Folds seen = judged({kHappyNetwork, 0.001, 10, 16}, pictures, folds);
  o.checks.push_back(level(fmt::format("accuracy of 10 epochs over {} of 5 folds of 150 pictures", folds),
                           seen.accuracy, ">= 0.80"));
  o.charts.push_back(loss_chart(seen));
  o.albums = {seen.wrong, filters_album(seen.first_weight)};
  o.remarks.push_back(
      fmt::format("The course trains on 600 pictures and reaches 0.88 on these 150; here 120 are "
                  "learned from at a time. Accuracy in training: {:.3g}.",
                  seen.training));
  return o;
}

Outcome signs(const DataFolder& data, int folds, double rate, std::int64_t batch_size) {
  const Pictures pictures = read_pictures_of(data, "test_signs.h5");
  Outcome o;
  check_shapes(o, kSignsNetwork, 0, "1310");
  const Folds seen = judged({kSignsNetwork, rate, 100, batch_size}, pictures, folds);
  o.checks.push_back(level(fmt::format("accuracy of 100 epochs over {} of 5 folds of 120 pictures", folds),
                           seen.accuracy, ">= 0.40"));
  o.charts.push_back(loss_chart(seen));
  o.albums = {seen.wrong, filters_album(seen.first_weight)};
  o.remarks.push_back(
      fmt::format("The course trains on 1080 pictures and reaches about 0.8 on these 120; here 96 "
                  "are learned from at a time. Accuracy in training: {:.3g}.",
                  seen.training));
  return o;
}

Outcome run_happy(const DataFolder& data) { return happy(data, 5); }
Outcome brief_happy(const DataFolder& data) { return happy(data, 1); }
// With Keras's short steps a pass needs as many of them as the course's, which are 1080 / 64.
constexpr std::int64_t kFewer = 6;
Outcome run_signs(const DataFolder& data) { return signs(data, 5, 0.001, kFewer); }
Outcome brief_signs(const DataFolder& data) { return signs(data, 1, 0.001, kFewer); }
Outcome run_quick_signs(const DataFolder& data) { return signs(data, 5, 0.009, 64); }
Outcome brief_quick_signs(const DataFolder& data) { return signs(data, 1, 0.009, 64); }

}  // namespace

const Recipe kHappyHouse{
    "happy-house",
    "D4W1-A2a",
    "A happy house: one convolution",
    "Padding, a convolution, batch normalisation, pooling and one logit tell smiling faces.",
    "course_dl",
    run_happy,
    "five seconds",
    brief_happy};
const Recipe kSigns{
    "signs",
    "D4W1-A2b",
    "Fingers that show numbers: two convolutions",
    "1,310 parameters tell six signs of a hand, where a hundred pictures are too few for a large "
    "network.",
    "course_dl",
    run_signs,
    "ten seconds",
    brief_signs};
const Recipe kSignsQuickly{"signs-large-steps",
                           "D4W1-A2c",
                           "Fingers that show numbers: nine times the learning rate",
                           "The same network as the course's first edition trains it.",
                           "course_dl",
                           run_quick_signs,
                           "ten seconds",
                           brief_quick_signs};

}  // namespace cairn::recipes
