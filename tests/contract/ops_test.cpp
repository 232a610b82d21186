// Every operation of the catalogue keeps what its record promises: an entry cannot be forgotten.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/ops/activation.h"
#include "cairn/ops/catalogue.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/apply.h"
#include "cairn/tensor/backward.h"
#include "cairn/tensor/samples.h"
#include "cairn/tensor/slots.h"
#include "tests/support/same_bytes.h"

using namespace cairn;
using cairn::testing::same_bytes;

namespace {

bool same_kind(const OpDef& op, const Sample& s) { return s.attributes.kind() == op.attributes; }

std::span<const Tensor> span_of(const Tensors& t) { return {t.data(), t.size()}; }

Tensors run(const OpDef& op, const Tensors& in, const Attributes& attributes) {
  return apply(op, span_of(in), attributes);
}

// One number out of all floating outputs, or out of one: their sum under fixed weights.
constexpr std::size_t kAll = 99;
Tensor loss_of(const Tensors& out, std::size_t which = kAll) {
  Tensor loss;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Tensor& t = out[i];
    if (!is_floating(t.dtype()) || (which != kAll && i != which)) continue;
    const Tensor part = sum(t * uniform(t.shape(), 0.5, 1.5, t.dtype()));
    loss = loss.defined() ? loss + part : part;
  }
  return loss;
}

std::vector<double> values_of(const Tensor& t) {
  const Tensor d = t.detach().to(DType::f64).contiguous();
  return {d.data<double>().begin(), d.data<double>().end()};
}

bool near(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) == std::isnan(b);
  return a == b || std::abs(a - b) <= tolerance * (1 + std::max(std::abs(a), std::abs(b)));
}

// "" or what differs.
std::string difference(const Tensor& a, const Tensor& b, double tolerance) {
  if (!(a.shape() == b.shape())) return a.text() + " against " + b.text();
  const auto x = values_of(a), y = values_of(b);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!near(x[i], y[i], tolerance))
      return "element " + std::to_string(i) + ": " + std::to_string(x[i]) + " against " +
             std::to_string(y[i]);
  return {};
}
std::string difference(const Tensors& a, const Tensors& b, double tolerance) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (const std::string d = difference(a[i], b[i], tolerance); !d.empty()) return d;
  return {};
}

Tensor moved(const Tensor& t, std::int64_t element, double by) {
  Tensor copy = t.detach().contiguous();
  copy.mutable_data<double>()[static_cast<std::size_t>(element)] += by;
  return copy;
}

bool takes_gradient(const Tensor& t) { return t.dtype() == DType::f64; }

// Central differences of `f` about the inputs beside `gradients`.
template <class F>
std::string against_differences(const Tensors& in, const std::vector<Tensor>& gradients, F&& f) {
  constexpr double kStep = 1e-5, kTolerance = 1e-6;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (!takes_gradient(in[i])) continue;
    if (gradients[i].defined() && !(gradients[i].shape() == in[i].shape()))
      return "input " + std::to_string(i) + " is " + in[i].text() + ", its gradient " + gradients[i].text();
    const std::vector<double> found = gradients[i].defined()
                                          ? values_of(gradients[i])
                                          : std::vector<double>(static_cast<std::size_t>(in[i].size()));
    for (std::int64_t e = 0; e < in[i].size(); ++e) {
      Tensors up = in, down = in;
      up[i] = moved(in[i], e, kStep);
      down[i] = moved(in[i], e, -kStep);
      const double expected = (f(up) - f(down)) / (2 * kStep);
      if (!near(found[static_cast<std::size_t>(e)], expected, kTolerance))
        return "input " + std::to_string(i) + ", element " + std::to_string(e) + ": gradient " +
               std::to_string(found[static_cast<std::size_t>(e)]) + ", central difference " +
               std::to_string(expected);
    }
  }
  return {};
}

Tensors watch(const Tensors& in) {
  Tensors leaves;
  for (const Tensor& t : in) leaves.push_back(takes_gradient(t) ? watched(t) : t);
  return leaves;
}
std::vector<Tensor> gradients_at(const Gradients& g, const Tensors& leaves) {
  std::vector<Tensor> all;
  for (const Tensor& t : leaves) all.push_back(t.on_tape() ? g.of(t) : Tensor());
  return all;
}

std::string first_gradient_problem(const OpDef& op, const Sample& s, std::size_t which = kAll) {
  const Tensors leaves = watch(s.in);
  const Tensor loss = loss_of(run(op, leaves, s.attributes), which);
  if (!loss.defined() || !loss.on_tape()) return "the result is not on the tape";
  const auto gradients = gradients_at(backward(loss), leaves);
  return against_differences(
      s.in, gradients, [&](const Tensors& in) { return loss_of(run(op, in, s.attributes), which).item(); });
}

// A number that the first gradients make: sum over inputs of <gradient, weights>. The square of the loss is
// what is differentiated, so that operations that are linear have second derivatives too.
Tensor gradient_number(const OpDef& op, const Tensors& leaves, const Attributes& attributes) {
  const Gradients g = backward(square(loss_of(run(op, leaves, attributes))), {.keep_tape = true});
  Tensor number;
  for (const Tensor& t : leaves) {
    if (!t.on_tape() || !g.of(t).defined()) continue;
    const Tensor part = sum(g.of(t) * uniform(t.shape(), -1, 1.5));
    number = number.defined() ? number + part : part;
  }
  return number;
}
std::string second_gradient_problem(const OpDef& op, const Sample& s) {
  const Tensors leaves = watch(s.in);
  const Tensor number = gradient_number(op, leaves, s.attributes);
  if (!number.defined() || !number.on_tape()) return "the gradient is not on the tape";
  const auto gradients = gradients_at(backward(number), leaves);
  return against_differences(s.in, gradients, [&](const Tensors& in) {
    return gradient_number(op, watch(in), s.attributes).item();
  });
}

bool has_floating_input(const Tensors& in) {
  bool any = false;
  for (const Tensor& t : in) any = any || (takes_gradient(t) && t.size() > 0);
  return any;
}

// The same values with gaps between them, the axes in another order in memory.
Tensor strided(const Tensor& t) {
  if (t.ndim() == 0) return t;
  AxisList back;
  for (int i = t.ndim() - 1; i >= 0; --i) back.push_back(i);
  const Tensor turned = permute(permute(t, back).contiguous(), back);
  const int last = t.ndim() - 1;
  return slice(repeat(turned, 2, last), last, 0, 2 * t.size(last), 2);
}

template <class F>
void each_sample(F&& f) {
  for (const OpDef* op : all_ops()) {
    int number = 0;
    for (const Sample& s : op->samples()) {
      CAPTURE(std::string(op->name));
      CAPTURE(number);
      ++number;
      f(*op, s);
    }
  }
}

}  // namespace

TEST_CASE("operations: records are whole") {
  std::vector<std::string> names;
  for (const OpDef* op : all_ops()) {
    CAPTURE(std::string(op->name));
    CHECK(std::strlen(op->doc) >= 3);
    CHECK(static_cast<bool>(op->infer));
    CHECK(static_cast<bool>(op->cpu || op->view || op->composed));
    CHECK(static_cast<bool>(op->vjp || op->composed));
    REQUIRE(static_cast<bool>(op->samples));
    CHECK_FALSE(op->samples().empty());
    CHECK(std::find(names.begin(), names.end(), op->name) == names.end());
    names.emplace_back(op->name);
    CHECK(&op_named(op->name) == op);
  }
  CHECK_THROWS_WITH(op_named("sofmax"), doctest::Contains("Did you mean 'softmax'?"));
}

TEST_CASE("operations: shapes and types are the promised ones, attributes have names") {
  each_sample([](const OpDef& op, const Sample& s) {
    REQUIRE(same_kind(op, s));
    const TensorSpecs specs = op.infer({span_of(s.in), s.attributes, op.name});
    const Tensors out = run(op, s.in, s.attributes);
    REQUIRE(out.size() == static_cast<std::size_t>(op.num_outputs));
    for (std::size_t i = 0; i < out.size(); ++i) {
      CHECK(out[i].shape() == specs[i].shape);
      CHECK(out[i].dtype() == specs[i].dtype);
    }
    if (s.attributes.empty()) return;
    Attributes copy = s.attributes;
    const ParamsView view = copy.view(op.name);
    CHECK_NOTHROW(validate(view));
    for (const Param& p : *view.list) {
      CHECK_FALSE(p.doc.empty());
      const ParamValue before = p.get(view.object);
      p.set(view.object, before);
      CHECK(p.get(view.object) == before);
    }
  });
}

TEST_CASE("operations: gradients agree with central differences") {
  each_sample([](const OpDef& op, const Sample& s) {
    if (!has_floating_input(s.in)) return;
    if (op.vjp == &not_differentiable) {
      for (const Tensor& t : run(op, watch(s.in), s.attributes)) CHECK_FALSE(t.on_tape());
      return;
    }
    CHECK(first_gradient_problem(op, s) == "");
  });
}

// Where only one of several outputs is asked for, the others' gradients are undefined.
TEST_CASE("operations: gradients of each output alone agree with central differences") {
  each_sample([](const OpDef& op, const Sample& s) {
    if (op.num_outputs < 2 || op.vjp == &not_differentiable || !has_floating_input(s.in)) return;
    for (std::size_t k = 0; k < static_cast<std::size_t>(op.num_outputs); ++k) {
      CAPTURE(k);
      CHECK(first_gradient_problem(op, s, k) == "");
    }
  });
}

TEST_CASE("operations: second derivatives agree with central differences") {
  each_sample([](const OpDef& op, const Sample& s) {
    if (op.vjp == &not_differentiable || !has_floating_input(s.in)) return;
    CHECK(second_gradient_problem(op, s) == "");
  });
}

TEST_CASE("operations: f32 agrees with f64") {
  each_sample([](const OpDef& op, const Sample& s) {
    Tensors in;
    for (const Tensor& t : s.in) in.push_back(t.dtype() == DType::f64 ? t.to(DType::f32) : t);
    CHECK(difference(run(op, in, s.attributes), run(op, s.in, s.attributes), 2e-4) == "");
  });
}

TEST_CASE("operations: strided inputs give what contiguous ones give") {
  each_sample([](const OpDef& op, const Sample& s) {
    Tensors in;
    for (const Tensor& t : s.in) in.push_back(strided(t));
    CHECK(difference(run(op, in, s.attributes), run(op, s.in, s.attributes), 1e-12) == "");
  });
}

TEST_CASE("operations: the composed form is the oracle of the kernel") {
  each_sample([](const OpDef& op, const Sample& s) {
    if (!op.composed || !op.cpu) return;
    CHECK(difference(op.composed({span_of(s.in), s.attributes, op.name}), run(op, s.in, s.attributes),
                     1e-12) == "");
  });
}

TEST_CASE("operations: every kernel that claims a sample agrees with the reference") {
  each_sample([](const OpDef& op, const Sample& s) {
    if (op.slot == SlotId::none || !op.cpu) return;
    for (const DType dtype : {DType::f32, DType::f64}) {
      Tensors in, expected;
      for (const Tensor& t : s.in) in.push_back(t.dtype() == DType::f64 ? t.to(dtype) : t);
      for (const TensorSpec& spec : op.infer({span_of(in), s.attributes, op.name}))
        expected.push_back(Tensor::empty(spec.shape, spec.dtype));
      op.cpu({span_of(in), {expected.data(), expected.size()}, s.attributes});
      for (const KernelSlot& slot : kCpuSlots[op.slot]) {
        CAPTURE(slot.name);
        if (slot.precision != Precision::f32) continue;  // it rounds; tests/kernels judges it
        Tensors out;
        for (const Tensor& t : expected) out.push_back(Tensor::empty(t.shape(), t.dtype()));
        const KernelArgs k{span_of(in), {out.data(), out.size()}, s.attributes};
        if (!slot.supports(k)) continue;
        slot.run(k);
        CHECK(difference(out, expected, dtype == DType::f32 ? 1e-5 : 1e-12) == "");
      }
    }
  });
}

namespace {
Tensor copy_of(const Tensor& t, DType floating) {
  Tensor copy = Tensor::empty(t.shape(), t.dtype());
  std::memcpy(const_cast<std::byte*>(copy.raw()), t.contiguous().raw(),
              static_cast<std::size_t>(t.size()) * size_of(t.dtype()));
  return is_floating(t.dtype()) && t.dtype() != floating ? copy.to(floating) : copy;
}
}  // namespace

TEST_CASE("operations: a result that takes the memory of an input is the same to the last bit") {
  int taken = 0, allowed = 0;
  each_sample([&](const OpDef& op, const Sample& s) {
    if (op.over == kOverNone) return;
    for (const DType dtype : {DType::f32, DType::f64}) {
      const auto inputs = [&] {
        Tensors in;
        for (const Tensor& t : s.in) in.push_back(copy_of(t, dtype));
        return in;
      };
      Tensors given = inputs();
      const Tensors out = run(op, inputs(), s.attributes);
      std::vector<const std::byte*> places;
      for (const Tensor& t : given) places.push_back(t.raw());
      const Tensors over = apply_giving(op, std::move(given), s.attributes);
      for (std::size_t i = 0; i < out.size(); ++i) {
        CHECK(same_bytes(out[i], over[i]));
        if (i >= op.over.size() || op.over[i] < 0 || out[i].size() == 0) continue;
        ++allowed;
        taken += over[i].raw() == places[static_cast<std::size_t>(op.over[i])];
      }
    }
  });
  CHECK(allowed > 10);
  CHECK(taken >= allowed / 2);  // the others have their composed form alone, for f64
}

TEST_CASE("operations: what is made again is the first result to the last bit") {
  int seen = 0;
  each_sample([&](const OpDef& op, const Sample& s) {
    if (!op.again) return;
    for (const DType dtype : {DType::f32, DType::f64}) {
      Tensors in, saved_out;
      for (const Tensor& t : s.in) in.push_back(copy_of(t, dtype));
      const Tensors out = run(op, in, s.attributes);
      const Saves saves = op.saves_for ? op.saves_for(s.attributes, in.size()) : op.saves;
      if (saves.output(0)) continue;  // then nobody asks for it
      for (std::size_t i = 0; i < in.size(); ++i)
        if (!saves.input(i)) in[i] = Tensor();
      for (std::size_t i = 0; i < out.size(); ++i) saved_out.push_back(saves.output(i) ? out[i] : Tensor());
      const Tensor y =
          op.again({{in.data(), in.size()}, {saved_out.data(), out.size()}, {}, {}, {}, {}, s.attributes});
      CHECK(same_bytes(y, out[0]));
      ++seen;
    }
  });
  CHECK(seen >= 8);
}

TEST_CASE("operations: nothing in gives nothing out, or an error, never a crash") {
  each_sample([](const OpDef& op, const Sample& s) {
    Tensors in;
    for (const Tensor& t : s.in) in.push_back(t.ndim() > 0 ? t.slice(0, 0, 0) : t);
    try {
      const Tensors out = run(op, in, s.attributes);
      CHECK(out.size() == static_cast<std::size_t>(op.num_outputs));
    } catch (const Error&) {
    }
  });
}

TEST_CASE("operations: bad samples are refused in the words of their record") {
  for (const OpDef* op : all_ops()) {
    if (!op->bad_samples) continue;
    CAPTURE(std::string(op->name));
    CHECK_FALSE(op->bad_samples().empty());
    for (const BadSample& bad : op->bad_samples())
      CHECK_THROWS_WITH(run(*op, bad.sample.in, bad.sample.attributes), bad.message);
  }
}

// An operation without a bad sample of its own shares its shape rule with one that has some, or takes
// whatever tensor there is.
TEST_CASE("operations: none is without bad samples") {
  const auto takes_anything = [](const OpDef& op) {
    for (const DType dtype : {DType::f32, DType::f64, DType::u8, DType::i32, DType::i64, DType::boolean})
      for (const Shape& shape : {Shape{}, Shape{0}, Shape{2, 3}, Shape{1, 2, 1, 2}}) {
        const TensorSpecs specs = op.infer({span_of({Tensor::zeros(shape, dtype)}), {}, op.name});
        if (!(specs[0].shape == shape) || specs[0].dtype != dtype) return false;
      }
    return true;
  };
  for (const OpDef* op : all_ops()) {
    if (op->bad_samples) continue;
    CAPTURE(std::string(op->name));
    const bool shared = std::ranges::any_of(
        all_ops(), [&](const OpDef* other) { return other->bad_samples && other->infer == op->infer; });
    if (!shared) CHECK((op->arity == 1 && op->attributes == nullptr && takes_anything(*op)));
  }
}

namespace {
constinit const OpDef kWrong{
    .name = "wrong",
    .doc = "a square with half its gradient, to see that the check can fail",
    .infer = [](const OpArgs& a) -> TensorSpecs { return {{a.in[0].shape(), a.in[0].dtype()}}; },
    .cpu =
        [](const KernelArgs& a) {
          const auto x = a.in[0].data<double>();
          const auto y = a.out[0].mutable_data<double>();
          for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i];
        },
    .vjp = [](const VjpArgs& a) -> Tensors { return {a.grad[0] * a.in[0]}; },
    .saves = {.inputs = 0b1},
};
}  // namespace

TEST_CASE("operations: a wrong gradient is found") {
  const Sample s{{uniform({3}, 1, 2)}};
  CHECK(first_gradient_problem(kWrong, s).find("central difference") != std::string::npos);
  CHECK(second_gradient_problem(kWrong, s).find("central difference") != std::string::npos);
}

TEST_CASE("operations: the same bits for any number of threads") {
  const Tensor x = uniform({1000, 301}, -1, 1, DType::f32), y = uniform({301, 700}, -1, 1, DType::f32);
  const auto all = [&] {
    return Tensors{matmul(x, y), sum(x), sum(x, 0), softmax(x), max(x, 1), x + x, sum(transpose(x), {0})};
  };
  set_num_threads(1);
  const Tensors one = all();
  for (const int threads : {2, 7}) {
    set_num_threads(threads);
    const Tensors many = all();
    for (std::size_t i = 0; i < one.size(); ++i)
      CHECK(std::memcmp(one[i].raw(), many[i].raw(), static_cast<std::size_t>(one[i].size()) * 4) == 0);
  }
}
