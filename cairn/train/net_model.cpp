#include "cairn/train/net_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "cairn/base/error.h"
#include "cairn/base/parallel.h"
#include "cairn/tensor/repeated_work.h"

namespace cairn {

NetModel::NetModel() = default;

NetModel::NetModel(const NumericData& data, Network net, DType dtype, double center, double scale)
    : NumericModel(data),
      net_(std::make_unique<Network>(std::move(net))),
      dtype_(dtype),
      center_(center),
      scale_(scale) {
  set_training(*net_, false);
  CAIRN_ASSERT(net_->input_shape() == Shape{num_features()} && net_->output_shape() == Shape{num_outputs()});
}

namespace {

// Probabilities from a row's logits, in place.
void softmax_row(std::span<double> row) {
  const double most = *std::max_element(row.begin(), row.end());
  double total = 0;
  for (double& v : row) total += v = std::exp(v - most);
  for (double& v : row) v /= total;
}

}  // namespace

// In blocks of one shape, the last one filled up with zeros: products of matrices round by shape, and a row's
// prediction is not to depend on how many stand beside it.
void NetModel::compute(const Matrix& x, std::span<double> outputs) const {
  constexpr std::int64_t kRows = 64;
  const std::int64_t k = num_outputs();
  constexpr std::int64_t kMany = 4096;  // rows; giving memory back takes longer than a few blocks
  std::optional<RepeatedWork> repeated_work;
  if (x.rows() >= kMany) repeated_work.emplace();
  parallel_for(x.rows(), kRows, [&](std::int64_t begin, std::int64_t end) {
    const NoGrad no_grad;
    Tensor batch = Tensor::zeros({kRows, x.columns()}, dtype_);
    if (dtype_ == DType::f32)
      x.tile(begin, end, batch.mutable_data<float>().data());
    else
      x.tile(begin, end, batch.mutable_data<double>().data());
    const Tensor y = (*net_)(batch).contiguous().to(DType::f64);
    std::copy_n(y.data<double>().begin(), (end - begin) * k, outputs.begin() + begin * k);
  });
  if (task() == Task::regression) {
    for (double& v : outputs) v = center_ + scale_ * v;
  } else {
    const auto classes = static_cast<std::size_t>(k);
    for (std::size_t r = 0; r < outputs.size(); r += classes) softmax_row(outputs.subspan(r, classes));
  }
}

void NetModel::visit_members(Visitor& v) {
  std::string declaration = v.loading() ? std::string() : net_->json();
  v.value("network", declaration);
  v.choice<DType>("precision", dtype_, &name_of, [](std::string_view name) {
    if (name == "f32" || name == "f64") return name == "f32" ? DType::f32 : DType::f64;
    throw ModelFileError("network", fmt::format("computes in '{}', which is unknown", name));
  });
  if (v.loading()) {
    net_ = std::make_unique<Network>(Network::parse(declaration, "the network's declaration"));
    if (!(net_->input_shape() == Shape{num_features()} && net_->output_shape() == Shape{num_outputs()}))
      throw ModelFileError(
          "network", fmt::format("takes {} and gives {}; the model has {} features and {} outputs",
                                 net_->input_shape().text(), net_->output_shape().text(), num_features(),
                                 num_outputs()));
    convert(*net_, dtype_);
    set_training(*net_, false);
  }
  v.child("weights", *net_);
  v.value("center", center_);
  v.value("scale", scale_);
  v.value("loss_history", loss_history_);
  v.optional("watched_history", watched_history_);
}

}  // namespace cairn
