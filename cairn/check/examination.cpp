#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "cairn/base/error.h"
#include "cairn/base/random.h"
#include "cairn/base/suggest.h"
#include "cairn/check/examination_internal.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/optim/optimizer_table.h"

namespace cairn {
namespace {

std::set<std::string> accepted_names(const std::string& text) {
  std::set<std::string> names;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    std::erase(name, ' ');
    if (!name.empty()) names.insert(std::move(name));
    begin = end + 1;
  }
  std::vector<std::string> known;
  for (const FindingKind& k : findings()) known.emplace_back(k.name);
  for (const std::string& name : names)
    if (std::ranges::find(known, name) == known.end())
      throw UsageError("accept", fmt::format("there is no finding '{}'", name), suggestion(name, known));
  return names;
}

class Modules : public ModuleWalk {
 public:
  std::vector<Module*> all;

 protected:
  void on_module(const std::string& /*path*/, Module& self) override { all.push_back(&self); }
};

DType dtype_of(ModuleRef net) {
  for (const NamedParameter& p : parameters(net)) return p.parameter->dtype();
  return DType::f32;
}

void check_examples(const Tensor& x, const Tensor& y) {
  if (!x.defined() || !y.defined() || x.ndim() == 0 || y.ndim() == 0 || x.size(0) != y.size(0))
    throw ShapeError("check",
                     fmt::format("x is {} and y is {}; their first axes number the same examples",
                                 x.defined() ? x.text() : "undefined", y.defined() ? y.text() : "undefined"));
  if (x.size(0) < 2)
    throw DataError("check", fmt::format("{} example is given; a check needs two or more", x.size(0)));
}

}  // namespace

std::vector<double> as_numbers(const Tensor& t) {
  const Tensor wide = t.detach().contiguous().to(DType::f64);
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

Examination::Examination(const NetworkUnderCheck& subject, const Tensor& x_given, const Tensor& y_given,
                         const NetworkCheckOptions& options_given, const StopToken& stop_given)
    : options(options_given),
      stop(stop_given),
      net(subject.net),
      x(x_given.detach().contiguous()),
      y(y_given.detach().contiguous()),
      subject_(subject),
      dtype_(dtype_of(subject.net)),
      own_dtype_(dtype_),
      accepted_(accepted_names(options_given.accept)) {
  check_examples(x, y);
  Modules walk;
  net.visit(walk);
  modules_ = walk.all;
  for (const Module* m : modules_) trained_.push_back(m->training());
  own_.take(net);
  convert(net, DType::f64);
  wide_.take(net);
  dtype_ = DType::f64;
}

Examination::~Examination() {
  convert(net, own_dtype_);
  own_.put_back(net);
  for (std::size_t i = 0; i < modules_.size(); ++i) modules_[i]->set_training(trained_[i]);
}

void Examination::restart(DType dtype, bool training) {
  if (dtype != dtype_) convert(net, dtype);
  dtype_ = dtype;
  (dtype == own_dtype_ ? own_ : wide_).put_back(net);
  for (Module* m : modules_) m->set_training(training);
  stop.throw_if_requested("check");
}

Tensor Examination::rows_of_x(std::span<const std::int64_t> rows) const {
  const Tensor index = Tensor::from(rows, Shape{std::ssize(rows)});
  const Tensor part = index_select(x, index);
  return is_floating(x.dtype()) ? part.to(dtype_) : part;
}
Tensor Examination::rows_of_y(std::span<const std::int64_t> rows) const {
  const Tensor index = Tensor::from(rows, Shape{std::ssize(rows)});
  const Tensor part = index_select(y, index);
  return classes() ? part : part.to(dtype_);
}

std::vector<std::int64_t> Examination::some_rows(std::int64_t most, std::string_view purpose) const {
  auto rows = Random(static_cast<std::uint64_t>(options.seed), purpose).permutation(this->rows());
  if (std::ssize(rows) > most) rows.resize(static_cast<std::size_t>(most));
  return rows;
}

Tensor Examination::forward(const Tensor& batch) const { return subject_.forward(batch); }

Tensor Examination::loss(const Tensor& output, const Tensor& targets) const {
  if (subject_.loss) return subject_.loss(output, targets);
  return classes() ? cross_entropy(output, targets) : mse(output, targets);
}

double Examination::accuracy(const Tensor& output, const Tensor& targets) const {
  const std::vector<double> logits = as_numbers(output), truth = as_numbers(targets);
  const std::size_t k = truth.empty() ? 1 : logits.size() / truth.size();
  std::size_t right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto row = std::span(logits).subspan(i * k, k);
    right += static_cast<double>(std::ranges::max_element(row) - row.begin()) == truth[i];
  }
  return static_cast<double>(right) / static_cast<double>(truth.size());
}

void Examination::find(std::string name, std::string place, std::string evidence, std::string remedy) {
  CAIRN_ASSERT(std::ranges::any_of(findings(), [&](const FindingKind& k) { return name == k.name; }));
  if (accepted_.contains(name)) {
    measure("accepted: " + name, evidence);
    return;
  }
  result.findings.push_back({std::move(name), std::move(place), std::move(evidence), std::move(remedy)});
}
bool Examination::found(std::string_view name) const {
  return std::ranges::any_of(result.findings, [&](const Finding& f) { return f.name == name; });
}
void Examination::measure(std::string what, std::string value) {
  result.measured.push_back({std::move(what), std::move(value)});
}

const ParamList& NetworkCheckOptions::list() {
  using P = NetworkCheckOptions;
  static const ParamList l{
      param<&P::optimizer>("optimizer", "moves the weights where a look trains: adam, sgd, ..."),
      param<&P::learning_rate>("learning_rate", "the rate that is meant to be used; 0: not judged",
                               at_least(0)),
      param<&P::batch_size>("batch_size", "examples a step", between(2, 1e6)),
      param<&P::steps>("steps", "to overfit one batch, at most, at each rate that is tried", between(1, 1e6)),
      param<&P::seed>("seed", "of the examples that are looked at", at_least(0)),
      param<&P::accept>("accept", "findings that are meant to be so: names, separated by commas"),
  };
  return l;
}

NetworkCheck check_network(const NetworkUnderCheck& subject, const Tensor& x, const Tensor& y,
                           const NetworkCheckOptions& options, const StopToken& stop, Progress* progress) {
  validate({"check", const_cast<NetworkCheckOptions*>(&options), &NetworkCheckOptions::list()});
  optimizer_named(options.optimizer);  // a typing error is told before the work
  Examination e(subject, x, y, options, stop);
  using Look = void (*)(Examination&);
  constexpr Look kLooks[] = {look_at_data,   look_at_neighbours, look_at_start,     look_at_structure,
                             look_at_layers, look_at_loss,       look_at_gradients, look_at_modes,
                             look_at_mixing, look_at_learning};
  if (progress) progress->begin("looks", std::size(kLooks));
  for (const Look look : kLooks) {
    if (e.hopeless) break;
    look(e);
    if (progress) progress->advance(1);
  }
  if (progress) progress->end();
  return std::move(e.result);
}

}  // namespace cairn
