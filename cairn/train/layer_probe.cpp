#include "cairn/train/layer_probe.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "cairn/base/parallel.h"
#include "cairn/tensor/strided.h"

namespace cairn {
namespace {

constexpr double kNearEnd = 0.01;  // of the range of a sigmoid or tanh

struct Ends {  // a number below `low` or above `high` hardly moves with its input
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};
Ends ends_of(std::string_view op) {
  if (op == "sigmoid" || op == "hard_sigmoid") return {kNearEnd, 1 - kNearEnd};
  if (op == "tanh" || op == "hard_tanh") return {-1 + kNearEnd, 1 - kNearEnd};
  return {};
}
bool rectifies(std::string_view op) { return op == "relu" || op == "relu6"; }

struct Sums {
  double sum = 0, squares = 0, largest = 0;
  std::int64_t saturated = 0, bad = 0;
};
void add(Sums& to, const Sums& more) {
  to.sum += more.sum;
  to.squares += more.squares;
  to.largest = std::max(to.largest, more.largest);
  to.saturated += more.saturated;
  to.bad += more.bad;
}

// Sums in lanes, which the compiler makes vectors of; NaN and infinity show in the sum of squares.
template <class T>
Sums fast_sums(std::span<const T> values) {
  constexpr std::size_t kLanes = 8;
  double sum[kLanes] = {}, squares[kLanes] = {}, largest[kLanes] = {};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes)
    for (std::size_t k = 0; k < kLanes; ++k) {
      const auto v = static_cast<double>(values[i + k]);
      const double size = std::abs(v);
      sum[k] += v;
      squares[k] += v * v;
      largest[k] = size > largest[k] ? size : largest[k];
    }
  Sums s;
  for (std::size_t k = 0; k < kLanes; ++k) add(s, {sum[k], squares[k], largest[k], 0, 0});
  for (const T v : values.subspan(whole)) {
    const auto d = static_cast<double>(v);
    add(s, {d, d * d, std::abs(d), 0, 0});
  }
  return s;
}

template <class T>
Sums careful_sums(std::span<const T> values, const Ends& ends) {
  Sums s;
  for (const T value : values) {
    const auto v = static_cast<double>(value);
    if (!std::isfinite(v)) {
      ++s.bad;
      continue;
    }
    add(s, {v, v * v, std::abs(v), v < ends.low || v > ends.high ? 1 : 0, 0});
  }
  return s;
}

template <class T>
Sums sums_of(std::span<const T> values, const Ends& ends) {
  constexpr std::int64_t kGrain = 1 << 15;
  return parallel_reduce<Sums>(
      std::ssize(values), kGrain,
      [&](std::int64_t begin, std::int64_t end) {
        const auto part =
            values.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
        if (std::isfinite(ends.low)) return careful_sums(part, ends);
        const Sums s = fast_sums(part);
        return std::isfinite(s.squares) ? s : careful_sums(part, ends);
      },
      add);
}

template <class T>
std::int64_t count_dead(std::span<const T> values, std::int64_t units) {
  std::vector<char> alive(static_cast<std::size_t>(units), 0);
  std::int64_t dead = units;
  for (std::size_t row = 0; row < values.size() && dead > 0; row += alive.size()) {
    for (std::size_t u = 0; u < alive.size(); ++u)
      alive[u] = alive[u] | static_cast<char>(values[row + u] != T(0));
    dead = std::ranges::count(alive, 0);
  }
  return dead;
}

// The first examples of a batch, so that not much more than `most` numbers are looked at; 0: all.
Tensor some_of(const Tensor& t, std::int64_t most) {
  if (most == 0 || t.size() <= most || t.ndim() == 0) return t;
  const std::int64_t each = t.size() / t.size(0);
  return t.slice(0, 0, std::clamp<std::int64_t>(most / std::max<std::int64_t>(each, 1), 1, t.size(0)));
}

}  // namespace

LayerStatistics statistics_of(const Tensor& t, const char* op) {
  LayerStatistics s;
  s.operation = op;
  if (t.size() == 0 || !is_floating(t.dtype())) return s;
  s.units = t.ndim() == 0 ? 1 : t.size(-1 + t.ndim());
  const Tensor flat = dense(t);
  const auto look = [&](auto zero) {
    using T = decltype(zero);
    const Sums sums = sums_of(flat.data<T>(), ends_of(op));
    const auto n = static_cast<double>(flat.size());
    s.mean = sums.sum / n;
    s.stddev = std::sqrt(std::max(0.0, sums.squares / n - s.mean * s.mean));
    s.largest = sums.largest;
    s.saturated = static_cast<double>(sums.saturated) / n;
    s.finite = sums.bad == 0;
    if (rectifies(op)) s.dead = count_dead(flat.data<T>(), s.units);
  };
  flat.dtype() == DType::f32 ? look(float{}) : look(double{});
  return s;
}

LayerProbe::Seen& LayerProbe::find(const ModulePlace* place) {
  const auto at = std::ranges::find(seen_, place, &Seen::place);
  if (at != seen_.end()) return *at;
  seen_.push_back({place, nullptr, {}, {}});
  return seen_.back();
}

void LayerProbe::begin(const OpDef& /*op*/, std::span<const Tensor> /*in*/,
                       const Attributes& /*attributes*/) {}

void LayerProbe::end(const OpDef& op, std::span<const Tensor> /*in*/, std::span<const Tensor> out,
                     const Attributes& /*attributes*/) {
  if (!listening_ || !is_floating(out[0].dtype())) return;
  Seen& seen = find(module_place());
  seen.op = &op;
  listening_ = false;  // taking some of it is an operation too, and none of the network's
  seen.output = some_of(out[0].detach(), most_);
  listening_ = true;
}

std::function<void(const ModulePlace*, std::span<const Tensor>)> LayerProbe::gradients() {
  return [this](const ModulePlace* place, std::span<const Tensor> gradients) {
    const auto at = std::ranges::find(seen_, place, &Seen::place);
    // The first that comes is that of the module's last operation.
    if (at == seen_.end() || at->gradient.defined() || !gradients[0].defined()) return;
    const Tensor gradient = some_of(gradients[0].detach(), most_);
    if (gradient.shape() == at->output.shape()) at->gradient = gradient;
  };
}

std::vector<LayerStatistics> LayerProbe::statistics() const {
  std::vector<LayerStatistics> all;
  for (const Seen& seen : seen_) {
    LayerStatistics s = statistics_of(seen.output, seen.op->name);
    s.layer = seen.place ? seen.place->text() : "network";
    if (seen.gradient.defined()) {
      const LayerStatistics g = statistics_of(seen.gradient, "");
      s.gradient = std::sqrt(g.stddev * g.stddev + g.mean * g.mean);
      s.gradient_finite = g.finite;
    }
    all.push_back(std::move(s));
  }
  return all;
}

}  // namespace cairn
