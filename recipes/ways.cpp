#include "recipes/ways.h"

#include <fmt/format.h>

#include "cairn/readers/mat.h"

namespace cairn::recipes {

Way he_on_circles() {
  return {.name = "He's rule",
          .options = {.sizes = {2, 10, 5, 1}, .learning_rate = 0.01, .scale = he_scale},
          .passes = 15000,
          .every = 1000,
          .costs = {"0.8830537463419761", "0.6879825919728063", "0.6751286264523371", "0.6526117768893807",
                    "0.6082958970572938", nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                    nullptr, nullptr, "0.07357895962677369"},
          .train = "0.9933",
          .unseen = "0.96"};
}

std::vector<Way> ways_on_the_field() {
  constexpr std::uint32_t kPasses = 30000, kEvery = 10000;
  const OneNetworkOptions nothing{.sizes = {2, 20, 3, 1}, .learning_rate = 0.3, .scale = root_scale};
  OneNetworkOptions penalty = nothing, dropout = nothing;
  penalty.penalty = 0.7;
  dropout.keep = 0.86;
  dropout.course_masks = true;
  return {{.name = "nothing",
           .options = nothing,
           .passes = kPasses,
           .every = kEvery,
           .costs = {"0.6557412523481002", "0.163299875257", "0.138516424233"},
           .train = "0.947867",
           .unseen = "0.915"},
          {.name = "a penalty of 0.7",
           .options = penalty,
           .passes = kPasses,
           .every = kEvery,
           .costs = {"0.6974484493131264", "0.268491887328", "0.268091633713"},
           .train = "0.938389",
           .unseen = "0.93"},
          {.name = "dropout that keeps 0.86",
           .options = dropout,
           .passes = kPasses,
           .every = kEvery,
           .costs = {"0.6543912405149825", "0.061016986574906", "0.060582435798513"},
           .train = "0.928910",
           .unseen = "0.95"}};
}

std::vector<Way> ways_on_moons() {
  constexpr std::uint32_t kPasses = 10000, kEvery = 1000;
  const OneNetworkOptions descent{.learning_rate = 7e-4, .batch_size = 64, .scale = he_scale};
  OneNetworkOptions momentum = descent, adam = descent;
  momentum.optimizer_params = R"({"momentum": 0.9, "average": true})";
  adam.optimizer = "adam";
  return {{.name = "descent",
           .options = descent,
           .passes = kPasses,
           .every = kEvery,
           .costs = {"0.702405", "0.668101", "0.635288", "0.600491", "0.573367", "0.551977", "0.532370",
                     "0.514007", "0.496472", "0.468014"},
           .train = "0.7967",
           .half = "0.7167"},
          {.name = "momentum",
           .options = momentum,
           .passes = kPasses,
           .every = kEvery,
           .costs = {"0.702413", "0.668167", "0.635388", "0.600591", "0.573444", "0.552058", "0.532458",
                     "0.514101", "0.496652", "0.468160"},
           .train = "0.7967",
           .half = "0.7167"},
          {.name = "Adam",
           .options = adam,
           .passes = kPasses,
           .every = kEvery,
           .costs = {"0.702166", "0.167845", "0.141316", "0.138788", "0.136066", "0.134240", "0.131127",
                     "0.130216", "0.129623", "0.129118"},
           .train = "0.94",
           .half = "0.9433"}};
}

Field read_field(const DataFolder& data) {
  const std::string file = data.file("course_dl/football_2d.mat");
  const auto part = [&](const char* x, const char* y) {
    return Planar{mat_array(file, x).to(DType::f64), mat_array(file, y).to(DType::f64)};
  };
  return {part("X", "y"), part("Xval", "yval")};
}

void check_costs(Outcome& o, const std::string& name, const Way& way, const std::vector<double>& costs) {
  for (std::size_t i = 0; i < costs.size() && i < way.costs.size(); ++i)
    if (way.costs[i] != nullptr)
      o.checks.push_back(
          printed(fmt::format("{}: cost of pass {}", name, way.every * i), costs[i], way.costs[i]));
}

}  // namespace cairn::recipes
