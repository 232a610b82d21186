// K-2A, K-2B, K-3A, K-3B: MNIST by softmax regression, one hidden layer, two and four convolutions.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cairn/base/atomic_file.h"
#include "cairn/image/picture.h"
#include "cairn/ops/conv2d.h"
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
#include "recipes/values.h"

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
  std::vector<double> accuracies, losses;  // a seed each; an epoch each, of the first seed
  std::vector<Wrong> wrong;                // of the first seed
  std::vector<std::int64_t> of_digit;      // how many of them are each digit
  std::vector<Album> albums;               // of the first seed
};

Album some_digits(const Examples& data) {
  constexpr std::int64_t kShown = 40;
  Album album{.title = "Some of them", .about = "The first training pictures.", .pictures = {}};
  for (std::int64_t row = 0; row < kShown; ++row)
    album.pictures.push_back({picture_at(data.x, row), fmt::format("{}", data.y.item({row}))});
  return album;
}

// Windows of a convolution, or what the softmax adds up for each digit.
Album first_layer(Network& net) {
  const Tensor weight = parameters(net)[0].parameter->value();
  if (weight.ndim() == 4) return filters_album(weight);
  const std::int64_t shown = std::min<std::int64_t>(40, weight.size(0));
  Album album = filters_album(weight.slice(0, 0, shown).contiguous().reshape({shown, 28, 28, 1}));
  album.about = "A weight a pixel, from the smallest, black, to the largest.";
  return album;
}

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
    for (const Wrong& w : wrong) ++result.of_digit[static_cast<std::size_t>(w.is)];
    for (const Epoch& e : history.epochs) result.losses.push_back(e.loss);
    result.albums = {some_digits(data.train),
                     wrong_album("Wrong test pictures", wrong,
                                 [&](std::int64_t row) { return picture_at(data.test.x, row); }),
                     first_layer(net)};
  }
  return result;
}

Outcome run_lab(const Lab& lab, const Mnist& data, const char* bar) {
  Outcome o;
  Network net = Network::parse(lab.network);
  o.checks.push_back(printed("parameters", static_cast<double>(count_parameters(net).total), lab.parameters));
  Trained t = trained(lab, data);
  o.albums = std::move(t.albums);
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

// Shapes of the lab's two convolutions, N H W C where its frameworks write N C H W.
void check_shapes(Outcome& o) {
  const Tensor x = Tensor::zeros({100, 28, 28, 1}, DType::f32),
               first = conv2d(x, Tensor::zeros({16, 3, 3, 1}, DType::f32), {.padding = 1});
  const Tensor weight = Tensor::zeros({32, 3, 3, 16}, DType::f32),
               second = conv2d(first, weight, {.padding = 1});
  check_shape(o, "first convolution", first.shape(), {"100", "28", "28", "16"});
  check_shape(o, "second convolution", second.shape(), {"100", "28", "28", "32"});
  check_shape(o, "flattened", second.reshape({100, 28 * 28 * 32}).shape(), {"100", "25088"});
  check_shape(o, "largest of windows of two", max_pool2d(second, 2).shape(), {"100", "14", "14", "32"});
  check_shape(o, "means of windows of two", average_pool2d(second, 2).shape(), {"100", "14", "14", "32"});
  check_shape(o, "second convolution, stride 2", conv2d(first, weight, {.stride = 2, .padding = 1}).shape(),
              {"100", "14", "14", "32"});
}

// Windows written by hand, slid over a photograph.
void filter_photograph(Outcome& o, const DataFolder& data) {
  constexpr std::int64_t kHeight = 120, kWidth = 213;
  constexpr const char* kPhotograph = "driving_images/test.jpg";
  if (!data.has(kPhotograph)) {
    o.remarks.push_back(fmt::format("{} is not there, so no photograph was filtered.", kPhotograph));
    return;
  }
  const std::string file = data.file(kPhotograph);
  const Tensor photo = resized(decode_picture(read_file(file), file, 3), kHeight, kWidth);
  const Tensor grey = with_channels(photo, 1).to(DType::f64).reshape({1, kHeight, kWidth, 1}) / 255.0;
  Album album{
      .title = "Filters on a photograph",
      .about = "What four windows of 3 x 3 numbers make of it, from the least, black, to the largest.",
      .pictures = {{photo, "the photograph"}}};
  struct Filter {
    const char* name;
    std::vector<double> numbers;
  };
  for (const Filter& f : {Filter{"edges from left to right", {-1, 0, 1, -2, 0, 2, -1, 0, 1}},
                          Filter{"edges from top to bottom", {-1, -2, -1, 0, 0, 0, 1, 2, 1}},
                          Filter{"edges of all directions", {-1, -1, -1, -1, 8, -1, -1, -1, -1}},
                          Filter{"blur", std::vector<double>(9, 1.0 / 9)}}) {
    const Tensor made = conv2d(grey, of(f.numbers, {1, 3, 3, 1}), {.padding = Padding::same()});
    album.pictures.push_back({shades(made.reshape({kHeight, kWidth, 1})), f.name});
    // An edge filter's numbers add up to 0: of a flat picture it leaves nothing.
    const Tensor flat = conv2d(Tensor::full({1, 5, 5, 1}, 0.5, DType::f64), of(f.numbers, {1, 3, 3, 1}));
    o.checks.push_back(printed(fmt::format("{}, of a flat grey of 0.5", f.name), flat.item({0, 1, 1, 0}),
                               f.numbers[0] > 0 ? "0.5" : "0.0"));
  }
  o.albums.push_back(std::move(album));
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
  check_shapes(o);
  filter_photograph(o, data);
  return o;
}
Outcome brief_two(const DataFolder& data) {
  Outcome o = run_lab({kTwoConvolutions, "857738", "adam", 0.001, 1}, read_mnist(data, 3000), ">= 0.88");
  check_pooling(o);
  check_shapes(o);
  filter_photograph(o, data);
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
