// Any bytes as the checkpoint of a training or as a flight recording: it is taken up, or is an error of the
// family. The first byte chooses; a right seal lets the fuzzer look behind it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/check/flight_replay.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/dropout.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/network.h"
#include "cairn/nn/sequential.h"
#include "cairn/ops/loss.h"
#include "cairn/optim/adam.h"
#include "cairn/train/trainer.h"
#include "tests/fuzz/memory_file.h"

namespace {

using namespace cairn;

// Loads the checkpoint and is stopped before it would learn and write one.
void take_up(const std::string& path) {
  Sequential net{Linear({.in = 2, .out = 3}), Tanh(), Dropout({.rate = 0.5}), Linear({.in = 3, .out = 1})};
  Adam opt(net, {.learning_rate = 0.01});
  const Loader loader(Tensor::zeros({4, 2}, DType::f32), Tensor::zeros({4, 1}, DType::f32),
                      {.batch_size = 4});
  const StopSource stop;
  stop.request();
  TrainerHooks hooks{.stop = stop.token()};
  hooks.checkpoint = path;
  Trainer({.epochs = 1000, .patience = 5, .plateau = PlateauParams{}, .ema = 0.5})
      .fit(net, opt, loader, [&](const Batch& b) { return mse(net(b.x), b.y); }, hooks);
}

// Only what a second of fuzzing bears is run.
void run_again(const std::string& path) {
  const FlightRecording r = read_recording(path);
  constexpr std::int64_t kMost = 1 << 14;
  if (r.x.size() > kMost || r.network.empty()) return;
  const Network net = Network::parse(r.network, "fuzz");
  if (net.rows().size() > 50) return;
  for (const Network::Row& row : net.rows())
    if (row.output.size() * r.x.size(0) > kMost || row.parameters > kMost || row.multiply_adds > kMost)
      return;
  replay_flight(path).text();
}

void try_bytes(std::string_view bytes, bool recording) {
  try {
    fuzz::with_memory_file(bytes, recording ? run_again : take_up);
  } catch (const InternalError&) {
    std::abort();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const bool recording = data[0] % 2 == 1;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  try_bytes(bytes, recording);
  constexpr std::size_t kSeal = 32;
  if (bytes.size() <= kSeal) return 0;
  cairn::Sha256 hash;
  hash.update(bytes.data(), bytes.size() - kSeal);
  const auto digest = hash.finish();
  bytes.replace(bytes.size() - kSeal, kSeal, reinterpret_cast<const char*>(digest.data()), kSeal);
  try_bytes(bytes, recording);
  return 0;
}
