// Any text read as a network's declaration gives a network or an error of the family; a network writes itself
// out so that it reads back the same, and a small one can be run.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/nn/network.h"

namespace {

using namespace cairn;

// What running it would take, in numbers; as much as a second of fuzzing bears.
bool small(const Network& net) {
  constexpr std::int64_t kMost = 1 << 16;
  if (net.input_shape().size() > kMost) return false;
  for (const Network::Row& row : net.rows())
    if (row.output.size() > kMost || row.parameters > kMost || row.multiply_adds > 16 * kMost) return false;
  return net.rows().size() < 100;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    Network net = Network::parse(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    const std::string text = net.json();
    if (Network::parse(text, "again").json() != text) std::abort();
    net.summary();
    if (!small(net)) return 0;
    std::vector<std::int64_t> dims{2};
    dims.insert(dims.end(), net.input_shape().dims().begin(), net.input_shape().dims().end());
    const EvaluationScope evaluation(net);
    const Tensor y = net(Tensor::zeros(Shape(dims), DType::f32));
    if (y.size() != 2 * net.output_shape().size()) std::abort();
  } catch (const InternalError&) {
    std::abort();
  } catch (const Error&) {
  }
  return 0;
}
