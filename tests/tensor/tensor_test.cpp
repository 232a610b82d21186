#include "cairn/tensor/tensor.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "cairn/base/error.h"

using namespace cairn;

TEST_CASE("a tensor is a value: writing to a copy leaves the original") {
  Tensor a = Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6}).reshape({2, 3});
  Tensor b = a;
  b.mutable_data<double>()[0] = 9;
  CHECK(a.item({0, 0}) == 1);
  CHECK(b.item({0, 0}) == 9);
}

TEST_CASE("views copy nothing until they are written to or made contiguous") {
  const Tensor a = Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6}).reshape({2, 3});
  const Tensor t = a.transpose();
  CHECK(t.shape() == Shape{3, 2});
  CHECK(t.item({2, 1}) == 6);
  CHECK_FALSE(t.is_contiguous());
  CHECK_THROWS_AS(t.data<double>(), ShapeError);
  CHECK(t.contiguous().data<double>()[1] == 4);
  const Tensor column = a.slice(1, 1, 2);
  CHECK(column.item({1, 0}) == 5);
  CHECK(column.to(DType::f32).item({1, 0}) == 5);
  CHECK(a.slice(0, 1, 1).size() == 0);
}

TEST_CASE("foreign memory is seen, released once, and never written to") {
  double memory[] = {1, 2};
  int released = 0;
  {
    Tensor t = Tensor::adopt(memory, {2}, DType::f64, [&] { ++released; });
    Tensor copy = t;
    copy.mutable_data<double>()[0] = 7;
    CHECK(memory[0] == 1);
    CHECK(copy.item({0}) == 7);
  }
  CHECK(released == 1);
}

TEST_CASE("mistakes with shapes and types say what was there") {
  const Tensor a = Tensor::zeros({2, 3}, DType::f32);
  CHECK_THROWS_WITH(a.data<double>(), doctest::Contains("f32 [2, 3] was asked for as f64"));
  CHECK_THROWS_WITH(a.reshape({4}), doctest::Contains("has 6 elements and [4] has 4"));
  CHECK_THROWS_AS(a.slice(0, 1, 5), ShapeError);
  CHECK_THROWS_AS(a.item({2, 0}), ShapeError);
  CHECK_THROWS_AS((Shape{1L << 40, 1L << 40}.size()), ResourceError);
  CHECK_THROWS_AS((Shape{-1}), ShapeError);
}

TEST_CASE("many small tensors ask the system seldom, keep apart, and give their memory back") {
  constexpr std::int64_t kTensors = 50'000;
  const auto make = [] {
    std::vector<Tensor> made;
    for (std::int64_t i = 0; i < kTensors; ++i)
      made.push_back(Tensor::full({16}, static_cast<double>(i), DType::f64));
    return made;
  };
  auto requests = [before = Storage::system_allocations()]() mutable {
    const std::int64_t now = Storage::system_allocations();
    return now - std::exchange(before, now);
  };
  Storage::release_unused();
  std::vector<Tensor> tensors = make();
  [[maybe_unused]] const std::int64_t first = requests();
  for (std::size_t i = 0; i < tensors.size(); i += 2) tensors[i] = Tensor();
  Storage::release_unused();
  std::int64_t intact = 0;
  for (std::size_t i = 1; i < tensors.size(); i += 2)
    intact +=
        tensors[i].item({0}) == static_cast<double>(i) && tensors[i].item({15}) == static_cast<double>(i);
  CHECK(intact == kTensors / 2);
  tensors.clear();
  requests();
  tensors = make();
  [[maybe_unused]] const std::int64_t kept = requests();
  tensors.clear();
  Storage::release_unused();
  tensors = make();
  [[maybe_unused]] const std::int64_t again = requests();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)  // which see every block come and go
  CHECK(first > 0);
  CHECK(first < kTensors / 100);
  CHECK(kept == 0);
  CHECK(again > first / 2);
#endif
}
