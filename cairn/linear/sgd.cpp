#include "cairn/linear/sgd.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "cairn/base/parallel.h"
#include "cairn/base/random.h"
#include "cairn/linear/linear_model.h"
#include "cairn/linear/margin_calibration_internal.h"
#include "cairn/linear/row_reader_internal.h"
#include "cairn/model/numeric.h"
#include "cairn/ops/linalg.h"

namespace cairn {
namespace {

enum class Loss : std::uint8_t { squared, huber, logistic, hinge };

struct LossValue {
  double value, slope;  // slope by the prediction
};

// y is a number, or -1 and 1 for the classification losses.
LossValue loss_at(Loss loss, double p, double y, double epsilon) {
  const double r = p - y, margin = p * y;
  switch (loss) {
    case Loss::squared:
      return {0.5 * r * r, r};
    case Loss::huber:
      if (std::abs(r) <= epsilon) return {0.5 * r * r, r};
      return {epsilon * (std::abs(r) - 0.5 * epsilon), r > 0 ? epsilon : -epsilon};
    case Loss::logistic:
      return {std::max(-margin, 0.0) + std::log1p(std::exp(-std::abs(margin))),
              margin >= 0 ? -y * std::exp(-margin) / (1 + std::exp(-margin)) : -y / (1 + std::exp(margin))};
    case Loss::hinge:
      return margin < 1 ? LossValue{1 - margin, -y} : LossValue{0, 0};
  }
  return {0, 0};
}

// Rows of a part, and what is to be told of each.
struct Piece {
  explicit Piece(const NumericData& part) : data(part), rows(data.x) {}
  // A number, or for classes -1 and 1.
  double target(std::int64_t row, std::int32_t positive) const {
    const auto i = static_cast<std::size_t>(row);
    return data.task == Task::regression ? data.y[i] : data.labels[i] == positive ? 1 : -1;
  }
  double weight(std::int64_t row) const {
    return data.weights.empty() ? 1.0 : data.weights[static_cast<std::size_t>(row)];
  }
  NumericData data;
  RowReader rows;
};

// Rows that are shuffled among each other: all of them in memory, so many at a time of parts, wherever these
// end.
class Block {
 public:
  void add(std::shared_ptr<const Piece> piece, std::int64_t first, std::int64_t rows) {
    spans_.push_back({std::move(piece), first, size_});
    size_ += rows;
  }
  std::int64_t size() const { return size_; }
  // The piece of a row, and its number there.
  std::pair<const Piece&, std::int64_t> row(std::int64_t i) const {
    auto span = spans_.begin();
    if (spans_.size() > 1) span = std::ranges::upper_bound(spans_, i, {}, &Span::here) - 1;
    return {*span->piece, span->there + i - span->here};
  }

 private:
  struct Span {
    std::shared_ptr<const Piece> piece;
    std::int64_t there, here;  // its first row in the piece, and in the block
  };
  std::vector<Span> spans_;
  std::int64_t size_ = 0;
};

// Rows of so many features that are shuffled at a time: some 16 MB of numbers.
std::int64_t block_rows(std::int64_t features) {
  constexpr std::int64_t kNumbers = std::int64_t{1} << 21, kLeast = 1024, kMost = std::int64_t{1} << 16;
  return std::clamp(kNumbers / std::max<std::int64_t>(1, features), kLeast, kMost);
}

// All rows of parts in their order, block after block.
void each_block(const NumericRows& rows, const std::function<void(const Block&, std::uint64_t number)>& use) {
  const std::int64_t most = block_rows(rows.columns());
  Block open;
  std::uint64_t number = 0;
  rows.each([&](const NumericData& part) {
    const auto piece = std::make_shared<const Piece>(part);
    for (std::int64_t at = 0; at < part.x.rows();) {
      const std::int64_t taken = std::min(most - open.size(), part.x.rows() - at);
      open.add(piece, at, taken);
      at += taken;
      if (open.size() == most) use(std::exchange(open, Block()), number++);
    }
  });
  if (open.size() > 0) use(open, number);
}

// The learning rate of step t = 1, 2, ...
class Schedule {
 public:
  Schedule(const SgdParams& p, Loss loss, double alpha)
      : kind_(p.schedule), rate_(p.learning_rate), power_(p.power), alpha_(alpha) {
    if (kind_ == "auto") kind_ = loss == Loss::squared || loss == Loss::huber ? "invscaling" : "optimal";
    // Bottou's start: the first step moves a typical weight by about its typical size.
    const double typical = std::sqrt(1 / std::sqrt(alpha_));
    const double slope = std::abs(loss_at(loss, -typical, 1, p.epsilon).slope);
    start_ = 1 / (typical / std::max(1.0, slope) * alpha_);
  }
  double rate(double t) const {
    if (kind_ == "constant") return rate_;
    if (kind_ == "invscaling") return rate_ / std::pow(t, power_);
    return 1 / (alpha_ * (start_ + t - 1));
  }

 private:
  std::string kind_;
  double rate_, power_, alpha_, start_ = 0;
};

// One output's walk. Weights are held as scale * v, so that shrinking all of them is one multiplication.
class Walk {
 public:
  Walk(std::size_t features, Loss loss, const SgdParams& p, double intercept_share, std::int32_t positive,
       std::uint64_t seed, std::uint64_t output)
      : p_(p),
        loss_(loss),
        schedule_(p, loss, p.alpha),
        intercept_share_(intercept_share),
        positive_(positive),
        seed_(derive_seed(seed, "sgd", output)),
        v_(features),
        paid_(p.penalty == "l1" ? features : 0) {}

  bool goes_on() const { return !settled && !diverged; }

  // A step along each row of a block, in an order of this epoch's.
  void pass(const Block& block, std::uint64_t number) {
    const std::uint64_t stream = number == 0 ? seed_ : derive_seed(seed_, "block", number);
    const auto order = Random(stream, "epoch", static_cast<std::uint64_t>(epochs)).permutation(block.size());
    for (const std::int64_t i : order) {
      const auto [piece, row] = block.row(i);
      if (const double weight = piece.weight(row); weight != 0)
        step(piece.rows, row, piece.target(row, positive_), weight);
    }
    if (epochs > 0) return;
    for (std::int64_t i = 0; i < block.size(); ++i) {
      const auto [piece, row] = block.row(i);
      total_weight_ += piece.weight(row);
      at_rest += piece.weight(row) * loss_at(loss_, 0, piece.target(row, positive_), p_.epsilon).value;
    }
  }

  // After a pass over all rows.
  void end_epoch() {
    if (epochs == 0) at_rest /= total_weight_;
    ++epochs;
    const double mean = std::exchange(total_, 0) / total_weight_;
    history.push_back(mean);
    if (!std::isfinite(mean) || !std::isfinite(b) || !std::isfinite(scale_)) {
      diverged = true;
      return;
    }
    without_gain_ = mean > best_ - p_.tol ? without_gain_ + 1 : 0;
    best_ = std::min(best_, mean);
    settled = without_gain_ >= p_.patience;
  }

  // After the last epoch.
  void end() {
    constexpr double kWorse = 2;
    diverged |= history.back() > kWorse * at_rest;
    for (double& value : v_) value *= scale_;
    diverged |= !std::ranges::all_of(v_, [](double value) { return std::isfinite(value); });
    w = std::move(v_);
  }

  std::vector<double> w, history;  // mean loss of each epoch
  double b = 0, at_rest = 0;       // the mean loss of weights that never moved
  std::int64_t epochs = 0;
  bool settled = false, diverged = false;

 private:
  void step(const RowReader& rows, std::int64_t row, double y, double weight) {
    const double rate = schedule_.rate(t_);
    double sum = 0;
    rows.each(row, [&](std::size_t c, double x) { sum += v_[c] * x; });
    const LossValue at = loss_at(loss_, sum * scale_ + b, y, p_.epsilon);
    total_ += weight * at.value;
    if (p_.penalty == "l2") scale_ *= std::max(0.0, 1 - rate * p_.alpha);
    if (scale_ < 1e-9) {
      for (double& value : v_) value *= scale_;
      scale_ = 1;
    }
    if (const double step = -rate * weight * std::clamp(at.slope, -1e12, 1e12); step != 0) {
      rows.each(row, [&](std::size_t c, double x) { v_[c] += step * x / scale_; });
      b += step * intercept_share_;
    }
    if (p_.penalty == "l1") pay(rows, row, rate);
    ++t_;
  }

  // The cumulative penalty of the weights that the row has.
  void pay(const RowReader& rows, std::int64_t row, double rate) {
    owed_ += rate * p_.alpha;
    rows.each(row, [&](std::size_t c, double) {
      const double before = v_[c];
      if (before > 0)
        v_[c] = std::max(0.0, before - (owed_ + paid_[c]));
      else if (before < 0)
        v_[c] = std::min(0.0, before + (owed_ - paid_[c]));
      paid_[c] += v_[c] - before;
    });
  }

  const SgdParams& p_;
  Loss loss_;
  Schedule schedule_;
  double intercept_share_;
  std::int32_t positive_;
  std::uint64_t seed_;
  std::vector<double> v_, paid_;
  double scale_ = 1, t_ = 1, owed_ = 0, total_ = 0, total_weight_ = 0;
  double best_ = std::numeric_limits<double>::infinity();
  std::int64_t without_gain_ = 0;
};

// How far the intercept follows a step, told from all rows.
double intercept_share_of(const NumericRows& rows) {
  if (!rows.head().x.is_sparse()) return 1;
  std::int64_t stored = 0;
  rows.each([&](const NumericData& part) { stored += part.x.num_stored(); });
  return intercept_share(stored, rows.num_rows(), rows.columns());
}

std::vector<Walk> walk_all(const NumericRows& rows, Loss loss, const SgdParams& p,
                           const FitContext& context) {
  const NumericData& head = rows.head();
  const std::size_t outputs = head.task == Task::multiclass ? head.classes.size() : 1;
  const double share = intercept_share_of(rows);
  std::vector<Walk> walks;
  for (std::size_t k = 0; k < outputs; ++k)
    walks.emplace_back(static_cast<std::size_t>(rows.columns()), loss, p, share,
                       head.task == Task::binary ? head.positive : static_cast<std::int32_t>(k), context.seed,
                       k);
  std::optional<Block> all;
  if (const NumericData* data = rows.in_memory())
    all.emplace().add(std::make_shared<const Piece>(*data), 0, rows.num_rows());
  for (std::int64_t epoch = 0; epoch < p.max_epochs && std::ranges::any_of(walks, &Walk::goes_on); ++epoch) {
    context.stop.throw_if_requested("sgd");
    if (epoch > 0 && context.stop.time_is_up()) break;
    const auto each_walk = [&](const std::function<void(Walk&)>& use) {
      parallel_for(std::ssize(walks), 1, [&](std::int64_t begin, std::int64_t end) {
        for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k)
          if (walks[k].goes_on()) use(walks[k]);
      });
    };
    const auto pass = [&](const Block& block, std::uint64_t number) {
      context.stop.throw_if_requested("sgd");
      each_walk([&](Walk& walk) { walk.pass(block, number); });
    };
    if (all)
      pass(*all, 0);
    else
      each_block(rows, pass);
    each_walk([](Walk& walk) { walk.end_epoch(); });
  }
  for (Walk& walk : walks) walk.end();
  return walks;
}

Loss loss_for(const SgdParams& p, Task task) {
  const bool classes = is_classification(task);
  if (p.loss == "auto") return classes ? Loss::logistic : Loss::squared;
  const Loss loss = p.loss == "squared"    ? Loss::squared
                    : p.loss == "huber"    ? Loss::huber
                    : p.loss == "logistic" ? Loss::logistic
                                           : Loss::hinge;
  if ((loss == Loss::logistic || loss == Loss::hinge) != classes)
    throw ParamError("sgd", fmt::format("loss = {} does not serve a {}", p.loss, name_of(task)),
                     classes ? "Use logistic or hinge." : "Use squared or huber.");
  return loss;
}

void check_walks(const std::vector<Walk>& walks, const SgdParams& p) {
  for (const Walk& w : walks)
    if (w.diverged)
      throw FitError(
          "sgd",
          fmt::format("the steps diverge: the mean loss is {:.4g} after {} epochs, {:.4g} with all weights 0",
                      w.history.back(), w.epochs, w.at_rest),
          fmt::format("Scale the columns (prepare does), or lower learning_rate = {:g}.", p.learning_rate));
}

}  // namespace

const ParamList& SgdParams::list() {
  using P = SgdParams;
  static const ParamList l{
      param<&P::loss>("loss", "what an error costs; auto: squared for numbers, logistic for classes",
                      one_of("auto", "squared", "huber", "logistic", "hinge")),
      param<&P::penalty>("penalty", "on the weights", one_of("l2", "l1", "none")).searched({"l2", "l1"}),
      param<&P::alpha>("alpha", "strength of the penalty, and of the optimal schedule", above(0),
                       {"lambda", "l2", "C"})
          .searched(1e-6, 1e-1, SearchScale::log),
      param<&P::schedule>("schedule",
                          "how the learning rate falls; auto: invscaling for numbers, optimal for classes",
                          one_of("auto", "optimal", "invscaling", "constant")),
      param<&P::learning_rate>("learning_rate", "first step length of invscaling, every step of constant",
                               above(0), {"eta0", "lr"}),
      param<&P::power>("power", "invscaling: the rate falls with step^power", between(0, 10), {"power_t"}),
      param<&P::epsilon>("epsilon", "huber: errors beyond this count linearly", above(0)),
      param<&P::max_epochs>("max_epochs", "passes over the rows at most", between(1, 1e7),
                            {"max_iter", "epochs", "num_iterations"}),
      param<&P::tol>("tol", "a gain of the mean loss below this counts as none", at_least(0)),
      param<&P::patience>("patience", "epochs without gain before the end", between(1, 1e7),
                          {"n_iter_no_change"}),
  };
  return l;
}

namespace {

// Probabilities out of the margins of the training rows, all of which are in memory.
void calibrate(const NumericData& data, const std::vector<Walk>& walks, LinearModel& model) {
  std::vector<double> slopes, offsets, margins(static_cast<std::size_t>(data.x.rows())), targets;
  for (std::size_t k = 0; k < walks.size(); ++k) {
    const std::int32_t positive = data.task == Task::binary ? data.positive : static_cast<std::int32_t>(k);
    targets.clear();
    for (const std::int32_t label : data.labels) targets.push_back(label == positive ? 1 : -1);
    linalg::multiply(data.x, walks[k].w, walks[k].b, margins);
    const MarginCalibration c = calibrate_margins(margins, targets, data.weights);
    slopes.push_back(c.slope);
    offsets.push_back(c.offset);
  }
  model.set_calibration(std::move(slopes), std::move(offsets));
  model.add_note(
      "hinge gives margins: probabilities are a sigmoid fitted to the margins of the training rows (Platt "
      "1999)");
}

std::unique_ptr<LinearModel> fit_rows(const NumericRows& rows, const SgdParams& p,
                                      const FitContext& context) {
  const NumericData& head = rows.head();
  const Loss loss = loss_for(p, head.task);
  std::vector<Walk> walks = walk_all(rows, loss, p, context);
  check_walks(walks, p);
  std::vector<double> weights, intercepts;
  for (const Walk& w : walks) {
    weights.insert(weights.end(), w.w.begin(), w.w.end());
    intercepts.push_back(w.b);
  }
  const Link link = head.task == Task::regression ? Link::identity
                    : walks.size() == 1           ? Link::sigmoid
                                                  : Link::one_vs_rest;
  auto model = std::make_unique<LinearModel>(head, link, std::move(weights), std::move(intercepts));
  if (loss == Loss::hinge) calibrate(*rows.in_memory(), walks, *model);
  std::int64_t epochs = 0;
  bool settled = true;
  for (const Walk& w : walks) {
    epochs = std::max(epochs, w.epochs);
    settled = settled && w.settled;
  }
  model->add_note(fmt::format("{} epochs of stochastic gradient descent, mean loss {:.6g} in the last",
                              epochs, walks[0].history.back()));
  if (!rows.in_memory() && rows.num_rows() > block_rows(rows.columns()))
    model->add_note(fmt::format("the rows came in parts and were shuffled within blocks of {} rows",
                                block_rows(rows.columns())));
  if (context.stop.limit_changed_something())
    model->add_note("stopped by the time limit while the loss was still falling");
  else if (!settled)
    model->add_note("stopped by max_epochs while the loss was still falling: raise it");
  if (walks.size() == 1) model->set_loss_history(std::move(walks[0].history));
  return model;
}

}  // namespace

std::unique_ptr<Model> Sgd::fit(const Dataset& dataset, const FitContext& context) const {
  const NumericData all = numeric_data(dataset, kName);
  return fit_rows(NumericRows(all), params_, context);
}

std::string Sgd::why_not_in_parts() const {
  return params_.loss == "hinge"
             ? "loss=hinge of sgd tells probabilities from the margins of all rows at once"
             : "";
}

std::unique_ptr<Model> Sgd::fit_parts(DatasetParts& rows, const FitContext& context) const {
  return fit_rows(NumericRows(rows, kName, true), params_, context);
}

std::span<const LossEntry> sgd_losses() {
  static const LossEntry entries[] = {
      {"squared", "half the squared error", true, false, false, Sgd::kName},
      {"huber", "squared up to epsilon, then linear: wild targets pull less", true, false, false, Sgd::kName},
      {"logistic", "minus the logarithm of the probability of the true class", false, true, true, Sgd::kName},
      {"hinge", "1 less the margin, where that is above 0: a linear support vector machine", false, true,
       true, Sgd::kName},
  };
  return entries;
}

}  // namespace cairn
