#include "cairn/train/picture_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "cairn/model/numeric.h"
#include "cairn/tensor/repeated_work.h"
#include "cairn/train/step_replay.h"

namespace cairn {
namespace {

// The one column of pictures; DataError names what else stands there.
const Column& picture_column_of(const Table& features, std::string_view learner) {
  const Column* found = nullptr;
  for (const Column& c : features.columns()) {
    if (c.kind() != ColumnKind::image)
      throw DataError(
          fmt::format("column '{}'", c.name()),
          fmt::format("is {}; {} takes one column of pictures and nothing else", name_of(c.kind()), learner),
          fmt::format(
              "Leave it out with --ignore {}, or let prepare() make numbers of everything for another "
              "learner.",
              c.name()));
    if (found)
      throw DataError(
          fmt::format("column '{}'", c.name()),
          fmt::format("is a second column of pictures beside '{}'; {} takes one", found->name(), learner),
          "Leave one out with --ignore.");
    found = &c;
  }
  if (!found)
    throw DataError(
        std::string(learner), "there is no column of pictures to learn from",
        "It learns from a folder or an archive of pictures; prepare() has the learners of tables.");
  return *found;
}

void softmax_row(std::span<double> row) {
  const double most = *std::max_element(row.begin(), row.end());
  double total = 0;
  for (double& v : row) total += v = std::exp(v - most);
  for (double& v : row) v /= total;
}

}  // namespace

PictureData picture_data(const Dataset& data, std::string_view learner) {
  if (data.roles().target.empty())
    throw UsageError(std::string(learner), "the data have no target", "Name it with --target.");
  if (data.num_rows() == 0) throw DataError(std::string(learner), "there are no rows to learn from");
  if (!is_classification(data.task()))
    throw UsageError(std::string(learner), "tells classes apart; this is a regression");
  const Table features = data.features();
  const Column& column = picture_column_of(features, learner);
  PictureData d{.column = column.name(),
                .pixels = column.values(),
                .codes = data.class_codes(),
                .classes = data.classes(),
                .positive = data.positive(),
                .task = data.task(),
                .weights = data.weights()};
  if (!d.weights.empty() && std::ranges::all_of(d.weights, [](double w) { return w == 0; }))
    throw DataError(std::string(learner), "every weight is 0; no row counts");
  return d;
}

PictureModel::PictureModel() = default;

PictureModel::PictureModel(const PictureData& data, PixelScaling scaling, Network net)
    : task_(data.task),
      positive_(data.positive),
      column_(data.column),
      classes_(data.classes),
      scaling_(std::move(scaling)),
      net_(std::make_unique<Network>(std::move(net))) {
  set_training(*net_, false);
}

// In blocks of one shape, the last one filled up with zeros, as NetModel's: a row's prediction does not
// depend on how many stand beside it.
Table PictureModel::predict(const Table& table) const {
  const Column& column = table.column(column_);
  if (column.kind() != ColumnKind::image)
    throw DataError(fmt::format("column '{}'", column_),
                    fmt::format("is {}; the model was trained on pictures", name_of(column.kind())));
  const Tensor& pixels = column.values();
  const Shape& wanted = net_->input_shape();
  if (pixels.size(1) != wanted[0] || pixels.size(2) != wanted[1] || pixels.size(3) != wanted[2])
    throw DataError(
        fmt::format("column '{}'", column_),
        fmt::format("has pictures {}; the model was trained on {}", pixels.shape().text(), wanted.text()));
  constexpr std::int64_t kRows = 64;
  const std::int64_t n = column.size();
  const auto k = static_cast<std::int64_t>(classes_.size());
  std::optional<RepeatedWork> repeated_work;
  if (n > kRows) repeated_work.emplace();
  const auto forward = [&](const Tensor& x) { return (*net_)(x); };
  PredictReplay replayed(*net_, forward);
  const bool many = n > 4 * kRows;  // two blocks are recorded before the others are replayed
  std::vector<double> outputs(static_cast<std::size_t>(n * k));
  const NoGrad no_grad;
  for (std::int64_t begin = 0; begin < n; begin += kRows) {
    const std::int64_t end = std::min(n, begin + kRows);
    Tensor block = Tensor::zeros({kRows, wanted[0], wanted[1], wanted[2]}, DType::u8);
    const Tensor part = pixels.slice(0, begin, end).contiguous();
    std::ranges::copy(part.data<std::uint8_t>(), block.mutable_data<std::uint8_t>().begin());
    const Tensor seen = scaling_.apply(block);
    const Tensor y = (many ? replayed(seen) : forward(seen)).contiguous().to(DType::f64);
    std::copy_n(y.data<double>().begin(), (end - begin) * k, outputs.begin() + begin * k);
  }
  const auto classes = static_cast<std::size_t>(k);
  for (std::size_t r = 0; r < outputs.size(); r += classes)
    softmax_row(std::span(outputs).subspan(r, classes));
  if (!std::ranges::all_of(outputs, [](double v) { return std::isfinite(v); }))
    throw DataError("predict", "a prediction is beyond the range of numbers");
  return prediction_table(task_, classes_, std::move(outputs));
}

// The windows of the first convolution, each stretched to the full range of shades.
Tensor PictureModel::filters() const {
  Network copy = *net_;  // the walk writes names
  for (const NamedParameter& p : parameters(copy)) {
    if (p.parameter->shape().ndim() != 4) continue;
    const Tensor w = p.parameter->value().detach().to(DType::f32).contiguous();  // [out, kh, kw, in]
    const auto from = w.data<float>();
    Tensor shades = Tensor::empty(w.shape(), DType::u8);
    auto to = shades.mutable_data<std::uint8_t>();
    const std::size_t window = from.size() / static_cast<std::size_t>(w.size(0));
    for (std::size_t f = 0; f < from.size(); f += window) {
      const auto [low, high] = std::ranges::minmax(from.subspan(f, window));
      const float range = std::max(high - low, std::numeric_limits<float>::min());
      for (std::size_t i = f; i < f + window; ++i)
        to[i] = static_cast<std::uint8_t>(std::lround(255 * (from[i] - low) / range));
    }
    return shades;
  }
  return {};
}

void PictureModel::set_histories(std::vector<double> loss, std::vector<double> watched) {
  loss_history_ = std::move(loss);
  watched_history_ = std::move(watched);
}

void PictureModel::check_loaded(std::int64_t positive) const {
  check_classes(task_, classes_);
  if (!is_classification(task_) || positive < 0 || positive >= std::ssize(classes_))
    throw ModelFileError(
        "model", fmt::format("has {} classes and the positive one is number {}", classes_.size(), positive));
  const Shape &in = net_->input_shape(), &out = net_->output_shape();
  if (in.ndim() != 3 || (in[2] != 1 && in[2] != 3) || !(out == Shape{std::ssize(classes_)}))
    throw ModelFileError("network",
                         fmt::format("takes {} and gives {}; pictures of 1 or 3 channels and {} classes were "
                                     "expected",
                                     in.text(), out.text(), classes_.size()));
  if (!scaling_.fits(in[2]))
    throw ModelFileError("model", "the scaling of its pixels does not fit the pictures");
}

void PictureModel::visit(Visitor& v) {
  v.choice<Task>("task", task_, &name_of, &task_from_name);
  std::int64_t positive = positive_;
  v.value("positive", positive);
  v.value("column", column_);
  v.value("classes", classes_);
  v.value("notes", notes_);
  v.value("means", scaling_.means);
  v.value("deviations", scaling_.deviations);
  v.value("loss_history", loss_history_);
  v.value("watched_history", watched_history_);
  std::string declaration = v.loading() ? std::string() : net_->json();
  v.value("network", declaration);
  if (v.loading()) {
    net_ = std::make_unique<Network>(Network::parse(declaration, "the network's declaration"));
    check_loaded(positive);
    positive_ = static_cast<std::int32_t>(positive);
    set_training(*net_, false);
  }
  v.child("weights", *net_);
}

}  // namespace cairn
