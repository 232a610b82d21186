// D2W1-A2: what a penalty and dropout do to a network that learns by heart.
#include <cmath>

#include "cairn/readers/mat.h"
#include "recipes/list.h"
#include "recipes/one_network.h"

namespace cairn::recipes {
namespace {

struct Field {
  Planar train, unseen;
};

// Where on the field a ball was headed by a player of the one team or of the other.
Field read_field(const DataFolder& data) {
  const std::string file = data.file("course_dl/football_2d.mat");
  const auto part = [&](const char* x, const char* y) {
    return Planar{mat_array(file, x).to(DType::f64), mat_array(file, y).to(DType::f64)};
  };
  return {part("X", "y"), part("Xval", "yval")};
}

struct Way {
  const char* name;
  double penalty, keep;
  std::vector<const char*> costs;  // before steps 1, 10001, 20001
  const char *train, *unseen;
};

OneNetworkOptions options_of(const Way& way) {
  return {.sizes = {2, 20, 3, 1},
          .penalty = way.penalty,
          .keep = way.keep,
          .course_masks = way.keep < 1,
          .learning_rate = 0.3,
          .scale = [](double inputs) { return 1 / std::sqrt(inputs); }};
}

const std::vector<Way>& ways() {
  static const std::vector<Way> all{
      {"nothing", 0, 1, {"0.6557412523481002", "0.163299875257", "0.138516424233"}, "0.947867", "0.915"},
      {"a penalty of 0.7",
       0.7,
       1,
       {"0.6974484493131264", "0.268491887328", "0.268091633713"},
       "0.938389",
       "0.93"},
      {"dropout that keeps 0.86",
       0,
       0.86,
       {"0.6543912405149825", "0.061016986574906", "0.060582435798513"},
       "0.928910",
       "0.95"}};
  return all;
}

Outcome run(const DataFolder& data) {
  constexpr std::uint32_t kSteps = 30000, kEvery = 1000, kPrintedEvery = 10;
  const Field field = read_field(data);
  Outcome o;
  Chart costs{.title = "Cost against steps", .x = "step", .y = "cost"};
  for (const Way& way : ways()) {
    OneNetwork net(options_of(way), field.train);
    const std::vector<double> seen = net.train(kSteps, kEvery);
    const std::string with = std::string("with ") + way.name;
    for (std::size_t i = 0; i < way.costs.size(); ++i)
      o.checks.push_back(printed(with + ": cost before step " + std::to_string(10000 * i + 1),
                                 seen[kPrintedEvery * i], way.costs[i]));
    o.checks.push_back(printed(with + ": accuracy, training", net.accuracy(field.train), way.train));
    o.checks.push_back(printed(with + ": accuracy, unseen", net.accuracy(field.unseen), way.unseen));
    costs.series.push_back(loss_line(with, seen, kEvery));
    o.charts.push_back(net.picture("The boundary " + with));
  }
  o.charts.push_back(std::move(costs));
  OneNetworkOptions own = options_of(ways().back());
  own.course_masks = false;
  OneNetwork net(own, field.train);
  net.train(kSteps, kEvery);
  o.checks.push_back(
      level("with dropout anew in every step: accuracy, unseen", net.accuracy(field.unseen), ">= 0.93"));
  o.remarks = {
      "The lab draws its masks from seed 1 in every forward pass, so that the same units rest in every "
      "step; the last number is of the layer `dropout`, whose masks change.",
      "Penalty and dropout cost some of the training accuracy and win accuracy on unseen points."};
  return o;
}

Outcome brief(const DataFolder& data) {
  const Field field = read_field(data);
  Outcome o;
  for (const Way& way : ways())
    o.checks.push_back(printed(std::string("with ") + way.name + ": first cost",
                               OneNetwork(options_of(way), field.train).pass(0), way.costs[0]));
  OneNetwork net(options_of(ways()[1]), field.train);
  const std::vector<double> seen = net.train(10001, 10000);
  o.checks.push_back(printed("with a penalty of 0.7: cost before step 10001", seen[1], ways()[1].costs[1]));
  return o;
}

}  // namespace

const Recipe kFootball{"football-regularisation",
                       "D2W1-A2",
                       "Penalty and dropout: where to kick the ball",
                       "Two ways to keep a network from learning its examples by heart, and what each costs.",
                       "course_dl",
                       run,
                       "ten seconds",
                       brief};

}  // namespace cairn::recipes
