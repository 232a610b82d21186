#include "cairn/train/mlp.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/error.h"
#include "cairn/nn/category_embedding.h"
#include "cairn/train/declared_internal.h"
#include "cairn/train/layer_sizes_internal.h"
#include "cairn/train/net_fit_internal.h"
#include "cairn/train/net_learner.h"
#include "cairn/train/net_model.h"

namespace cairn {

const ParamList& MlpParams::list() {
  using P = MlpParams;
  static const ParamList l{
      param<&P::network>("network", "a file that declares another network as JSON, or that JSON", {},
                         {"architecture"}),
      param<&P::hidden>("hidden", "sizes of the hidden layers, such as 64 or 128, 64", {},
                        {"hidden_layer_sizes", "layers"}),
      param<&P::activation>(
          "activation", "between the layers",
          one_of("relu", "tanh", "sigmoid", "gelu", "silu", "leaky_relu", "elu", "identity")),
      param<&P::categories>(
          "categories", "one_hot: a weight a level in the first layer; embed: a few learned numbers a level",
          one_of("one_hot", "embed")),
      param<&P::optimizer>(
          "optimizer", "what moves the weights",
          one_of("adam", "adamw", "nadam", "sgd", "rmsprop", "adagrad", "lion", "adafactor", "muon"),
          {"solver"}),
      param<&P::learning_rate>("learning_rate", "length of a step", above(0), {"learning_rate_init", "lr"}),
      param<&P::schedule>("schedule", "how the learning rate goes on",
                          one_of("constant", "linear", "cosine", "one_cycle")),
      param<&P::epochs>("epochs", "passes over the rows", between(1, 1e6), {"max_iter", "max_epochs"}),
      param<&P::batch_size>("batch_size", "rows a step; 0: 32, up to 512 for many rows", between(0, 1e9)),
      param<&P::l2>("l2", "strength of the penalty on the weights; the more rows, the less it counts",
                    at_least(0), {"alpha"}),
      param<&P::clip_norm>("clip_norm", "largest length of a gradient; 0: any", at_least(0)),
      param<&P::patience>("patience", "epochs without gain before the end; 0: all epochs", between(0, 1e6),
                          {"n_iter_no_change"}),
      param<&P::held_out>("held_out", "share of the rows that patience watches",
                          ParamRule{.low = 0, .high = 1, .high_open = true}, {"validation_fraction"}),
      param<&P::precision>("precision",
                           "of the arithmetic; bf16: matrices are multiplied in bf16, the rest is f32",
                           one_of("f32", "f64", "bf16")),
  };
  return l;
}

Mlp::Mlp(Params params) : LearnerWith(std::move(params)) {
  train_detail::layer_sizes("mlp.hidden", params_.hidden);
  declared();
  require_precision(train_detail::products_of(params_.precision), "mlp.precision");
}

std::string Mlp::declared() const {
  const MlpParams usual;
  if (!params_.network.empty())
    train_detail::refuse_beside_declaration("mlp.network",
                                            {{"mlp.hidden", params_.hidden != usual.hidden},
                                             {"mlp.activation", params_.activation != usual.activation},
                                             {"mlp.categories", params_.categories != usual.categories}});
  return train_detail::declared_network("mlp.network", params_.network);
}

std::string Mlp::network(std::int64_t inputs, std::int64_t outputs, const std::string& blocks) const {
  if (std::string mine = declared(); !mine.empty()) return mine;
  const bool rectifies = params_.activation == "relu" || params_.activation == "leaky_relu" ||
                         params_.activation == "gelu" || params_.activation == "silu" ||
                         params_.activation == "elu";
  Json layers = Json::array();
  if (!blocks.empty()) layers.push_back({{"layer", CategoryEmbedding::kName}, {"blocks", blocks}});
  for (const std::int64_t size : train_detail::layer_sizes("mlp.hidden", params_.hidden)) {
    layers.push_back(
        {{"layer", "linear"}, {"out", size}, {"init", rectifies ? "he_uniform" : "xavier_uniform"}});
    layers.push_back(params_.activation);
  }
  layers.push_back({{"layer", "linear"}, {"out", outputs}});
  return Json{{"input", {inputs}}, {"layers", layers}}.dump();
}

namespace {

// Rows that count twice are two rows.
double rows_of(const Dataset& data) {
  const std::vector<double> weights = data.weights();
  const double total = weights.empty() ? static_cast<double>(data.num_rows())
                                       : std::accumulate(weights.begin(), weights.end(), 0.0);
  return total > 0 ? total : 1;  // no rows are refused elsewhere
}

// The columns that one_hot has made of a category, where fewer numbers can stand for them.
std::string category_blocks(const Table& features) {
  std::string blocks;
  std::int64_t first = 0;
  for (const Column& c : features.columns()) {
    if (c.kind() != ColumnKind::tensor) {
      ++first;
      continue;
    }
    const std::vector<std::string>& names = c.feature_names();
    const std::int64_t levels = std::ssize(names), size = CategoryEmbedding::usual_size(levels);
    const bool of_category =
        std::ranges::all_of(names, [&](const std::string& name) { return name.starts_with(c.name() + "="); });
    if (of_category && size < levels)
      blocks += fmt::format("{}{}:{}:{}", blocks.empty() ? "" : ", ", first, levels, size);
    first += levels;
  }
  return blocks;
}

}  // namespace

std::unique_ptr<Model> Mlp::fit(const Dataset& data, const FitContext& context) const {
  NetLearnerParts parts{.name = kName};
  const std::string blocks = params_.categories == "embed" ? category_blocks(data.features()) : "";
  parts.factory = [this, &blocks](std::int64_t inputs, std::int64_t outputs) {
    if (inputs == 0) throw DataError(kName, "there is no column to learn from");
    return Network::parse(network(inputs, outputs, blocks), kName);
  };
  parts.optimizer = params_.optimizer;
  parts.optimizer_params = Json{{"learning_rate", params_.learning_rate}}.dump();
  // The loss is a mean over the rows and the penalty stands beside their sum, as with ridge's alpha: what a
  // prior says counts less where data say more. Biases carry none.
  parts.step = {.l2 = params_.l2 / rows_of(data),
                .clip_norm = params_.clip_norm,
                .groups = {{.match = "*.bias", .penalty = 0}}};
  parts.trainer = {
      .epochs = params_.epochs, .patience = params_.patience, .schedule = {.kind = params_.schedule}};
  parts.batch_size = params_.batch_size;
  parts.held_out = params_.held_out;
  parts.declared = !params_.network.empty();
  parts.dtype = params_.precision == "f64" ? DType::f64 : DType::f32;
  parts.products = train_detail::products_of(params_.precision);
  return NetLearner(std::move(parts)).fit(data, context);
}

LearnerEntry mlp_entry() {
  LearnerEntry e{};
  e.name = Mlp::kName;
  e.doc =
      "A neural network of fully connected layers: any smooth shape, when there are rows enough to learn it "
      "from.";
  e.regression = e.binary = e.multiclass = true;
  e.accepts.unscaled = false;
  e.params = &MlpParams::list;
  e.make = &make_learner<Mlp>;
  e.blank = &make_blank<NetModel>;
  e.model_kind = NetModel::kKind.data();
  e.example_regression = "diabetes";
  e.example_r2 = 0.35;
  e.example_classification = "penguins";
  e.example_accuracy = 0.95;
  e.cost = 3;
  e.auto_settings = nullptr;  // a network is the person's choice
  e.flexibility = "l2";
  e.flexibility_grows = false;
  e.stochastic = true;
  return e;
}

}  // namespace cairn
