#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <thread>

#include "cairn/base/background.h"
#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/base/params.h"
#include "cairn/base/random.h"
#include "cairn/base/suggest.h"

using namespace cairn;

namespace {
struct SampleParams {
  int rounds = 3;
  double rate = 0.1;
  bool fast = false;
  std::string mode = "a";
  static const ParamList& list() {
    static const ParamList l{
        param<&SampleParams::rounds>("rounds", "how many times", between(1, 100), {"n_estimators"}),
        param<&SampleParams::rate>("rate", "step length", above_to(0, 1)),
        param<&SampleParams::fast>("fast", "skip the checks"),
        param<&SampleParams::mode>("mode", "which way", one_of("a", "b")),
    };
    return l;
  }
};
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "(no error)";
}
}  // namespace

TEST_CASE("an error says where, what and what to do") {
  Error e = DataError("houses.csv:17", "'n/a' is not a number", "Use --na n/a.");
  CHECK(std::string(e.what()) == "houses.csv:17: 'n/a' is not a number. Use --na n/a.");
  CHECK(e.exit_code() == 3);
  e.add_place("fc1");
  e.add_place("encoder");
  CHECK(std::string(e.what()).starts_with("in encoder.fc1: houses.csv:17:"));
}

TEST_CASE("parameters come from one list") {
  SampleParams p;
  const ParamsView view{"sample", &p, &SampleParams::list()};
  set_param(view, "rounds", "7");
  set_param(view, "mode", "b");
  CHECK(p.rounds == 7);
  CHECK(message_of([&] { set_param(view, "round", "7"); }) ==
        "sample: there is no parameter 'round'. Did you mean 'rounds' (how many times)?");
  CHECK(message_of([&] { set_param(view, "n_estimators", "7"); }).find("Did you mean 'rounds'") !=
        std::string::npos);
  CHECK(message_of([&] { set_param(view, "rounds", "0"); }) == "sample.rounds = 0 is outside [1, 100]");
  CHECK(message_of([&] {
          set_param(view, "rounds", "x");
        }).starts_with("sample.rounds = 'x' is not a whole number"));
  CHECK(
      message_of([&] { set_param(view, "mode", "c"); }).starts_with("sample.mode = 'c' is not one of a, b"));
  const Json json = params_to_json(view);
  SampleParams q;
  params_from_json({"sample", &q, &SampleParams::list()}, json);
  CHECK(q.rounds == 7);
  CHECK(q.mode == "b");
  for (const Param& param : SampleParams::list())
    for (const ParamValue& value : values_outside(param)) {
      SampleParams bad;
      param.set(&bad, value);
      CHECK_THROWS_AS(validate({"sample", &bad, &SampleParams::list()}), ParamError);
    }
}

TEST_CASE("the nearest name is proposed") {
  const std::vector<std::string> names{"ridge", "lasso", "logistic_regression"};
  CHECK(nearest("rigde", names) == "ridge");
  CHECK(nearest("logistic", names) == "logistic_regression");
  CHECK(nearest("zzzz", names).empty());
}

TEST_CASE("random streams depend on seed, name and counter only") {
  Random a(1, "split"), b(1, "split"), c(1, "bootstrap");
  const auto first = a.next64();
  CHECK(first == b.next64());
  CHECK(first != c.next64());
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; ++i) {
    const double z = a.normal();
    sum += z;
    squares += z * z;
  }
  CHECK(std::abs(sum / 1e5) < 0.02);
  CHECK(std::abs(squares / 1e5 - 1) < 0.02);
  auto order = a.permutation(1000);
  std::sort(order.begin(), order.end());
  CHECK(order[999] == 999);
}

TEST_CASE("loops of work beside the caller run on its own thread; the caller's have all threads again") {
  const int before = num_threads();
  set_num_threads(4);
  const auto threads_of_a_loop = [] {
    std::vector<std::thread::id> who(40);
    parallel_for(40, 1, [&](std::int64_t begin, std::int64_t) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      who[static_cast<std::size_t>(begin)] = std::this_thread::get_id();
    });
    return std::set<std::thread::id>(who.begin(), who.end());
  };
  std::set<std::thread::id> seen;
  std::thread::id beside;
  Background work([&] {
    beside = std::this_thread::get_id();
    seen = threads_of_a_loop();
  });
  work.wait();
  CHECK(seen == std::set<std::thread::id>{beside});
  CHECK(beside != std::this_thread::get_id());
  CHECK(threads_of_a_loop().size() > 1);
  set_num_threads(before);
}

TEST_CASE("a parallel sum has the same bits for any number of threads") {
  std::vector<double> x(100000);
  Random random(3, "test");
  for (double& v : x) v = random.normal() * 1e6;
  const auto sum = [&] {
    return parallel_reduce<double>(
        static_cast<std::int64_t>(x.size()), 1000,
        [&](auto b, auto e) { return std::accumulate(x.begin() + b, x.begin() + e, 0.0); },
        [](double& into, double other) { into += other; });
  };
  set_num_threads(1);
  const double one = sum();
  set_num_threads(7);
  CHECK(one == sum());
  set_num_threads(2);
  CHECK(one == sum());
  CHECK_THROWS_AS(parallel_for(100, 1,
                               [](auto b, auto) {
                                 if (b == 50) throw DataError("x", "y");
                               }),
                  DataError);
  StopSource stop;
  stop.request();
  CHECK_THROWS_AS(parallel_for(100, 1, [](auto, auto) {}, stop.token()), Interrupted);
}

TEST_CASE("sha-256 of the standard's own example") {
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
