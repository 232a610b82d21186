// Row N0, oneDNN itself: onednn M K N TIMES. Its own threads; the harness holds it to as many cores.
#include <dnnl.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const long m = std::atol(argv[1]), k = std::atol(argv[2]), n = std::atol(argv[3]),
             times = std::atol(argv[4]);
  std::mt19937 random(0);
  std::uniform_real_distribution<float> draw(-1, 1);
  std::vector<float> a(m * k), b(k * n), c(m * n);
  for (float& v : a) v = draw(random);
  for (float& v : b) v = draw(random);
  for (int threads = 0; std::cin >> threads;) {
    const auto begin = std::chrono::steady_clock::now();
    for (long i = 0; i < times; ++i)
      if (dnnl::sgemm('N', 'N', m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n) !=
          dnnl::status::success)
        return 1;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::printf("{\"seconds\": %.9f, \"corner\": %.9g}\n", seconds.count(), c.back());
    std::fflush(stdout);
  }
  return 0;
}
