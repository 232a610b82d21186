// Rows N1, N2 and N3 through torch's C++ interface, without Python's overhead:
//   libtorch add N plain|tape TIMES      libtorch n2|n3 TIMES
// Built by bench/rows.py against the headers and libraries inside the torch wheel.
#include <sys/resource.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

template <class Work>
void serve(const char* word, Work&& work) {
  for (int threads = 0; std::cin >> threads;) {
    at::set_num_threads(threads);
    const auto begin = std::chrono::steady_clock::now();
    const double result = work();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::cout << "{\"" << word << "\": " << result << ", \"seconds\": " << seconds.count()
              << ", \"peak_memory_bytes\": " << usage.ru_maxrss * 1024L << "}" << std::endl;
  }
}

void add(long n, bool tape, long times) {
  const auto a = torch::full({n, n}, 1.0, torch::requires_grad(tape)), b = torch::full({n, n}, 2.0);
  serve("corner", [&] {
    torch::Tensor y;
    for (long i = 0; i < times; ++i) y = a + b;
    return y[n - 1][n - 1].item<double>();
  });
}

void step(const std::vector<long>& sizes, long times) {
  torch::manual_seed(1);
  torch::nn::Sequential net;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    net->push_back(torch::nn::Linear(sizes[i - 1], sizes[i]));
    if (i + 1 < sizes.size()) net->push_back(torch::nn::ReLU());
  }
  torch::optim::Adam optimizer(net->parameters(), torch::optim::AdamOptions(1e-3));
  constexpr long kBatch = 64;
  const auto x = torch::rand({kBatch, sizes.front()}) * 2 - 1;
  const bool classes = sizes.back() > 1;
  const auto y = classes ? torch::randint(0, sizes.back(), {kBatch}, torch::kLong) : torch::rand({kBatch, 1});
  serve("loss", [&] {
    torch::Tensor loss;
    for (long i = 0; i < times; ++i) {
      const auto out = net->forward(x);
      loss = classes ? torch::nn::functional::cross_entropy(out, y) : torch::mse_loss(out, y);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
    }
    return loss.item<double>();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "add" && argc == 5)
    add(std::atol(argv[2]), std::string(argv[3]) == "tape", std::atol(argv[4]));
  else if (what == "n2" && argc == 3)
    step({2, 25, 15, 1}, std::atol(argv[2]));
  else if (what == "n3" && argc == 3)
    step({8, 64, 64, 4}, std::atol(argv[2]));
  else
    return 2;
  return 0;
}
