// K-2A, K-2B, K-3A, K-3B: MNIST by softmax regression, one hidden layer, two and four convolutions.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/pool2d.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/optimizer_table.h"
#include "cairn/readers/idx.h"
#include "cairn/train/trainer.h"
#include "recipes/list.h"
#include "recipes/networks.h"

namespace cairn::recipes {
namespace {

struct Mnist {
  Examples train, test;  // u8 [n, 28, 28, 1]
};

Examples examples_of(const Table& table, const std::string& target) {
  const Column& labels = table.column(target);
  std::vector<std::int64_t> digits;
  for (std::int64_t i = 0; i < table.num_rows(); ++i) digits.push_back(std::stoll(labels.cell(i)));
  for (const Column& c : table.columns())
    if (c.kind() == ColumnKind::image) return {c.values(), Tensor::from(digits)};
  throw DataError("mnist", "there are no pictures");
}

// All of it, or so many training pictures and a third of that for the test: as much as a test can bear.
Mnist read_mnist(const DataFolder& data, std::int64_t most = 0) {
  const ReadResult read = read_idx(data.file("mnist"));
  Mnist all{examples_of(read.table, read.target), examples_of(*read.test, read.target)};
  if (most == 0) return all;
  return {first_rows(all.train, most), first_rows(all.test, most / 3)};
}

// Networks begin with the picture as it is or, for the first two labs, as a row.
constexpr const char* kSoftmax = R"({"input": [28, 28, 1], "layers": ["flatten",
    {"layer": "linear", "out": 10, "init": "normal", "init_scale": 0.0357142857142857}]})";
constexpr const char* kOneHidden = R"({"input": [28, 28, 1], "layers": ["flatten",
    {"layer": "linear", "out": 500, "init": "he_uniform"}, "relu", {"layer": "linear", "out": 10}]})";
constexpr const char* kTwoConvolutions = R"({"input": [28, 28, 1], "layers": [
    {"layer": "conv2d", "out": 32, "kernel": 5, "padding": "same"}, "relu", "max_pool2d",
    {"layer": "conv2d", "out": 64, "kernel": 5, "padding": "same"}, "relu", "max_pool2d", "flatten",
    {"layer": "linear", "out": 256, "init": "he_uniform"}, "relu", {"layer": "linear", "out": 10}]})";
constexpr const char* kFourConvolutions = R"({"input": [28, 28, 1], "layers": [
    {"layer": "conv2d", "out": 32, "padding": "same"}, "relu",
    {"layer": "conv2d", "out": 32, "padding": "same"}, "relu", "max_pool2d",
    {"layer": "conv2d", "out": 64, "padding": "same"}, "relu",
    {"layer": "conv2d", "out": 64, "padding": "same"}, "relu", "max_pool2d", "flatten",
    {"layer": "linear", "out": 256, "init": "he_uniform"}, "relu", {"layer": "linear", "out": 10}]})";

struct Lab {
  const char *network, *parameters;
  const char* optimizer;
  double learning_rate;
  std::int64_t epochs;
  std::uint64_t starts = 1;  // from the seeds 1, 2, ...
};

struct Trained {
  std::vector<double> accuracies, losses;     // a seed each; an epoch each, of the first seed
  std::vector<std::int64_t> wrong, of_digit;  // of the first seed: pictures, and how many of each digit
};

Trained trained(const Lab& lab, const Mnist& data) {
  Trained result{.of_digit = std::vector<std::int64_t>(10)};
  for (std::uint64_t seed = 1; seed <= lab.starts; ++seed) {
    Network net = Network::parse(lab.network);
    initialise(net, seed);
    const auto opt =
        optimizer_named(lab.optimizer).make(net, Json{{"learning_rate", lab.learning_rate}}, StepOptions{});
    const Loader loader(data.train.x, data.train.y, {.batch_size = 100, .shuffle = true, .seed = seed});
    const History history = Trainer({.epochs = lab.epochs}).fit(net, *opt, loader, [&](const Batch& b) {
      return cross_entropy(net(from_0_to_1(b.x)), b.y);
    });
    const auto wrong = wrong_rows(net, data.test);
    const auto n = static_cast<double>(data.test.x.size(0));
    result.accuracies.push_back((n - static_cast<double>(wrong.size())) / n);
    if (result.accuracies.size() > 1) continue;
    result.wrong = wrong;
    for (const std::int64_t r : wrong) ++result.of_digit[static_cast<std::size_t>(data.test.y.item({r}))];
    for (const Epoch& e : history.epochs) result.losses.push_back(e.loss);
  }
  return result;
}

Outcome run_lab(const Lab& lab, const Mnist& data, const char* bar) {
  Outcome o;
  Network net = Network::parse(lab.network);
  o.checks.push_back(printed("parameters", static_cast<double>(count_parameters(net).total), lab.parameters));
  const Trained t = trained(lab, data);
  o.checks.push_back(level(fmt::format("accuracy on {} test pictures after {} epoch{}{}", data.test.x.size(0),
                                       lab.epochs, lab.epochs == 1 ? "" : "s",
                                       lab.starts > 1 ? fmt::format(", median of {} seeds", lab.starts) : ""),
                           median(t.accuracies), bar));
  Series bars{.name = "wrong", .kind = "bars"};
  for (std::size_t digit = 0; digit < 10; ++digit) bars.points.emplace_back(digit, t.of_digit[digit]);
  o.charts.push_back(
      {.title = "Wrong test pictures of each digit", .x = "digit", .y = "pictures", .series = {bars}});
  o.remarks.push_back(fmt::format("Accuracies by seed: {:.4f}; losses by epoch: {:.4f}.",
                                  fmt::join(t.accuracies, ", "), fmt::join(t.losses, ", ")));
  o.remarks.push_back(fmt::format("Wrong, by number: {}.", listed(t.wrong)));
  return o;
}

// The loss written out, as the lab writes it, beside the library's.
void check_loss_by_hand(Outcome& o, const Mnist& data) {
  Network net = Network::parse(kSoftmax);
  initialise(net, 1);
  const Tensor logits = net(from_0_to_1(data.train.x.slice(0, 0, 100))), y = data.train.y.slice(0, 0, 100);
  const Tensor powers = exp(logits);
  const Tensor by_hand = mean(sum(log(powers / sum(powers, 1, true)) * one_hot(y, 10, DType::f32), 1)) * -1.0;
  o.checks.push_back(level("cross-entropy by hand less the library's (the course: 3e-7)",
                           std::abs(by_hand.item() - cross_entropy(logits, y).item()), "<= 3e-7"));
}

void check_pooling(Outcome& o) {
  const Tensor x =
      Tensor::from(std::vector<double>{1, 1, 2, 4, 5, 6, 7, 8, 3, 2, 1, 0, 1, 2, 3, 4}).reshape({1, 4, 4, 1});
  const Tensor largest = max_pool2d(x, 2), means = average_pool2d(x, 2);
  const char *const of_max[] = {"6", "8", "3", "4"}, *const of_mean[] = {"3.25", "5.25", "2", "2"};
  for (std::int64_t i = 0; i < 4; ++i) {
    o.checks.push_back(
        printed(fmt::format("largest of window {}", i + 1), largest.item({0, i / 2, i % 2, 0}), of_max[i]));
    o.checks.push_back(
        printed(fmt::format("mean of window {}", i + 1), means.item({0, i / 2, i % 2, 0}), of_mean[i]));
  }
}

Outcome softmax_on(const Mnist& mnist, const char* bar) {
  Outcome o = run_lab({kSoftmax, "7850", "sgd", 0.1, 1, 3}, mnist, bar);
  check_loss_by_hand(o, mnist);
  o.remarks.emplace_back(
      "The lab must zero its gradients before every step; here gradients are values, and nothing is left "
      "over.");
  return o;
}
Outcome run_softmax(const DataFolder& data) { return softmax_on(read_mnist(data), ">= 0.90"); }
Outcome brief_softmax(const DataFolder& data) { return softmax_on(read_mnist(data, 6000), ">= 0.78"); }

Outcome hidden_on(const Mnist& mnist, const char* bar) {
  return run_lab({kOneHidden, "397510", "sgd", 0.1, 1, 3}, mnist, bar);
}
Outcome run_hidden(const DataFolder& data) { return hidden_on(read_mnist(data), ">= 0.92"); }
Outcome brief_hidden(const DataFolder& data) { return hidden_on(read_mnist(data, 6000), ">= 0.80"); }

Outcome run_two(const DataFolder& data) {
  Outcome o = run_lab({kTwoConvolutions, "857738", "adam", 0.001, 3, 3}, read_mnist(data), ">= 0.986");
  check_pooling(o);
  return o;
}
Outcome brief_two(const DataFolder& data) {
  Outcome o = run_lab({kTwoConvolutions, "857738", "adam", 0.001, 1}, read_mnist(data, 3000), ">= 0.88");
  check_pooling(o);
  return o;
}

Outcome run_four(const DataFolder& data) {
  return run_lab({kFourConvolutions, "870634", "adam", 0.001, 3}, read_mnist(data), ">= 0.987");
}
Outcome brief_four(const DataFolder& data) {
  return run_lab({kFourConvolutions, "870634", "adam", 0.001, 1}, read_mnist(data, 3000), ">= 0.86");
}

}  // namespace

const Recipe kMnistSoftmax{"mnist-softmax",
                           "K-2A",
                           "MNIST by softmax regression",
                           "Ten weighted sums of 784 pixels are right nine times in ten after one pass.",
                           "mnist",
                           run_softmax,
                           "five seconds",
                           brief_softmax};
const Recipe kMnistHidden{"mnist-one-hidden-layer",
                          "K-2B",
                          "MNIST by one hidden layer",
                          "500 units between pixels and digits: what softmax regression cannot see.",
                          "mnist",
                          run_hidden,
                          "five seconds",
                          brief_hidden};
const Recipe kMnistConvolutions{"mnist-two-convolutions",
                                "K-3A",
                                "MNIST by two convolutions",
                                "The same small windows are looked for everywhere in the picture; pooling "
                                "keeps roughly where they were found.",
                                "mnist",
                                run_two,
                                "three minutes",
                                brief_two};
const Recipe kMnistFourConvolutions{
    "mnist-four-convolutions",
    "K-3B",
    "MNIST by four convolutions",
    "Two small windows one after the other see as far as a large one, with fewer weights.",
    "mnist",
    run_four,
    "two minutes",
    brief_four};

}  // namespace cairn::recipes
