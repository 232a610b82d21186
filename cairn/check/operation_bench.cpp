#include "cairn/check/operation_bench.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cairn/base/error.h"
#include "cairn/base/isa.h"
#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"
#include "cairn/check/operation_cases_internal.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/precision.h"
#include "cairn/tensor/repeated_work.h"

namespace cairn {

const ParamList& OperationBenchOptions::list() {
  using P = OperationBenchOptions;
  static const ParamList l{
      param<&P::batch_size>("batch_size", "examples that come in", between(1, 65536)),
      param<&P::seconds>("seconds", "how long each is measured", above_to(0, 60)),
      param<&P::operations>("operations", "names, separated by commas; empty: all"),
      param<&P::precision>("precision", "in which matrices are multiplied; bf16 where the processor can",
                           one_of("f32", "bf16")),
  };
  return l;
}

namespace {

using Clock = std::chrono::steady_clock;

// The fastest of at least five calls: what else runs on the machine only ever makes one slower.
template <class F>
double seconds_of(double budget, const StopToken& stop, F&& call) {
  constexpr std::size_t kLeast = 5, kMost = 10000;
  call();  // prepares kernels, fills the cache of memory
  std::vector<double> times;
  const auto begin = Clock::now();
  while (times.size() < kLeast ||
         (times.size() < kMost && std::chrono::duration<double>(Clock::now() - begin).count() < budget)) {
    stop.throw_if_requested("bench");
    const auto at = Clock::now();
    call();
    times.push_back(std::chrono::duration<double>(Clock::now() - at).count());
  }
  return std::max(*std::ranges::min_element(times), 1e-9);
}

double bytes_of(std::span<const Tensor> tensors) {
  double bytes = 0;
  for (const Tensor& t : tensors)
    bytes += static_cast<double>(t.size()) * static_cast<double>(size_of(t.dtype()));
  return bytes;
}

OperationTime measured(const OperationCase& c, double budget, const StopToken& stop) {
  OperationTime row{.operation = c.op->name, .shapes = c.shapes(), .flops = c.flops};
  Tensors made;
  for (const CaseInput& i : c.in) made.push_back(i.made());
  const std::span<const Tensor> in(made.data(), made.size());
  const Tensors out = apply(*c.op, in, c.attributes);
  row.kernel = chosen_kernel(*c.op, in, c.attributes);
  row.bytes = bytes_of(in) + bytes_of({out.data(), out.size()});
  row.seconds = seconds_of(budget, stop, [&] { apply(*c.op, in, c.attributes); });
  return row;
}

// Bytes a second of a copy by all threads, far larger than the caches.
double copy_rate(double budget, const StopToken& stop) {
  constexpr std::int64_t kBytes = 64 << 20, kGrain = 1 << 20;
  const Tensor from = Tensor::zeros({kBytes}, DType::u8);
  Tensor to = Tensor::zeros({kBytes}, DType::u8);
  std::uint8_t* const target = to.mutable_data<std::uint8_t>().data();
  const std::uint8_t* const source = from.data<std::uint8_t>().data();
  const double seconds = seconds_of(budget, stop, [&] {
    parallel_for(kBytes, kGrain, [&](std::int64_t begin, std::int64_t end) {
      std::memcpy(target + begin, source + begin, static_cast<std::size_t>(end - begin));
    });
  });
  return 2.0 * static_cast<double>(kBytes) / seconds;
}

std::vector<OperationCase> asked(const OperationBenchOptions& options) {
  std::vector<OperationCase> all = operation_cases(options.batch_size);
  std::set<std::string> known, wanted;
  for (const OperationCase& c : all) known.insert(c.op->name);
  std::size_t begin = 0;
  while (begin < options.operations.size()) {
    const std::size_t comma = std::min(options.operations.find(',', begin), options.operations.size());
    std::string name = options.operations.substr(begin, comma - begin);
    std::erase(name, ' ');
    begin = comma + 1;
    if (name.empty()) continue;
    if (!known.contains(name))
      throw UsageError("--operations", fmt::format("'{}' is not measured", name),
                       suggestion(name, std::vector<std::string>(known.begin(), known.end())));
    wanted.insert(std::move(name));
  }
  if (!wanted.empty())
    std::erase_if(all, [&](const OperationCase& c) { return !wanted.contains(c.op->name); });
  return all;
}

// Bytes that programs can still get; where the system does not tell, all that the machine has.
double memory_left() {
  std::ifstream facts("/proc/meminfo");
  constexpr double kKilo = 1024;
  for (std::string word; facts >> word;)
    if (double value = 0; word == "MemAvailable:" && facts >> value) return kKilo * value;
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void check_memory(const std::vector<OperationCase>& cases, const OperationBenchOptions& options) {
  const double most = options.max_memory > 0 ? static_cast<double>(options.max_memory) : memory_left();
  constexpr double kGiga = 1e9;
  for (const OperationCase& c : cases)
    if (const double bytes = c.bytes(); bytes > most)
      throw ResourceError(
          "bench",
          fmt::format("{} of {} takes {:.3g} GB of memory; {} {:.3g} GB", c.op->name, c.shapes(),
                      bytes / kGiga, options.max_memory > 0 ? "the limit is" : "the machine has left",
                      most / kGiga),
          "A smaller --batch-size takes less; --operations leaves others out.");
}

std::string time_text(double seconds) {
  return seconds >= 1e-3 ? fmt::format("{:.3g} ms", 1e3 * seconds) : fmt::format("{:.3g} us", 1e6 * seconds);
}

}  // namespace

OperationBench bench_operations(const OperationBenchOptions& options, const StopToken& stop,
                                Progress* progress) {
  validate({"bench", const_cast<OperationBenchOptions*>(&options), &OperationBenchOptions::list()});
  const std::vector<OperationCase> cases = asked(options);
  check_memory(cases, options);
  const NoGrad no_grad;
  const RepeatedWork repeated_work;
  const PrecisionScope precision(options.precision == "bf16" ? Precision::bf16 : Precision::f32,
                                 "--precision");
  OperationBench bench{.instruction_set = instruction_set(), .threads = num_threads()};
  if (progress) progress->begin("operations", std::ssize(cases));
  for (const std::int64_t side : {std::int64_t{1024}, std::int64_t{2048}}) {
    const OperationCase product = product_case(side);
    bench.peak_flops =
        std::max(bench.peak_flops, product.flops / measured(product, options.seconds, stop).seconds);
  }
  bench.peak_bytes = copy_rate(options.seconds, stop);
  for (const OperationCase& c : cases) {
    bench.rows.push_back(measured(c, options.seconds, stop));
    const OperationTime& row = bench.rows.back();
    bench.peak_flops = std::max(bench.peak_flops, row.flops / row.seconds);
    if (progress) progress->advance(1);
  }
  if (progress) progress->end();
  for (OperationTime& row : bench.rows)
    row.share = row.flops > 0 ? row.flops / row.seconds / bench.peak_flops
                              : row.bytes / row.seconds / bench.peak_bytes;
  return bench;
}

std::string OperationBench::text() const {
  std::size_t shapes = 6, operation = 9;
  for (const OperationTime& r : rows) {
    shapes = std::max(shapes, r.shapes.size());
    operation = std::max(operation, r.operation.size());
  }
  std::string text = fmt::format(
      "{} thread{}, {}. Peaks measured in this run: {:.1f} GFLOP/s in a product of matrices, {:.1f} GB/s in "
      "a "
      "copy.\n\n{:<{}}  {:<{}}  {:<11}  {:>9}  {:>14}  {:>8}\n",
      threads, threads == 1 ? "" : "s", instruction_set, 1e-9 * peak_flops, 1e-9 * peak_bytes, "operation",
      operation, "shapes", shapes, "kernel", "time", "rate", "of peak");
  for (const OperationTime& r : rows)
    text += fmt::format("{:<{}}  {:<{}}  {:<11}  {:>9}  {:>14}  {:>7.0f}%\n", r.operation, operation,
                        r.shapes, shapes, r.kernel, time_text(r.seconds),
                        r.flops > 0 ? fmt::format("{:.1f} GFLOP/s", 1e-9 * r.flops / r.seconds)
                                    : fmt::format("{:.1f} GB/s", 1e-9 * r.bytes / r.seconds),
                        100 * r.share);
  return text + "\nAbove 100 % of a copy the numbers came from the processor's caches.\n";
}

Json OperationBench::json() const {
  Json all = Json::array();
  for (const OperationTime& r : rows)
    all.push_back({{"operation", r.operation},
                   {"shapes", r.shapes},
                   {"kernel", r.kernel},
                   {"seconds", r.seconds},
                   {"flops", r.flops},
                   {"bytes", r.bytes},
                   {"of_peak", r.share}});
  return {{"instruction_set", instruction_set},
          {"threads", threads},
          {"peak_flops_a_second", peak_flops},
          {"peak_bytes_a_second", peak_bytes},
          {"operations", std::move(all)}};
}

}  // namespace cairn
