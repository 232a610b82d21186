// CIFAR-10 by the residual network of He, Zhang, Ren and Sun (2016, section 4.2, n = 3: ResNet-20), declared
// in networks/resnet20.json and trained as `cairn train --learner cnn --set network=FILE` does it.
#include <fmt/format.h>
#include <sys/resource.h>

#include "cairn/model/evaluate.h"
#include "cairn/nn/network.h"
#include "cairn/readers/pictures.h"
#include "cairn/train/cnn.h"
#include "recipes/list.h"
#include "recipes/networks.h"

namespace cairn::recipes {
namespace {

struct Parts {
  Dataset train, test;
};

// Every `every`-th picture of the copy in JPEG, class after class.
Dataset part(const DataFolder& data, const char* name, std::int64_t every) {
  const ReadResult read = read_pictures(data.file(fmt::format("cifar10/{}", name)));
  std::vector<std::int64_t> rows;
  for (std::int64_t r = 0; r < read.table.num_rows(); r += every) rows.push_back(r);
  return Dataset(read.table.select(rows), {.roles = {.target = read.target, .id = {"file"}}});
}
Parts parts(const DataFolder& data, std::int64_t every) {
  return {part(data, "train_50000_jpeg.tar.gz", every), part(data, "test_10000_jpeg.tar.gz", every)};
}

// Of both cores together: what a busy machine does not change much.
double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Outcome trained(const Parts& data, std::int64_t epochs, const char* bar) {
  Outcome o;
  Network net = Network::parse(kResnet20);
  const std::int64_t count = count_parameters(net).total;
  o.checks.push_back(printed("millions of parameters", 1e-6 * static_cast<double>(count), "0.27"));
  const double before = cpu_seconds();
  const auto model = Cnn({.network = kResnet20,
                          .shift = 0.125,
                          .optimizer = "sgd",
                          .learning_rate = 0.1,
                          .epochs = epochs,
                          .batch_size = 128,
                          .weight_decay = 0.005})
                         .fit(data.train, {.seed = 1});
  const double seconds = cpu_seconds() - before;
  const Evaluation seen = evaluate(*model, data.test, {"accuracy"});
  o.checks.push_back(
      level(fmt::format("accuracy on {} test pictures after {} epochs", data.test.num_rows(), epochs),
            seen.value("accuracy"), bar));
  // Reported, not judged: the time is the machine's.
  o.remarks.push_back(
      fmt::format("{} parameters as counted; the training took {:.0f} CPU seconds.", count, seconds));
  o.charts.push_back({.title = "Loss against epochs",
                      .x = "epoch",
                      .y = "loss",
                      .series = {loss_line("training", model->loss_history())}});
  return o;
}

constexpr std::int64_t kOfTenMinutes = 5, kOfAnHour = 16;

Outcome run_quick(const DataFolder& data) { return trained(parts(data, 1), kOfTenMinutes, ">= 0.75"); }
Outcome run_long(const DataFolder& data) { return trained(parts(data, 1), kOfAnHour, ">= 0.85"); }
// Two thousand pictures, two hundred of them new: better than the one in ten of guessing.
Outcome brief_quick(const DataFolder& data) { return trained(parts(data, 25), 3, ">= 0.2"); }
Outcome brief_long(const DataFolder& data) { return trained(parts(data, 25), 3, ">= 0.2"); }

}  // namespace

const Recipe kCifarQuickly{"cifar10-quickly",
                           "CIFAR-10a",
                           "CIFAR-10 by a residual network, in ten minutes",
                           "Twenty layers learn where each block only adds to what comes in; a learning rate "
                           "that rises and falls once makes few passes enough.",
                           "cifar10",
                           run_quick,
                           "ten minutes",
                           brief_quick};
const Recipe kCifar{"cifar10",
                    "CIFAR-10b",
                    "CIFAR-10 by a residual network",
                    "The same network with more passes over pictures that are flipped and shifted anew each "
                    "time.",
                    "cifar10",
                    run_long,
                    "an hour",
                    brief_long};

}  // namespace cairn::recipes
