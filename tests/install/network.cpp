// Trains a network on the CSV that it is given: what a person writes, and how long it compiles.
#include <cairn/data/csv.h>
#include <cairn/nn/activation.h>
#include <cairn/nn/linear.h>
#include <cairn/nn/sequential.h>
#include <cairn/ops/loss.h>
#include <cairn/optim/adam.h>
#include <cairn/train/loader.h>

#include <iostream>

int main(int argc, char** argv) try {
  using namespace cairn;
  if (argc != 2) return 2;
  const Dataset train(read_csv(argv[1]).table, {.roles = {.target = "species"}});
  Sequential net{Linear({.in = 4, .out = 32}), Relu(), Linear({.in = 32, .out = 3})};
  Adam opt(net, {.learning_rate = 1e-2});
  double last = 0;
  for (int epoch = 0; epoch < 30; ++epoch)
    for (auto& [x, y] : Loader(train, {.batch_size = 64, .shuffle = true, .seed = 1})) {
      Tensor loss = cross_entropy(net(x), y);
      opt.step(backward(loss, net));
      last = loss.item();
    }
  std::cout << "loss " << last << "\n";
  return last < 0.5 ? 0 : 1;
} catch (const cairn::Error& error) {
  std::cerr << error.what() << "\n";
  return error.exit_code();
}
