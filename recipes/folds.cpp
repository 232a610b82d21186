#include "recipes/folds.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cairn/ops/loss.h"
#include "cairn/optim/optimizer_table.h"
#include "cairn/readers/hdf5.h"
#include "cairn/train/trainer.h"

namespace cairn::recipes {
namespace {

constexpr std::size_t kMostWrong = 24;

}  // namespace

Pictures read_pictures_of(const DataFolder& data, const std::string& name) {
  const std::string file = data.file("course_dl/" + name);
  ReadOptions options;
  options.arguments = {{"inputs", "test_set_x"}, {"targets", "test_set_y"}};
  const ReadResult read = read_hdf5(file, options);
  const Dataset dataset(read.table, {.roles = {.target = read.target}});
  return {pictures_in(file, "test"), k_fold(dataset, 5, 1)};
}

Folds judged(const FoldPlan& plan, const Pictures& pictures, int folds) {
  Folds result;
  std::vector<Wrong> all_wrong;
  double right = 0, judged = 0, right_in_training = 0, trained = 0;
  for (int fold = 0; fold < folds; ++fold) {
    const Split& split = pictures.folds[static_cast<std::size_t>(fold)];
    Network net = Network::parse(plan.network);
    const bool one_logit = net.output_shape() == Shape{1};
    const auto part = [&](const std::vector<std::int64_t>& rows) {
      Examples e = rows_of(pictures.all, rows);
      e.x = from_0_to_1(e.x);
      if (one_logit) e.y = e.y.reshape({e.y.size(), 1}).to(DType::f32);
      return e;
    };
    const Examples train = part(split.train), test = part(split.test);
    initialise(net, 1);
    const auto opt =
        optimizer_named("adam").make(net, Json{{"learning_rate", plan.learning_rate}}, StepOptions{});
    const Loader loader(train.x, train.y, {.batch_size = plan.batch_size, .shuffle = true, .seed = 1});
    const History history = Trainer({.epochs = plan.epochs}).fit(net, *opt, loader, [&](const Batch& b) {
      return one_logit ? bce_with_logits(net(b.x), b.y) : cross_entropy(net(b.x), b.y);
    });
    if (fold == 0) {
      for (const Epoch& e : history.epochs) result.losses.push_back(e.loss);
      result.first_weight = parameters(net)[0].parameter->value().detach();
    }
    const auto wrong = wrong_rows(net, test);
    for (const Wrong& w : wrong)
      all_wrong.push_back({split.test[static_cast<std::size_t>(w.row)], w.is, w.said});
    right += static_cast<double>(test.x.size(0)) - static_cast<double>(wrong.size());
    judged += static_cast<double>(test.x.size(0));
    right_in_training += accuracy(net, train) * static_cast<double>(train.x.size(0));
    trained += static_cast<double>(train.x.size(0));
  }
  result.wrong = wrong_album(
      "Wrong ones among unseen pictures", all_wrong,
      [&](std::int64_t row) { return picture_at(pictures.all.x, row); }, kMostWrong);
  result.accuracy = right / judged;
  result.training = right_in_training / trained;
  return result;
}

Chart loss_chart(const Folds& folds) {
  return {.title = "Loss of the first fold against epochs",
          .x = "epoch",
          .y = "loss",
          .series = {loss_line("training", folds.losses)}};
}

}  // namespace cairn::recipes
